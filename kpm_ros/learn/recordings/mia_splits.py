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
"""Which windows of Muscles in Action's layout are for what: its lists, or the same by rule.

The published `val` is what the published figures are of, so it is our `test`. To choose the best
step by, the last tenth of each person's windows of each exercise is kept back from training.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from kpm_ros.core.foreign_files import LISTING_BYTES, ForeignFileError, printable, read_text
from kpm_ros.learn.recordings.split_files import SPLITS, Splits, read_splits

TRAIN, VAL = "train", "val"
PARTS = (TRAIN, VAL)
SPLIT_FILE = "splits.json"
PUBLISHED, LISTED = "published", "datasetsplits"
EXERCISES, PEOPLE = "generalizationexercises", "generalizationpeople"
KEPT_BACK = 10
"""One of so many training windows is kept back."""

_LIST_FOLDERS = (".", "ablation", "musclesinaction/ablation")
_PLACE = re.compile(
    r"(?:.*/)?(train|val)/Subject(\d{1,6})/([A-Za-z][A-Za-z0-9_-]{0,63})/(\d{1,9})/?"
)


class Window(NamedTuple):
    """Where one window lies: train/Subject3/Squat/117."""

    part: str
    person: int
    exercise: str
    number: int

    @property
    def name(self) -> str:
        """Its folder, below the data set's."""
        return f"{self.part}/{self.subject}/{self.exercise}/{self.number}"

    @property
    def subject(self) -> str:
        """The person's folder."""
        return f"Subject{self.person}"


class Choice(NamedTuple):
    """Which windows are for what, and how that was told."""

    splits: Splits
    told_by: str
    absent: tuple[str, ...]
    """Windows of a list that are not there."""


def window_of(place: str) -> Window | None:
    """Read a window's place out of a path; None for any other."""
    found = _PLACE.fullmatch(place.strip().replace("\\", "/"))
    if found is None:
        return None
    part, person, exercise, number = found.groups()
    return Window(part, int(person), exercise, int(number))


def choose(roots: Iterable[Path], there: Iterable[Window], word: str) -> Choice:
    """Choose by a word that `--split-file` may be; a ForeignFileError says which there are."""
    lists = _Lists(tuple(roots), sorted(there))
    kind, _, what = word.partition("/")
    if (not word and (lists.roots[0] / SPLIT_FILE).is_file()) or word.endswith(".json"):
        return lists.own(word or SPLIT_FILE)
    if not word:
        return lists.rule("the folders train/ and val/", lambda one: False, "")
    if word == PUBLISHED:
        return lists.published()
    if word == LISTED:
        return lists.listed(word, TRAIN, VAL, "test")
    if kind == EXERCISES and what in lists.exercises:
        return lists.generalization(word, lambda one: one.exercise == what, "test_cross_task")
    if kind == PEOPLE and what in lists.people:
        return lists.generalization(word, lambda one: one.subject == what, "test_cross_user")
    raise ForeignFileError(
        f"there is no split {word!r} of {lists.roots[0]}: leave it away, or give {PUBLISHED}, "
        f"{LISTED}, {EXERCISES}/{lists.exercises[0]} (or another exercise), "
        f"{PEOPLE}/{lists.people[0]} (or another person), or a .json file of one's own"
    )


