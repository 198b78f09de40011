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

"""NumPy archives of movement and EMG become a data set by which their protocol can be followed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.importing.archives import SMALLEST_SCALE, stretches
from kpm_ros.learn.recordings.dataset_readers import open_dataset

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "glove_emg"
MOVEMENTS, REPETITIONS = 2, 4


def archive(folder: Path, name: str, seed: int = 0, **changes: object) -> Path:
    """Write a person's archive: rest, then each repetition and the rest after it."""
    random = np.random.default_rng(seed)
    asked = [(0, 0, 70)]
    for movement in range(1, MOVEMENTS + 1):
        for repetition in range(1, REPETITIONS + 1):
            asked += [(movement, repetition, 120), (0, 0, 80)]
    stimulus = np.concatenate([np.full(count, m, np.int8) for m, _, count in asked])
    repetition = np.concatenate([np.full(count, r, np.int8) for _, r, count in asked])
    emg = np.abs(random.normal(size=(len(stimulus), 3))).astype(np.float32)
    emg[:, 2] *= 0.001
    glove = random.uniform(1, 200, (len(stimulus), 4)).astype(np.float32)
    arrays = {"emg": emg, "glove": glove, "stimulus": stimulus, "repetition": repetition}
    path = folder / f"{name}.npz"
    np.savez(path, **(arrays | changes))
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    paths = [archive(tmp_path, f"p{number}", number) for number in (1, 2, 3)]
    words = ["dataset", *map(str, paths), "--out", str(tmp_path / "set"), "--workers", "1"]
    assert main(words) == 0
    return tmp_path / "set"


def test_each_sample_is_the_truth_of_the_repetition_that_it_belongs_to(out: Path) -> None:
    dataset = open_dataset(out)
    arrays = np.load(out.parent / "p2.npz")
    scale = np.maximum(np.percentile(arrays["emg"], 99, axis=0), SMALLEST_SCALE)
    wanted = np.clip(arrays["emg"] / scale, 0, 1.5)[70:]
    names = [f"p2_m{m}_r{r}" for m in (1, 2) for r in range(1, REPETITIONS + 1)]
    found = []
    for name in names:
        recording = dataset.recording(name)
        effort = np.asarray(recording.truth.values)
        known = np.isfinite(effort).all(axis=1)
        assert known.sum() == 200
        assert len(effort) == len(recording.series[0])
        found.append(effort[known])
    np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-6)
    first = dataset.recording("p2_m1_r1").series[0].values
    np.testing.assert_array_equal(first, arrays["glove"][:320])


def test_splits_are_by_take_by_person_and_by_task_and_nothing_leaks(out: Path) -> None:
    files = {path.name for path in out.glob("splits*.json")}
    assert {"splits.json", "splits_by_person.json", "splits_by_task.json"} < files
    usual = open_dataset(out).splits
    assert {name[-2:] for name in usual["test"]} == {"r2"}
    assert {name[-2:] for name in usual["val"]} == {"r4"}
    for file in sorted(files):
        splits = open_dataset(out, file).splits
        known = {*splits["train"], *splits["val"]}
        for test in ("test", "test_cross_user", "test_cross_task"):
            assert not known & set(splits[test])
    unseen = open_dataset(out, "splits_unseen_p2.json").splits
    assert {name[:2] for name in unseen["test_cross_user"]} == {"p2"}
    assert {name[:2] for name in (*unseen["train"], *unseen["val"])} == {"p1", "p3"}
    assert not json.loads((out / "import.json").read_text())["said"]


