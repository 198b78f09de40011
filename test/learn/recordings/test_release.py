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

"""Data sets on disk: what is there is read as it is, and only as often as it must."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.pianokpm_release import open_release
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.simulate.release.pianists import make_release
from kpm_ros.simulate.release.request import Request
from support.releases import FOLDERS, NAME, fill, raw, refusal, write, write_splits


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    request = Request(2, 2, 2, 2, 3, "plain", (2,), (2,))
    make_release(folder, request, workers=1)
    return folder


def values(recording: Recording, name: str) -> np.ndarray:
    series = recording.series_of(name)
    assert series is not None
    return series.values


def test_a_recording_is_what_its_files_hold(root: Path) -> None:
    recording = open_release(root).recording(NAME)
    who = (recording.name, recording.task, recording.person, recording.take)
    assert who == (NAME, "t1", "p1", "1")
    assert recording.streams.names == ("top", "right", "keys")
    for view, folder in zip(("top", "right"), FOLDERS, strict=False):
        points = np.float32(raw(root, folder)[..., :2].reshape(120, 42))
        assert np.array_equal(values(recording, view), points)
    assert np.array_equal(values(recording, "keys"), np.float32(raw(root, "keystroke_data")))
    assert np.array_equal(recording.truth.values, np.float32(raw(root, "emg_data")))
    for array in (*(one.values for one in recording.series), recording.truth.values):
        assert isinstance(array, np.memmap)
        assert array.dtype == np.float32


def test_frames_are_at_their_true_times_and_the_last_is_held(root: Path) -> None:
    release = open_release(root)
    recording = release.recording(NAME)
    rows = GridRecording(recording, release.streams, 1024).values()
    assert rows.shape == (2048, 172)
    frames = np.hstack([values(recording, view) for view in ("top", "right")])
    for column in (0, 41, 83):
        expected = np.interp(np.arange(2048) / 1024, np.arange(120) / 60, frames[:, column])
        assert rows[:, column] == pytest.approx(expected, abs=1e-5)
    assert np.array_equal(rows[-1, :84], frames[-1])
    assert np.array_equal(rows[:, 84:], values(recording, "keys"))


def test_views_are_in_the_order_asked_for_the_published_ones_first(root: Path) -> None:
    assert open_release(root, views=("right", "top")).streams.views == ("right", "top")
    assert open_release(root, views=("right",)).recording(NAME).streams.names == ("right", "keys")
    (root / "hand_data/keyp_above").mkdir()
    shutil.copy(root / f"hand_data/keyp_top/{NAME}.pkl", root / "hand_data/keyp_above")
    assert open_release(root).streams.views == ("top", "right", "above")


def test_a_simulated_set_is_read_and_known_as_such(simulated: Path, root: Path) -> None:
    dataset = open_dataset(simulated)
    assert dataset.simulated
    assert dataset.description.startswith("simulated: pianists 2; tasks 2")
    assert not open_dataset(root).simulated
    assert open_dataset(root).description == "recorded, or without a manifest"
    assert dataset.muscles == ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
    assert {"t1_p2_1", "t1_p2_2"} == set(dataset.splits["test_cross_user"])
    assert dataset.recording("t1_p1_1").truth.values.shape == (2048, 6)
    architectural = open_dataset(simulated, "dataset_architectural.json")
    assert len(architectural.names) == 8


def test_a_set_whose_manifest_is_damaged_is_still_simulated(root: Path) -> None:
    (root / "simulated").mkdir()
    (root / "simulated/dataset.json").write_text("[]")
    dataset = open_dataset(root)
    assert dataset.simulated
    assert "simulated/dataset.json" in dataset.description


def test_names_may_have_folders_endings_and_unusual_takes(root: Path) -> None:
    fill(root, "t10_p02_slow-2")
    write_splits(root, train=[f"emg_data/{NAME}.pkl"], test=["t10_p02_slow-2"])
    release = open_release(root)
    assert release.splits["test"] == ("t10_p02_slow-2",)
    assert release.recording("t10_p02_slow-2").take == "slow-2"
    assert release.splits["val"] == ()


def test_streams_that_end_a_little_apart_are_cut_to_the_shortest(root: Path) -> None:
    fill(root, frames=150, samples=2048 + 100)
    recording = open_release(root).recording(NAME)
    assert [len(one) for one in recording.series] == [120, 120, 2048]
    assert len(recording.truth.values) == 2048


def test_keys_that_are_never_sensed_stay_as_they_are(root: Path) -> None:
    keys = np.zeros((2048, 88))
    keys[:, 5] = -1
    write(root, "keystroke_data", keys)
    assert np.array_equal(values(open_release(root).recording(NAME), "keys"), keys)


def test_pixels_become_fractions_of_the_image(root: Path) -> None:
    before = values(open_release(root).recording(NAME), "top")
    for folder in FOLDERS[:2]:
        write(root, folder, raw(root, folder)[..., :2] * (1280, 720))
    assert "1280x720" in refusal(root)
    after = values(open_release(root, image_size=(1280, 720)).recording(NAME), "top")
    assert after == pytest.approx(before, abs=1e-5)


def test_the_fingerprint_tells_content_not_place(root: Path, tmp_path: Path) -> None:
    one = open_release(root).fingerprint
    shutil.copytree(root, tmp_path / "elsewhere")
    assert open_release(tmp_path / "elsewhere").fingerprint == one
    effort = raw(root, "emg_data")
    write(root, "emg_data", effort + 0.001)
    assert open_release(root).fingerprint != one


def test_arrays_are_made_once_and_again_when_a_file_changes(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kpm_ros.learn.recordings import pianokpm_files

    made: list[Path] = []
    read_array = pianokpm_files.read_array
    monkeypatch.setattr(
        pianokpm_files, "read_array", lambda path: made.append(path) or read_array(path)
    )
    open_release(root).recording(NAME)
    assert len(made) == 4
    open_release(root).recording(NAME)
    assert len(made) == 4
    # The same content at another time is no reason; other content of the same size is.
    os.utime(root / f"emg_data/{NAME}.pkl", (1, 1))
    open_release(root).recording(NAME)
    assert len(made) == 4
    write(root, "keystroke_data", np.ones((2048, 88)))
    assert values(open_release(root).recording(NAME), "keys").min() == 1
    assert len(made) == 5


@pytest.mark.parametrize("damage", ["cut", "garbage", "removed", "description"])
def test_a_damaged_cache_is_made_anew(root: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    first = values(open_release(root, cache=cache).recording(NAME), "keys").copy()
    array, about = cache / f"keys/{NAME}.npy", cache / f"keys/{NAME}.json"
    content = array.read_bytes()
    if damage == "cut":
        array.write_bytes(content[:1000])
    elif damage == "garbage":
        array.write_bytes(b"?" * len(content))
    elif damage == "removed":
        array.unlink()
    else:
        about.write_text('{"sources": [[1]]}')
    assert np.array_equal(values(open_release(root, cache=cache).recording(NAME), "keys"), first)


@pytest.mark.parametrize("forged", [False, True])
def test_an_array_that_was_changed_is_not_believed(root: Path, forged: bool) -> None:
    """Nor is one that came with the data set, with a description that fits it."""
    first = values(open_release(root).recording(NAME), "keys").copy()
    array, about = root / f".arrays/keys/{NAME}.npy", root / f".arrays/keys/{NAME}.json"
    status = array.stat()
    content = array.read_bytes()
    array.write_bytes(content[:-4] + bytes(4) if first[-1, -1] else content[:-4] + b"\0\0\0?")
    os.utime(array, ns=(status.st_atime_ns, status.st_mtime_ns))
    if forged:
        told = json.loads(about.read_text())
        told["array"][:2] = [status.st_size, status.st_mtime_ns]
        about.write_text(json.dumps(told))
    assert np.array_equal(values(open_release(root).recording(NAME), "keys"), first)


def test_a_source_whose_time_was_put_back_is_read_again(root: Path) -> None:
    write(root, "keystroke_data", np.zeros((2048, 88)))
    open_release(root).recording(NAME)
    path = root / f"keystroke_data/{NAME}.pkl"
    status = path.stat()
    write(root, "keystroke_data", np.ones((2048, 88)))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert values(open_release(root).recording(NAME), "keys").min() == 1


def test_arrays_are_not_written_through_links(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / ".arrays").symlink_to(outside)
    open_release(root).recording(NAME)
    assert list((tmp_path / "own").rglob(f"{NAME}.npy"))
    (root / ".arrays").unlink()
    (root / ".arrays").mkdir()
    (root / ".arrays/keys").symlink_to(outside)
    with pytest.raises(ValueError, match=r"keys is a link"):
        open_release(root).recording(NAME)
    (root / ".arrays/keys").unlink()
    (root / ".arrays/keys").mkdir()
    (root / f".arrays/keys/{NAME}.npy").symlink_to(outside / "array.npy")
    (root / f".arrays/keys/{NAME}.json").symlink_to(outside / "about.json")
    open_release(root).recording(NAME)
    assert not list(outside.iterdir())


def test_a_data_set_that_cannot_be_written_to_has_its_cache_elsewhere(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".arrays").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "own"))
    assert values(open_release(root).recording(NAME), "keys").shape == (2048, 88)
    assert list((tmp_path / "own").rglob(f"{NAME}.npy"))


def test_a_release_lists_its_performances_once(simulated: Path) -> None:
    release: DataSet = open_release(simulated)
    assert sorted(release.names) == sorted(set(release.names))
    assert len(release.names) == 6
