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
"""Data sets in the layout of Muscles in Action: read as published, and what is wrong left out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.inspection import inspect
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.models.mia.published import FIRST_MUSCLES, MUSCLES
from support.mia_sets import write_mia

WINDOW = "train/Subject0/Squat/0"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mia(tmp_path_factory.mktemp("mia")).parent


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "set")
    return tmp_path / "set"


def inner(root: Path) -> Path:
    return root / "MIADatasetOfficial"


def change(file: str, how: Callable[[np.ndarray], object]) -> Callable[[Path], None]:
    def apply(root: Path) -> None:
        path = inner(root) / WINDOW / file
        np.save(path, how(np.load(path)), allow_pickle=True)  # type: ignore[arg-type]

    return apply


def splits(dataset: DataSet) -> dict[str, set[str]]:
    return {split: set(names) for split, names in dataset.splits.items() if names}


def test_a_window_is_a_recording_of_three_seconds(made: Path) -> None:
    dataset = open_dataset(made)
    assert (dataset.muscles, dataset.rate_hz, dataset.simulated) == (MUSCLES, 10, False)
    metric, image, person = dataset.streams
    assert isinstance(metric, Landmarks)
    assert (metric.coordinates, metric.dimensions, metric.rate_hz) == ("metric", 3, 10)
    assert (image.coordinates, image.dimensions, person.name) == ("image", 2, "person")
    one = dataset.recording("train/Subject1/Squat/3")
    assert (one.person, one.task, one.duration_s) == ("Subject1", "Squat", 3.0)
    folder = inner(made) / one.name
    assert np.array_equal(one.truth.values, np.load(folder / "emgvalues.npy"))
    joints, pixels = (np.load(folder / f"joints{d}d.npy")[:, :25] for d in (3, 2))
    values = GridRecording(one, dataset.streams, 10).values()
    assert values[:, :75] == pytest.approx(joints.reshape(30, -1), abs=1e-6)
    fractions = pixels / np.array([1080, 1920])
    assert values[:, 75:125] == pytest.approx(fractions.reshape(30, -1), abs=1e-6)
    assert values[:, 125:] == pytest.approx(0.9)


def test_the_folder_of_the_windows_will_do_as_well(made: Path) -> None:
    whole, part = open_dataset(made), open_dataset(inner(made))
    assert whole.splits == part.splits
    assert whole.fingerprint == part.fingerprint


def test_what_is_published_as_val_is_the_test_and_a_tenth_of_train_is_kept_back(made: Path) -> None:
    found = splits(open_dataset(made))
    assert {name.split("/")[0] for name in found["test"]} == {"val"}
    assert len(found["test"]) == 8
    assert {name.split("/")[0] for name in found["train"] | found["val"]} == {"train"}
    assert (len(found["train"]), len(found["val"])) == (18, 2)
    as_published = splits(open_dataset(made, "published"))
    assert as_published["train"] == found["train"] | found["val"]
    assert as_published["val"] == as_published["test"] == found["test"]


@pytest.mark.parametrize(
    ("word", "test", "left_out"),
    [
        ("generalizationexercises/Squat", "test_cross_task", "/Squat/"),
        ("generalizationpeople/Subject1", "test_cross_user", "/Subject1/"),
    ],
)
def test_an_exercise_or_a_person_is_left_out_by_rule_or_by_the_lists(
    root: Path, word: str, test: str, left_out: str
) -> None:
    by_rule = splits(open_dataset(root, word))
    assert {left_out in name for name in by_rule[test]} == {True}
    assert {left_out in name for split in by_rule if split != test for name in by_rule[split]} == {
        False
    }
    folder, _, what = word.partition("/")
    lists = root / "ablation" / folder
    lists.mkdir(parents=True)
    listed = sorted(by_rule["train"])[:4]
    gone = "MIADatasetOfficial/train/Subject7/ElbowPunch/9"
    for part, names in {"train": listed, "val": sorted(by_rule[test])[:2]}.items():
        lines = [f"somewhere/MIADatasetOfficial/{name}" for name in names]
        (lists / f"{part}_{what}.txt").write_text("\n".join([*lines, gone, ""]))
    dataset = open_dataset(root, word)
    found = splits(dataset)
    assert found["train"] | found.get("val", set()) == set(listed)
    assert found[test] == set(sorted(by_rule[test])[:2])
    assert "which is not there" in dataset.left_out["train/Subject7/ElbowPunch/9"]


def test_the_published_lists_are_taken_as_they_are_or_refused_in_words(root: Path) -> None:
    lists = root / "ablation/datasetsplits"
    lists.mkdir(parents=True)
    with pytest.raises(ValueError, match=r"has no list datasetsplits/train\.txt"):
        open_dataset(root, "datasetsplits")
    test = "val/Subject0/Squat/5"
    (lists / "train.txt").write_text(f"MIADatasetOfficial/{WINDOW}\n")
    (lists / "val.txt").write_text(f"MIADatasetOfficial/{test}\n")
    assert splits(open_dataset(root, "datasetsplits")) == {"train": {WINDOW}, "test": {test}}
    for words, said in {
        f"MIADatasetOfficial/{WINDOW}": "both name train/Subject0/Squat/0",
        "MIADatasetOfficial/val/Squat/5": "line 1 is 'MIADatasetOfficial/val/Squat/5', but must be",
        "\n": "names no window",
    }.items():
        (lists / "val.txt").write_text(words)
        with pytest.raises(ValueError, match=said):
            open_dataset(root, "datasetsplits")


def test_splits_of_ones_own_are_read_too(root: Path) -> None:
    names = [f"MIADatasetOfficial/{WINDOW}", "val/Subject0/Squat/5"]
    table = {"train": names[:1], "test": names[1:]}
    (inner(root) / "splits.json").write_text(json.dumps(table))
    assert splits(open_dataset(root)) == {"train": {WINDOW}, "test": {names[1]}}
    with pytest.raises(ValueError, match=r"no split 'Squats'.*generalizationexercises/ElbowPunch"):
        open_dataset(root, "Squats")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (change("joints3d.npy", lambda a: a[:, :17]), "17 joints, so it is of another skeleton"),
        (change("joints3d.npy", lambda a: a[:, :33]), "33 joints, so it is of another skeleton"),
        (change("joints3d.npy", lambda a: a[:29]), "29 frames, but a window has 30"),
        (change("joints3d.npy", lambda a: a[..., :2]), "must be (30, 25, 3)"),
        (change("joints3d.npy", lambda a: a * 1000), "must be metres from the middle"),
        (change("joints3d.npy", lambda a: a * np.nan), "saw nobody in any frame"),
        (change("joints2d.npy", lambda a: a / 1920), "looks like fractions of the picture"),
        (change("joints2d.npy", lambda a: a * 30), "must be pixels of a picture of 1080 x 1920"),
        (change("emgvalues.npy", lambda a: a / 473), "volts, or fractions of a maximum"),
        (change("emgvalues.npy", lambda a: a / a.max()), "volts, or fractions of a maximum"),
        (change("emgvalues.npy", lambda a: a * 1000), "microvolts, or raw readings"),
        (change("emgvalues.npy", lambda a: a - 60), "not rectified, or was standardised"),
        (change("emgvalues.npy", lambda a: a[:, :7]), "(30, 7), but must be (30, 8)"),
        (change("emgvalues.npy", lambda a: a[:20]), "(20, 8), but must be (30, 8)"),
        (change("emgvalues.npy", lambda a: a * np.nan), "values that are not numbers"),
        (change("emgvalues.npy", lambda a: np.array([{"a": 1}])), "cannot be read as an array"),
        (change("emgvalues.npy", lambda a: a.astype("U5")), "something else than an array of"),
        (lambda root: (inner(root) / WINDOW / "emgvalues.npy").unlink(), "has no emgvalues.npy"),
        (lambda root: (inner(root) / WINDOW / "emgvalues.npy").write_bytes(b""), "cannot be read"),
    ],
)
def test_a_window_that_cannot_be_used_is_left_out_with_a_sentence_and_the_others_stay(
    root: Path, damage: Callable[[Path], None], said: str
) -> None:
    before = open_dataset(root)
    damage(root)
    for _ in range(2):  # the second time from what was kept
        dataset = open_dataset(root)
        assert said in dataset.left_out[WINDOW]
        assert dataset.left_out[WINDOW].isprintable()
        assert set(before.names) - set(dataset.names) == {WINDOW}
    problems = inspect(dataset).problems
    assert any(said in problem and problem.startswith("left out") for problem in problems)
    with pytest.raises(ValueError, match="has no window 'train/Subject0/Squat/0'"):
        dataset.recording(WINDOW)


def test_changed_files_are_read_anew(root: Path) -> None:
    before = open_dataset(root)
    path = inner(root) / WINDOW / "emgvalues.npy"
    np.save(path, np.load(path) + 1)
    after = open_dataset(root)
    assert np.array_equal(
        after.recording(WINDOW).truth.values, before.recording(WINDOW).truth.values + 1
    )
    assert before.fingerprint != after.fingerprint


def channels(root: Path, words: str) -> DataSet:
    (inner(root) / "channels.txt").write_text(words)
    return open_dataset(root)


def test_channels_in_another_order_are_put_in_the_usual_one(root: Path) -> None:
    told = ["right bicep", "RLat", "rquads", "r_ham", "LBicep", "leftlat", "LHam", "LQuad"]
    as_published = open_dataset(root).fingerprint
    dataset = channels(root, "\n".join(told))
    file = np.load(inner(root) / WINDOW / "emgvalues.npy")
    assert dataset.muscles == MUSCLES
    order = [7, 6, 5, 4, 2, 3, 1, 0]
    assert np.array_equal(dataset.recording(WINDOW).truth.values, file[:, order])
    assert dataset.fingerprint != as_published


def test_the_first_version_says_which_muscles_it_has(root: Path) -> None:
    for part in ("train", "val"):
        (inner(root) / part / "Subject0" / "Squat").rename(inner(root) / part / "Subject0/Twist")
    with pytest.raises(ValueError, match=r"the exercise Twist.*channels\.txt"):
        open_dataset(root)
    assert channels(root, "\n".join(FIRST_MUSCLES)).muscles == FIRST_MUSCLES


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            "rightquad,leftquad,rightham,leftham,rightglutt,leftglutt,leftbicep,rightbicep",
            "nothing there uses",
        ),
        ("LQuad\nRQuad", "must name 8 different muscles, one a line, not 2"),
        ("LQuad\n" * 8, "must name 8 different muscles"),
        ("heart", "a muscle is a side and one of Quad"),
    ],
)
def test_channels_that_cannot_be_are_refused(root: Path, words: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        channels(root, words)


def test_a_simulated_set_says_so_and_by_what_its_people_are_known(root: Path) -> None:
    folder = inner(root) / "simulated"
    folder.mkdir()
    people = {"Subject0": "exerciser 7", "Subject1": 3}
    (folder / "dataset.json").write_text(json.dumps({"description": "two", "people": people}))
    dataset = open_dataset(root)
    assert (dataset.simulated, dataset.description) == (True, "simulated: two")
    known = dataset.store.also_known_as
    assert len(known(WINDOW).person) == 1
    assert not known(WINDOW.replace("Subject0", "Subject1")).person


def test_a_folder_of_links_or_of_nothing_is_refused(tmp_path: Path, made: Path) -> None:
    (tmp_path / "train/Subject0").mkdir(parents=True)
    with pytest.raises(ValueError, match="holds no window"):
        open_dataset(tmp_path)
    (tmp_path / "train/Subject0/Squat").symlink_to(inner(made) / "train/Subject0/Squat")
    with pytest.raises(ValueError, match="holds no window"):
        open_dataset(tmp_path)