class _Lists:
    """The windows that are there, and the lists beside them."""

    def __init__(self, roots: tuple[Path, ...], there: list[Window]) -> None:
        self.roots, self.there = roots, there
        self.names = {one.name: one for one in there}
        self.exercises = sorted({one.exercise for one in there})
        self.people = [f"Subject{n}" for n in sorted({one.person for one in there})]

    def own(self, file: str) -> Choice:
        """Read a file of lists, as other data sets have."""
        if Path(file).name != file:
            raise ForeignFileError(
                f"the split file must lie in {self.roots[0]} itself, not at {file!r}"
            )
        absent: list[str] = []

        def name_of(entry: str) -> str:
            one = window_of(entry)
            if one is None:
                raise ForeignFileError(
                    f"{printable(repr(entry), 80)}, which is no window such as "
                    "train/Subject0/Squat/12"
                )
            if one.name not in self.names:
                absent.append(one.name)
            return one.name

        splits = read_splits(self.roots[0] / file, name_of, "splits*.json")
        kept = {
            split: tuple(name for name in names if name in self.names)
            for split, names in splits.items()
        }
        return Choice(kept, file, tuple(dict.fromkeys(absent)))

    def published(self) -> Choice:
        """Train on all of train/ and look at val/ while training, as the published code does."""
        train, val = ([one.name for one in self.there if one.part == part] for part in PARTS)
        return Choice(_splits(train=train, val=val, test=val), PUBLISHED, ())

    def rule(self, told_by: str, unseen: Callable[[Window], bool], test: str) -> Choice:
        """Keep what is unseen out of training; the others' windows of val/ are the usual test."""
        train, kept_back = _kept_back(
            one for one in self.there if one.part == TRAIN and not unseen(one)
        )
        tests = {"test": [one.name for one in self.there if one.part == VAL and not unseen(one)]}
        if test:
            tests[test] = [one.name for one in self.there if one.part == VAL and unseen(one)]
        return Choice(_splits(train=train, val=kept_back, **tests), told_by, ())

    def generalization(self, word: str, unseen: Callable[[Window], bool], test: str) -> Choice:
        """Go by the published lists of something left out, or by rule where they are missing."""
        by_rule = self.rule(f"{word} (by rule)", unseen, test)
        folder, _, what = word.partition("/")
        if self._find(f"{folder}/{TRAIN}_{what}") is None:
            return by_rule
        listed = self.listed(word, f"{TRAIN}_{what}", f"{VAL}_{what}", test)
        # Those lists say nothing of the usual test.
        return listed._replace(splits={**listed.splits, "test": by_rule.splits["test"]})

    def listed(self, word: str, train: str, val: str, test: str) -> Choice:
        """Read two published lists."""
        folder = word.partition("/")[0]
        found: list[list[Window]] = []
        absent: list[str] = []
        for name in (train, val):
            path = self._find(f"{folder}/{name}")
            if path is None:
                raise ForeignFileError(
                    f"{self.roots[0]} has no list {folder}/{name}.txt, nor has its folder ablation"
                )
            windows = _read_list(path)
            absent += [one.name for one in windows if one.name not in self.names]
            found.append([one for one in windows if one.name in self.names])
        both = set(found[0]) & set(found[1])
        if both:
            raise ForeignFileError(
                f"the lists {folder}/{train} and {folder}/{val} both name {min(both).name}, so its "
                "score would mean nothing: take it out of one of them"
            )
        kept, kept_back = _kept_back(found[0])
        tests = {test: [one.name for one in found[1]]}
        return Choice(_splits(train=kept, val=kept_back, **tests), f"{word} (lists)", tuple(absent))

    def _find(self, name: str) -> Path | None:
        places = (root / folder / f"{name}.txt" for root in self.roots for folder in _LIST_FOLDERS)
        return next((path for path in places if path.exists()), None)


def _splits(**names: list[str]) -> Splits:
    return {split: tuple(names.get(split, ())) for split in SPLITS}


def _kept_back(training: Iterable[Window]) -> tuple[list[str], list[str]]:
    """Part training windows from those kept back: of each person's of each exercise, the last."""
    groups: dict[tuple[int, str], list[Window]] = defaultdict(list)
    for one in training:
        groups[one.person, one.exercise].append(one)
    train: list[str] = []
    kept_back: list[str] = []
    owed = 0.0
    for group in groups.values():
        group.sort(key=lambda one: one.number)
        owed += len(group) / KEPT_BACK
        count = min(int(owed + 0.5), len(group) - 1)
        owed -= count
        train += [one.name for one in group[: len(group) - count]]
        kept_back += [one.name for one in group[len(group) - count :]]
    return train, kept_back


def _read_list(path: Path) -> list[Window]:
    """Read a published list: a window's folder a line, whatever folders are before it."""
    found: dict[Window, None] = {}
    for number, line in enumerate(read_text(path, LISTING_BYTES).splitlines(), 1):
        if not line.strip():
            continue
        one = window_of(line)
        if one is None:
            raise ForeignFileError(
                f"{path}: line {number} is {printable(repr(line), 80)}, but must be a window's "
                "folder, such as MIADatasetOfficial/train/Subject0/Squat/12"
            )
        found[one] = None
    if not found:
        raise ForeignFileError(f"{path} names no window")
    return list(found)
