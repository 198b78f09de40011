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

"""Who and what a model has met is known again: other folder, other order, other length."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.learn.recordings.identity import Identity, seen_of, what_was_met
from kpm_ros.learn.recordings.pianokpm_release import open_release
from kpm_ros.learn.recordings.simulated_identity import built_in_task, simulated_identity
from kpm_ros.models.seen import Seen
from kpm_ros.simulate.release.release_layout import parse_name
from support.releases import FOLDERS, fill, raw, write, write_splits

MADE_WITH = {"seed": 1, "midi": []}


def recorded(root: Path, **splits: dict[str, int]) -> Path:
    """Takes by split; the number tells one take's content from another's."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for takes in splits.values():
        for name, number in takes.items():
            fill(root, name, frames=120 + 15 * number, samples=2048 + 256 * number)
    write_splits(root, **{split: list(takes) for split, takes in splits.items()})
    return root


def simulated(root: Path, seed: int, *names: str, first: int = 0) -> dict[str, Identity]:
    """Identify performances of a data set that says it is of this seed."""
    recorded(root, train={name: number for number, name in enumerate(names, first)})
    manifest = root / "simulated" / "dataset.json"
    manifest.parent.mkdir()
    manifest.write_text(json.dumps({"persons": {"p1": {}}, "request": {**MADE_WITH, "seed": seed}}))
    return open_release(root).identities


def met(root: Path, seen: Seen, of: str) -> dict[str, str]:
    """What of each performance of a folder is known."""
    release = open_release(root)
    return {name: what_was_met(release.identities[name], seen, of) for name in release.names}


def test_simulated_people_are_the_same_whatever_else_a_data_set_has(tmp_path: Path) -> None:
    seen = seen_of([simulated(tmp_path / "one", 1, "t1_p2_1", "t2_p2_1")["t1_p2_1"]])
    again = simulated(tmp_path / "other", 1, "t3_p1_1", "t3_p2_4", "t1_p2_2", first=5)
    assert [what_was_met(one, seen, "person") for one in again.values()] == ["", "person", "person"]
    assert [what_was_met(one, seen, "task") for one in again.values()] == ["", "", "task"]
    assert not any(what_was_met(one, seen, "") for one in again.values())


def test_people_of_another_seed_are_new_and_its_tasks_are_not(tmp_path: Path) -> None:
    seen = seen_of(simulated(tmp_path / "one", 1, "t1_p2_1").values())
    [other] = simulated(tmp_path / "two", 2, "t1_p2_1", first=5).values()
    assert what_was_met(other, seen, "person") == ""
    assert what_was_met(other, seen, "task") == "task"


def test_simulated_takes_are_known_by_what_they_are_drawn_from() -> None:
    about = parse_name("t1_p2_3")
    seen = seen_of([simulated_identity(1, about, built_in_task(1))])
    assert what_was_met(simulated_identity(1, about, built_in_task(1)), seen, "") == "take"
    assert what_was_met(simulated_identity(2, about, built_in_task(1)), seen, "") == ""


def test_a_recorded_take_is_known_in_another_folder_under_another_number(tmp_path: Path) -> None:
    first = open_release(recorded(tmp_path / "one", train={"t1_p1_a": 1, "t1_p2_a": 2}))
    seen = seen_of([first.identities["t1_p1_a"]])
    moved = tmp_path / "two"
    recorded(moved, train={"t7_p9_b": 5, "t8_p9_c": 6, "t8_p8_d": 7})
    for folder in FOLDERS:
        shutil.copy(tmp_path / "one" / folder / "t1_p1_a.pkl", moved / folder / "t7_p9_b.pkl")
    assert met(moved, seen, "") == {"t7_p9_b": "take", "t8_p9_c": "", "t8_p8_d": ""}
    # Another take of whoever played that one is of somebody known.
    assert met(moved, seen, "person") == {"t7_p9_b": "take", "t8_p9_c": "person", "t8_p8_d": ""}


def test_a_person_is_known_by_takes_that_were_not_trained_on(tmp_path: Path) -> None:
    first = recorded(tmp_path / "one", train={"t1_p1_a": 1}, test={"t2_p1_b": 2})
    seen = seen_of([open_release(first).identities["t1_p1_a"]])
    alone = recorded(tmp_path / "two", test_cross_user={"t5_p3_x": 9})
    for folder in FOLDERS:
        shutil.copy(first / folder / "t2_p1_b.pkl", alone / folder / "t5_p3_x.pkl")
    assert met(alone, seen, "person") == {"t5_p3_x": "person"}
    assert met(alone, seen, "") == {"t5_p3_x": ""}


def test_takes_are_told_by_what_is_in_them_not_by_how_it_was_written(tmp_path: Path) -> None:
    first = recorded(tmp_path / "one", train={"t1_p1_a": 1})
    seen = seen_of(open_release(first).identities.values())
    again = recorded(tmp_path / "two", train={"t1_p1_a": 1})
    write(again, "emg_data", np.float32(raw(first, "emg_data", "t1_p1_a")), "t1_p1_a")
    assert met(again, seen, "") == {"t1_p1_a": "take"}


def test_a_manifest_that_is_not_the_simulators_tells_nothing(tmp_path: Path) -> None:
    root = recorded(tmp_path / "set", train={"t1_p1_1": 1})
    (before,) = open_release(root).identities.values()
    (root / "simulated").mkdir()
    others = [
        json.dumps({"persons": {"p1": {}}, "request": {"seed": seed, "midi": []}})
        for seed in (-1, "1", 1.5, None)
    ]
    for content in ("{", "[]", json.dumps({"request": MADE_WITH}), '{"persons": 1}', *others):
        (root / "simulated" / "dataset.json").write_text(content)
        assert open_release(root).identities["t1_p1_1"] == before


def test_what_was_seen_comes_back_from_a_card() -> None:
    seen = Seen(frozenset("ab"), frozenset("c"), frozenset(), frozenset({"base"}))
    assert Seen.from_card(seen.on_card()) == seen
    assert Seen.from_card({}) is None
    assert (seen | Seen(takes=frozenset("d"))).takes == {"d"}
    for wrong in (
        {"people": []},
        {**seen.on_card(), "takes": ["\x1b"]},
        {**seen.on_card(), "x": []},
    ):
        with pytest.raises(ValueError, match="the model card's 'seen'"):
            Seen.from_card(wrong)
