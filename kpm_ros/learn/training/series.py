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

"""Trainings that belong together: one without each exercise or person, or with ever more of one.

Each member is an ordinary run folder within the series' own, whose `series.json` says what every
member was trained and is to be tested on. Members that are complete are not trained again.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_json, reading
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import what_was_met
from kpm_ros.learn.recordings.split_files import SPLITS, Splits
from kpm_ros.learn.training.run_folder import RunFolder
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import load

INDEX = "series.json"
LEAVE_OUT, TRANSFER = "leave-out", "transfer"
LEFT_OUT = {"exercise": "test_cross_task", "person": "test_cross_user"}
"""What can be left out, and as which test set it is scored."""
KNOWN = ("train", "val", "test")
TESTED_SHARE = 1 / 3
"""Of a new person's exercises, of which none is trained on: the same at every number seen."""
CHOOSING_SHARE = 0.2


@dataclass(frozen=True)
class Member:
    """One training of a series."""

    name: str
    splits: Splits
    left_out: str = ""
    """The exercise or person that it has not met."""
    exercises: int = 0
    """How many exercises of the new person it has seen."""
    fine_tuned: bool = False


@dataclass(frozen=True)
class Series:
    """What belongs together, on one data set."""

    kind: str
    what: str
    """What is left out, or the new person."""
    fingerprint: str
    """Of the data set."""
    members: tuple[Member, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What all trainings have in common, as plain values."""

    def run_folder(self, root: Path, member: Member) -> RunFolder:
        """Where one of its trainings is."""
        return RunFolder(root / member.name)

    def finished(self, root: Path) -> list[Member]:
        """List the members whose training is complete."""
        return [one for one in self.members if self.run_folder(root, one).scores.is_file()]

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values."""
        members = {
            one.name: {
                "left_out": one.left_out,
                "exercises": one.exercises,
                "fine_tuned": one.fine_tuned,
                "splits": {split: list(names) for split, names in one.splits.items()},
            }
            for one in self.members
        }
        return {
            "kind": self.kind,
            "what": self.what,
            "data": self.fingerprint,
            "settings": json.loads(json.dumps(dict(self.settings))),
            "members": members,
        }

    def write(self, root: Path) -> None:
        """Begin its folder, or see that it is the one that was begun there."""
        index = root / INDEX
        if root.is_dir() and any(root.iterdir()) and not index.is_file():
            raise ValueError(f"{root} holds other things than a series of trainings: give another")
        if index.is_file() and read_series(root).as_plain() != self.as_plain():
            raise ValueError(
                f"{root} holds another series of trainings, one on other data or with other "
                "settings: train into another folder"
            )
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(index, (json.dumps(self.as_plain(), indent=1) + "\n").encode())


def read_series(root: Path) -> Series:
    """Read what `Series.write` wrote; a ValueError says what is wrong with it."""
    path = root / INDEX
    with reading(path, "a series of trainings"):
        raw = read_json(path)
        members = tuple(_member(name, one) for name, one in raw["members"].items())
        kind, what, data = (str(raw[name]) for name in ("kind", "what", "data"))
        return Series(kind, what, data, members, dict(raw["settings"]))


def _member(name: str, raw: Mapping[str, Any]) -> Member:
    if Path(name).name != name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no name of a run folder")
    splits = {split: tuple(map(str, raw["splits"].get(split, ()))) for split in SPLITS}
    fields = str(raw["left_out"]), int(raw["exercises"]), bool(raw["fine_tuned"])
    return Member(name, splits, *fields)


def leave_out(dataset: DataSet, what: str, which: Sequence[str] = ()) -> Series:
    """Plan one training without each exercise, or without each person.

    Of the data set's own lists, what is known of people and exercises (train, val, test) takes
    part; what was left out of those is a member's test.
    """
    of = _told(dataset, [name for split in KNOWN for name in dataset.splits.get(split, ())])
    values = sorted({_value(what, one) for one in of.values()})
    unknown = [word for word in which if word not in values]
    if unknown:
        raise ValueError(f"there is no {what} {unknown[0]!r} to leave out: {', '.join(values)}")
    if len(values) < 2:
        raise ValueError(f"of one {what} alone, none can be left out: the data set has no other")
    members = []
    for value in which or values:
        splits = {
            split: tuple(n for n in dataset.splits.get(split, ()) if _value(what, of[n]) != value)
            for split in KNOWN
        }
        tested = tuple(name for name in of if _value(what, of[name]) == value)
        whole = dict.fromkeys(SPLITS, ()) | splits | {LEFT_OUT[what]: tested}
        if not whole["train"] or not whole["val"]:
            raise ValueError(f"without the {what} {value!r}, nothing is left to train or choose by")
        members.append(Member(f"without-{value}", whole, left_out=value))
    return Series(LEAVE_OUT, what, dataset.fingerprint, tuple(members))


def transfer(
    dataset: DataSet, person: str, counts: Sequence[int], base: str = "", seed: int = 1
) -> Series:
    """Plan trainings on ever more exercises of a person, from scratch and from a base model.

    A third of the person's exercises, drawn by the seed, is trained on by none: they are the test.
    """
    of = _told(dataset, dataset.names)
    people = sorted({who for who, _ in of.values()})
    by_exercise: dict[str, list[str]] = defaultdict(list)
    for name, (who, exercise) in of.items():
        if who == person:
            by_exercise[exercise].append(name)
    if len(by_exercise) < 2:
        raise ValueError(
            f"the data set has {len(by_exercise)} exercises of the person {person!r}, and a "
            f"transfer needs 2 or more; its people are {', '.join(people)}"
        )
    if base:
        _must_not_know(dataset, person, base, by_exercise)
    order = np.random.default_rng(seed).permutation(sorted(by_exercise)).tolist()
    tests = max(1, round(len(order) * TESTED_SHARE))
    pool, tested = order[:-tests], order[-tests:]
    too_many = [count for count in counts if not 1 <= count <= len(pool)]
    if too_many:
        raise ValueError(
            f"{too_many[0]} exercises of {person} cannot be trained on: {tests} of {len(order)} "
            f"are kept for the test, so 1 to {len(pool)} can"
        )
    members = []
    for count in sorted(set(counts)):
        training, choosing = _parts([by_exercise[one] for one in pool[:count]])
        splits = dict.fromkeys(SPLITS, ()) | {
            "train": training,
            "val": choosing,
            "test_cross_task": tuple(name for one in tested for name in by_exercise[one]),
        }
        for tuned in (False, True) if base else (False,):
            name = f"{count:02d}-{'fine-tuned' if tuned else 'from-scratch'}"
            members.append(Member(name, splits, exercises=count, fine_tuned=tuned))
    return Series(TRANSFER, person, dataset.fingerprint, tuple(members))


def new_person(dataset: DataSet) -> str:
    """Name a person whom nothing of the data set's own training is of."""
    for name in dataset.splits.get("test_cross_user", ()):
        return dataset.recording(name).person
    raise ValueError(
        "the data set has nobody in test_cross_user who could be the new person: name one whom "
        "the model to go on from has not met"
    )


def usual_counts(dataset: DataSet, person: str) -> tuple[int, ...]:
    """Numbers of exercises that are doubled until a person has no more to train on."""
    of = _told(dataset, dataset.names)
    had = len({exercise for who, exercise in of.values() if who == person})
    most = max(1, had - max(1, round(had * TESTED_SHARE)))
    counts = [1]
    while counts[-1] * 2 < most:
        counts.append(counts[-1] * 2)
    return tuple(dict.fromkeys([*counts, most]))


def _told(dataset: DataSet, names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Whose each recording is, and of which exercise."""
    found = {}
    for name in dict.fromkeys(names):
        recording = dataset.recording(name)
        found[name] = recording.person, recording.task
    return found


def _value(what: str, told: tuple[str, str]) -> str:
    return told[1] if what == "exercise" else told[0]


def _parts(takes: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keep a fifth of each exercise's recordings to choose the best step by.

    Where every exercise was recorded once, the training recordings themselves have to do.
    """
    training: list[str] = []
    choosing: list[str] = []
    for names in takes:
        kept = round(len(names) * CHOOSING_SHARE) or int(len(names) > 1)
        training += names[: len(names) - kept]
        choosing += names[len(names) - kept :]
    return tuple(training), tuple(choosing or training)


def _must_not_know(
    dataset: DataSet, person: str, base: str, by_exercise: Mapping[str, Sequence[str]]
) -> None:
    seen = Seen.from_card(load(base).card.seen)
    names = [name for names in by_exercise.values() for name in names]
    if seen and any(what_was_met(dataset.identities[name], seen, "person") for name in names):
        raise ValueError(
            f"{base} has met the person {person!r} in training: a transfer begins with a model "
            "that has not"
        )
