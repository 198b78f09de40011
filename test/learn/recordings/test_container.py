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

"""Our own container: what is written is read again, and what is wrong is said in a sentence."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import Channels, Landmarks, PianoKeys
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import (
    Reader,
    open_dataset,
    register_reader,
    unregister_reader,
)
from kpm_ros.learn.recordings.identity import seen_of, what_was_met
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries, Truth
from kpm_ros.models.pianokpm.published import MUSCLES, UNIT

ARM = Skeleton("arm", ("shoulder", "elbow", "wrist"), bones=((0, 1), (1, 2)))
VIEW = Landmarks("side", ARM, dimensions=3, rate_hz=30.0)
KEYS = PianoKeys(first_note=60, count=4, rate_hz=200.0)
FORCE = Channels("force", ("thumb", "index"), "N", 50.0)
STREAMS = (VIEW, KEYS, FORCE)
ABOUT = About(
    name="arms",
    simulated=False,
    description="two arms",
    origin="a laboratory",
    licence="CC-BY-4.0",
    people={"p1": "the laboratory's number 17"},
)


def made(name: str, seed: int = 1) -> Recording:
    task, person, take = name.split("_")
    random = np.random.default_rng(seed)
    frames = random.random((60, VIEW.width))
    frames[10:20] = np.nan
    stamps_s = 0.1 + np.cumsum(random.uniform(0.02, 0.04, 60))
    series = (
        TimeSeries(VIEW, frames, 0.1, stamps_s, may_repeat=True, measured="motion capture"),
        TimeSeries(KEYS, random.random((400, 4)), measured="sensors under the keys"),
        TimeSeries(FORCE, random.random((100, 2)), start_s=-0.5),
    )
    effort = random.random((250, 2))
    effort[40:60, 1] = np.nan
    truth = Truth(("BIC", "TRI"), "fraction of MVC", 125.0, effort, 0.25, "bipolar, 2 kHz")
    return Recording(name, person, task, take, series, truth, "a good one")


NAMES = ("t1_p1_a", "t1_p2_a", "t2_p1_b")
SPLITS = {"train": NAMES[:1], "val": NAMES[1:2], "test": NAMES[2:]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    recordings = (made(name, seed) for seed, name in enumerate(NAMES))
    return write_dataset(tmp_path / "set", ABOUT, recordings, SPLITS)


def same(one: Recording, other: Recording) -> None:
    for name in ("name", "person", "task", "take", "notes"):
        assert getattr(one, name) == getattr(other, name)
    for mine, its in zip(one.series, other.series, strict=True):
        assert mine.stream == its.stream
        assert (mine.start_s, mine.may_repeat, mine.measured) == (
            its.start_s,
            its.may_repeat,
            its.measured,
        )
        np.testing.assert_array_equal(mine.stamps_ns, its.stamps_ns)
        np.testing.assert_array_equal(np.float32(mine.values), its.values)
    assert replace(one.truth, values=other.truth.values).muscles == other.truth.muscles
    assert (one.truth.unit, one.truth.rate_hz, one.truth.start_s, one.truth.measured) == (
        other.truth.unit,
        other.truth.rate_hz,
        other.truth.start_s,
        other.truth.measured,
    )
    np.testing.assert_array_equal(np.float32(one.truth.values), other.truth.values)


def test_what_is_written_is_read_again_mapped_into_memory(root: Path) -> None:
    dataset = open_dataset(root)
    for seed, name in enumerate(NAMES):
        recording = dataset.recording(name)
        same(made(name, seed), recording)
        assert isinstance(recording.truth.values, np.memmap)
        assert isinstance(recording.series[0].values, np.memmap)
    assert (dataset.streams.names, dataset.muscles) == (("side", "keys", "force"), ("BIC", "TRI"))
    assert (dataset.unit, dataset.rate_hz, dataset.grid_rate_hz) == ("fraction of MVC", 125.0, 125)
    assert dataset.description == "recorded: arms; two arms; a laboratory"
    assert not dataset.simulated
    assert dataset.splits["train"] == ("t1_p1_a",)


def test_any_program_reads_it_with_numpy_and_json(root: Path) -> None:
    index = json.loads((root / "dataset.json").read_text())
    assert index["streams"][0]["skeleton"]["points"] == ["shoulder", "elbow", "wrist"]
    frames = np.load(root / "recordings/t1_p1_a/streams/side.npy", allow_pickle=False)
    assert (frames.shape, frames.dtype) == ((60, 9), np.float32)
    assert np.load(root / "recordings/t1_p1_a/stamps/side.npy").dtype == np.float64


def test_other_split_files_lie_beside_the_usual_one(root: Path) -> None:
    (root / "splits_people.json").write_text(
        json.dumps({"train": NAMES[:1], "test_cross_user": []})
    )
    assert open_dataset(root, "splits_people.json").names == ("t1_p1_a",)
    with pytest.raises(ValueError, match=r"there are splits.json, splits_people.json"):
        open_dataset(root, "splits_tasks.json")
    with pytest.raises(ValueError, match="must lie in"):
        open_dataset(root, "../splits.json")


def test_the_fingerprint_tells_content_not_place(root: Path, tmp_path: Path) -> None:
    before = open_dataset(root).fingerprint
    moved = tmp_path / "elsewhere"
    shutil.copytree(root, moved)
    assert open_dataset(moved).fingerprint == before
    effort = np.load(root / "recordings/t1_p1_a/effort.npy")
    np.save(root / "recordings/t1_p1_a/effort.npy", effort + 0.1)
    assert open_dataset(root).fingerprint != before


def test_people_are_known_by_name_in_other_data_sets_and_takes_by_content(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    write_dataset(first, ABOUT, [made("t1_p1_a")], {"train": ["t1_p1_a"]})
    about = replace(ABOUT, people={"p9": "the laboratory's number 17"})
    others = [made("t1_p9_x", 5), made("t3_p3_a", 1), made("t1_p2_z", 6)]
    write_dataset(second, about, others, {"test": [one.name for one in others]})
    seen = seen_of(open_dataset(first).identities.values())
    known = open_dataset(second).identities
    assert [what_was_met(known[one.name], seen, "person") for one in others] == [
        "person",
        "take",
        "",
    ]


def test_a_piano_take_is_the_same_in_either_layout(tmp_path: Path) -> None:
    from support.releases import NAME, fill, write_splits

    fill(tmp_path / "release")
    write_splits(tmp_path / "release", train=[NAME])
    release = open_dataset(tmp_path / "release")
    about = About(name="copy", simulated=False)
    copy = open_dataset(
        write_dataset(tmp_path / "copy", about, [release.recording(NAME)], {"train": [NAME]})
    )
    assert (copy.muscles, copy.unit) == (MUSCLES, UNIT)
    assert copy.identities[NAME].take == release.identities[NAME].take
    rows = [
        GridRecording(one.recording(NAME), release.streams, 1024).values()
        for one in (release, copy)
    ]
    np.testing.assert_array_equal(*rows)


def test_a_recording_may_lack_a_stream_that_others_have(tmp_path: Path) -> None:
    whole, half = made("t1_p1_a"), made("t1_p2_a")
    half = replace(half, series=half.series[:1])
    folder = write_dataset(
        tmp_path / "set", ABOUT, [half, whole], {"train": NAMES[:2]}, streams=STREAMS
    )
    dataset = open_dataset(folder)
    one = GridRecording(dataset.recording("t1_p2_a"), dataset.streams, 125)
    assert ((one.window().missing & 0b110) == 0b110).all()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda r: replace(r, name="../x"), "'../x' cannot be a name"),
        (
            lambda r: _with_effort(r, np.full((9, 2), np.inf)),
            "infinite values, the first",
        ),
        (lambda r: _with_frames(r, np.full((60, 9), 300.0)), "must be fractions of the image"),
        (
            lambda r: _with_frames(r, np.where(np.arange(9) == 4, np.nan, np.ones((60, 9)))),
            "frame 0",
        ),
        (lambda r: replace(r, truth=replace(r.truth, rate_hz=10.0)), "another unit or rate"),
    ],
)
def test_what_cannot_be_used_is_refused_while_it_is_written(
    tmp_path: Path, change: Callable[[Recording], Recording], says: str
) -> None:
    recordings = [made("t1_p1_a"), change(made("t2_p2_a"))]
    with pytest.raises(ValueError, match=says):
        write_dataset(tmp_path / "set", ABOUT, recordings, {"train": ["t1_p1_a"]})
    assert list(tmp_path.iterdir()) == []


def _with_effort(recording: Recording, values: np.ndarray) -> Recording:
    return replace(recording, truth=replace(recording.truth, values=values))


def _with_frames(recording: Recording, values: np.ndarray) -> Recording:
    return replace(
        recording, series=(replace(recording.series[0], values=values), *recording.series[1:])
    )


def changed(root: Path, change: Callable[[dict[str, Any]], object]) -> None:
    index = json.loads((root / "dataset.json").read_text())
    change(index)
    (root / "dataset.json").write_text(json.dumps(index))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda i: i.update(version=2), "of version 1, not 'kpm-dataset' of version 2"),
        (lambda i: i.pop("effort"), "lacks the field 'effort'"),
        (lambda i: i["effort"].update(rate_hz="fast"), "'rate_hz' is 'fast', but must be a number"),
        (lambda i: i["effort"].update(muscles=["BIC", "BIC"]), "each by a name of its own"),
        (lambda i: i["streams"][0].update(skeleton="octopus"), "there is no skeleton 'octopus'"),
        (lambda i: i["streams"][0].update(kind="smell"), "the kind 'smell'"),
        (lambda i: i.update(simulated="no"), "'simulated' is 'no', but must be true or false"),
        (lambda i: i["recordings"]["t1_p1_a"].update(person="p7"), "'p7' is none of the people"),
        (
            lambda i: i["recordings"]["t1_p1_a"]["streams"].update(x={}),
            "'x' is none of the streams",
        ),
        (lambda i: i["recordings"].update({"../up": {}}), "'../up' cannot be a name"),
        (lambda i: i["recordings"].pop("t2_p1_b"), "dataset.json lists no such recording"),
        (lambda i: i.update(name="a\nb"), "must be a text of one line"),
    ],
)
def test_a_description_that_is_wrong_is_refused_by_the_field(
    root: Path, change: Callable[[dict[str, Any]], object], says: str
) -> None:
    changed(root, change)
    with pytest.raises(ValueError) as said:
        open_dataset(root)
    assert says in str(said.value)
    assert "\n" not in str(said.value)


def test_nothing_is_read_through_links_and_no_pickle_is_opened(root: Path, tmp_path: Path) -> None:
    file = root / "recordings/t1_p1_a/effort.npy"
    outside = tmp_path / "effort.npy"
    file.rename(outside)
    file.symlink_to(outside)
    with pytest.raises(ValueError, match="is a link"):
        open_dataset(root).recording("t1_p1_a")
    file.unlink()
    np.save(file, np.array([[{}]], object), allow_pickle=True)
    with pytest.raises(ValueError, match="cannot be read as an array"):
        open_dataset(root).recording("t1_p1_a")
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ValueError, match="must be a file"):
        open_dataset(root).recording("t1_p1_a")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.zeros((250, 3), np.float32), "the effort has the shape"),
        (np.zeros(250, np.float32), "must hold floats in 2 dimensions"),
        (np.zeros((250, 2), np.int32), "holds int32"),
    ],
)
def test_a_file_of_another_kind_is_refused(root: Path, values: np.ndarray, says: str) -> None:
    np.save(root / "recordings/t1_p1_a/effort.npy", values)
    with pytest.raises(ValueError, match=says):
        open_dataset(root).recording("t1_p1_a")


def test_a_folder_that_no_reader_knows_is_refused_with_what_was_tried(tmp_path: Path) -> None:
    with pytest.raises(ValueError) as said:
        open_dataset(tmp_path)
    assert "as kpm_ros's container it has no dataset.json" in str(said.value)
    assert "as PianoKPM's layout it has no keystroke_data/" in str(said.value)
    with pytest.raises(ValueError, match="there is no data set at"):
        open_dataset(tmp_path / "nothing")


def test_a_reader_of_another_layout_can_be_added(tmp_path: Path, root: Path) -> None:
    def opened(folder: Path, split_file: str) -> DataSet:
        return replace(open_dataset(root), description=f"{folder.name} {split_file}")

    register_reader(
        Reader("mine", lambda folder: "" if folder == tmp_path else "is another", opened)
    )
    try:
        assert open_dataset(tmp_path, "a.json").description == f"{tmp_path.name} a.json"
        assert open_dataset(root).description.startswith("recorded: arms")
    finally:
        unregister_reader("mine")


def test_a_new_folder_is_never_written_over(root: Path) -> None:
    with pytest.raises(RecordingError, match="is there already"):
        write_dataset(root, ABOUT, [made("t1_p1_a")], {"train": ["t1_p1_a"]})