def test_the_same_person_under_two_codes_is_a_leak(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [archive(tmp_path, name, seed) for name, seed in (("a", 1), ("b", 2), ("c", 1))]
    main(["dataset", *map(str, paths), "--out", str(tmp_path / "set"), "--workers", "1"])
    said = capsys.readouterr().out
    assert (
        "splits_unseen_c.json: 2 recording(s) of 'test_cross_user', such as c_m1_r2, have" in said
    )


def test_an_import_goes_on_where_it_was_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kpm_ros.learn.importing.archives import Archive

    paths = [archive(tmp_path, f"p{number}", number) for number in (1, 2)]
    words = ["dataset", *map(str, paths), "--out", str(tmp_path / "set"), "--workers", "1"]
    read: list[str] = []
    take = Archive.take

    def interrupted(self: Archive) -> object:
        read.append(self.person)
        if read == ["p1", "p2"]:
            raise KeyboardInterrupt
        return take(self)

    monkeypatch.setattr(Archive, "take", interrupted)
    assert main(words) == 130
    assert not (tmp_path / "set").exists()
    assert main(words) == 0
    assert read == ["p1", "p2", "p2"]
    assert main(words) == 0
    assert len(read) == 3
    assert main([*words, "--test-takes", "3"]) == 2


def test_two_workers_of_a_cluster_make_the_same_data_set(out: Path) -> None:
    distributed = pytest.importorskip("distributed", reason="distributed is not installed")
    paths = [str(path) for path in sorted(out.parent.glob("*.npz"))]
    other = out.with_name("other")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        words = ["dataset", *paths, "--out", str(other), "--on", cluster.scheduler_address]
        assert main(words) == 0
    assert open_dataset(other).fingerprint == open_dataset(out).fingerprint


def test_what_is_no_archive_is_said_and_the_rest_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = archive(tmp_path, "good")
    short = archive(tmp_path, "short", emg=np.zeros((3, 2), np.float32))
    pickled = archive(tmp_path, "pickled", emg=np.array([{"a": 1}], dtype=object))
    still = archive(tmp_path, "still", 5, emg=np.zeros((1670, 3), np.float32))
    paths = map(str, (good, short, pickled, still))
    main(["dataset", *paths, "--out", str(tmp_path / "set"), "--workers", "1"])
    said = capsys.readouterr().out
    assert "short.npz has arrays of different lengths: emg 3, glove 1670" in said
    assert "pickled.npz cannot be read as an archive of movement and EMG" in said
    assert "still.npz: emg_1 is never above 0" in said
    assert {name[:4] for name in open_dataset(tmp_path / "set").names} == {"good"}


def test_samples_before_the_first_repetition_are_nobodys() -> None:
    found = stretches(np.int8([0, 0, 1, 0, 1, 2, 0]), np.int8([0, 0, 1, 0, 2, 1, 0]))
    assert [tuple(part) for part in found] == [(1, 1, 2, 4), (1, 2, 4, 5), (2, 1, 5, 7)]


@pytest.mark.skipif(not REAL.is_dir(), reason=f"there are no recordings in {REAL}")
def test_the_recorded_people_are_imported_as_their_protocol_has_it(tmp_path: Path) -> None:
    path = REAL / "person_01.npz"
    main(["dataset", str(path), "--out", str(tmp_path / "set"), "--workers", "1"])
    dataset = open_dataset(tmp_path / "set")
    arrays = np.load(path)
    asked = arrays["repetition"] > 0
    last = np.maximum.accumulate(np.where(asked, np.arange(len(asked)), -1))
    tested = np.isin(arrays["repetition"][last], (2, 5, 7)) & (last >= 0)
    wanted = np.clip(arrays["emg"] / np.maximum(np.percentile(arrays["emg"], 99, 0), 0.02), 0, 1.5)
    # In the order of time: movement by movement.
    names = sorted(dataset.splits["test"], key=lambda name: [int(w) for w in _numbers(name)])
    efforts = [np.asarray(dataset.recording(name).truth.values) for name in names]
    found = np.concatenate([one[np.isfinite(one).all(axis=1)] for one in efforts])
    np.testing.assert_allclose(found, wanted[tested], atol=1e-6)


def _numbers(name: str) -> list[str]:
    _, movement, repetition = name.rsplit("_", 2)
    return [movement[1:], repetition[1:]]
