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

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.worker_pool import produce
from kpm_ros.motion.published_camera import at_the_keys
from kpm_ros.motion.published_layout import SPLITS, published_clips
from kpm_ros.motion.scores.key_scores import score_keys
from kpm_ros.motion.two_hand_release import TwoHandRelease
from kpm_ros.sense.midi.score import Note, PedalMove, Score, read_midi, read_voices
from kpm_ros.sense.midi.score_writer import midi_of


def piece(low: int) -> list[Score]:
    right = [Note(0.5 * k, 0.4, low + 2 * k, 60 + k) for k in range(8)]
    left = [Note(1.0 * k, 0.9, low - 24 + k, 50) for k in range(4)]
    return [Score.of(right, [PedalMove(1.0, 64, 1.0)]), Score.of(left)]


def test_scores_come_back_from_their_file_voice_by_voice(tmp_path: Path) -> None:
    path = tmp_path / "piece.mid"
    path.write_bytes(midi_of(piece(60)))
    again = read_voices(path)
    for wanted, found in zip(piece(60), again, strict=True):
        assert [n.pitch for n in found.notes] == [n.pitch for n in wanted.notes]
        assert [n.velocity for n in found.notes] == [n.velocity for n in wanted.notes]
        for name in ("onset_s", "end_s"):
            times = [[getattr(n, name) for n in one.notes] for one in (found, wanted)]
            assert times[0] == pytest.approx(times[1], abs=1e-3)
    assert [move.value for move in again[0].pedals] == [1.0]
    assert len(read_midi(path).notes) == 12


def test_a_data_set_holds_movements_whose_notes_and_people_no_other_split_has(
    tmp_path: Path,
) -> None:
    files = []
    for number in range(3):
        files.append(tmp_path / f"piece_{number}.mid")
        files[-1].write_bytes(midi_of(piece(60 + number)))
    release = TwoHandRelease(hours=12 / 3600, pianists=3, midi=tuple(files), published=True)
    root = tmp_path / "set"
    produce(root, release, 1)
    parts = release.parts()
    assert [part.split for part in parts] == ["train", "train", "valid", "test"]
    assert len({(part.pianist, part.piece, part.split) for part in parts}) == 3
    listed = [name for split in SPLITS for name in (root / f"{split}.txt").read_text().split()]
    assert listed == [part.stem for part in parts]
    motion = HandMotion.load(root / f"{listed[-1]}.npz")
    assert motion.simulated
    assert score_keys(motion, read_midi(root / f"{listed[-1]}.mid")).onsets.f1 == 1.0
    [clip] = published_clips(root / "published", "test")
    assert clip.midi().is_file()
    seen = at_the_keys(clip.motion())
    whole = motion.cut(0.0, 1e9)
    for side, hand in seen.hands.items():
        assert hand.place is not None
        np.testing.assert_allclose(hand.place, whole.hands[side].place, atol=1e-3)
    assert not release.make(parts[0], root)
    with pytest.raises(ForeignFileError, match="begun with other arguments"):
        TwoHandRelease(hours=1.0, pianists=3).open(root)


def test_a_request_that_makes_no_three_splits_is_refused() -> None:
    with pytest.raises(ValueError, match="pianists"):
        TwoHandRelease(hours=1.0, pianists=2)
    with pytest.raises(ValueError, match="at least 3, or none"):
        TwoHandRelease(hours=1.0, midi=(Path("a.mid"), Path("b.mid")))
    studies = TwoHandRelease(hours=0.1, pianists=5).parts()
    assert len({part.piece for part in studies}) == len(studies)
