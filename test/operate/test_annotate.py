# Copyright 2026 The kpm_ros authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""`kpm annotate` of a real video: both hands, in the published layout and in our file."""

from __future__ import annotations

from pathlib import Path

import cv2
import mido
import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.motion import video_hands
from kpm_ros.motion.published_layout import published_clips
from kpm_ros.motion.video_hands import track_video

FRAMES = 36


def _write(path: Path, frames: list[np.ndarray]) -> Path:
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30.0, (width, height))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return path


@pytest.fixture(scope="module")
def playing(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second and a half of a real video."""
    source = shared / "data/video/overhead_piano.mp4"
    if not source.is_file():
        pytest.skip("no real video beside the project")
    capture = cv2.VideoCapture(str(source))
    frames = [capture.read()[1] for _ in range(FRAMES)]
    return _write(tmp_path_factory.mktemp("video") / "short cut.avi", frames)


def _notes(path: Path, count: int) -> Path:
    track = mido.MidiTrack()
    for _ in range(count):
        track.append(mido.Message("note_on", note=60, velocity=64, time=0))
        track.append(mido.Message("note_off", note=60, time=240))
    mido.MidiFile(tracks=[track]).save(path)
    return path


def test_a_real_video_becomes_clips_notes_and_a_movement_at_the_keys(
    playing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = _notes(tmp_path / "notes.mid", 4)
    words = ["--midi", str(notes), "--out", str(tmp_path / "set"), "--subject", "anna"]
    assert main(["annotate", str(playing), *words]) == 0
    said = capsys.readouterr().out
    assert "both hands seen                 100.0 %" in said
    assert "hands that look exchanged       0 pictures" in said
    motion = HandMotion.load(tmp_path / "set" / "short-cut.npz")
    assert (len(motion), motion.rate_hz, motion.frame) == (FRAMES, 30.0, "keyboard")
    left, right = (motion.hands[side].known()["place"][:, 0].mean() for side in ("left", "right"))
    assert 0.3 < left < right < 1.0
    (clip,) = published_clips(tmp_path / "set", "train", ["anna"])
    assert clip.midi().read_bytes() == notes.read_bytes()
    assert len(clip.motion()) == FRAMES
    # Once more: nothing is tracked again, and the list names the video once.
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "set/tracked").rglob("*.npz")}
    assert main(["annotate", str(playing), *words]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}
    assert (tmp_path / "set/train.txt").read_text() == "anna short-cut\n"


def test_a_run_that_was_stopped_goes_on_where_it_was(
    playing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_hands, "PART", 10)
    monkeypatch.setattr(video_hands, "WARM_UP", 4)

    def stopped(done: int, total: int) -> None:
        assert total >= FRAMES
        if done == 25:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        track_video(playing, tmp_path, tell=stopped)
    kept = sorted(tmp_path.glob("*.npz"))
    assert [path.name for path in kept] == ["part_00000.npz", "part_00001.npz"]
    times = [path.stat().st_mtime_ns for path in kept]
    told: list[int] = []
    seen = track_video(playing, tmp_path, tell=lambda done, total: told.append(done))
    assert told[0] == 17
    assert times == [path.stat().st_mtime_ns for path in kept]
    assert seen.points.shape == (FRAMES, 2, 21, 3)
    assert seen.seen.all()
    np.testing.assert_allclose(seen.times_s, np.arange(FRAMES) / 30.0, atol=2e-3)
    # Left stays left over the seam.
    middle = seen.points[:, :, :, 0].mean(axis=2)
    assert (middle[:, 0] < middle[:, 1]).all()


def test_videos_and_notes_that_cannot_be_used_are_refused_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = _write(tmp_path / "empty.avi", [np.full((120, 160, 3), 90, np.uint8)] * 5)
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    none = _notes(tmp_path / "none.mid", 0)
    out = ["--out", str(tmp_path / "set")]
    for words, said in (
        ([str(empty), *out], "no hand was seen in any of the 5 pictures of"),
        ([str(text), *out], "cannot be read as a video: it is text"),
        ([str(tmp_path / "gone.mp4"), *out], "No such file"),
        ([str(empty), "--midi", str(none), *out], "is a MIDI file without a single note"),
        ([str(empty), "--registration", str(text), *out], "text.mp4"),
        ([str(empty), "--name", "???", *out], "holds no letter or digit"),
    ):
        assert main(["annotate", *words]) == 2
        assert said in capsys.readouterr().err
    assert not list((tmp_path / "set").glob("*.txt"))
