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

"""Split files: which recordings of a data set are for training and for which test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from kpm_ros.core.foreign_files import ForeignFileError, read_json

SPLITS = ("train", "val", "test", "test_cross_user", "test_cross_task")
"""To train on, to choose the best step by, other takes of the same people and tasks, people that
are not trained on, and tasks that are not."""

Splits = dict[str, tuple[str, ...]]


def read_splits(path: Path, name_of: Callable[[str], str], others: str = "*.json") -> Splits:
    """Read the lists of recordings; a ValueError says what is wrong with them.

    Lists that the file lacks are empty. `name_of` turns an entry into a recording's name, or
    refuses it; `others` is how the data set's other split files are called.
    """
    content = _content(path, others)
    splits = {split: _names(path, split, content.get(split, []), name_of) for split in SPLITS}
    if not any(splits.values()):
        raise ForeignFileError(f"{path} names no recording in any of {', '.join(SPLITS)}")
    _no_overlap(path, splits)
    return splits


def _content(path: Path, others: str) -> Mapping[str, object]:
    try:
        content = read_json(path)
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob(others))
        there = f"there are {', '.join(beside)}" if beside else "there is no other"
        raise ForeignFileError(f"the split file {path} is missing ({there})") from None
    if not isinstance(content, dict):
        raise ForeignFileError(
            f"{path} must map {', '.join(SPLITS)} to lists of names, but holds no such table"
        )
    return content


def _names(
    path: Path, split: str, entries: object, name_of: Callable[[str], str]
) -> tuple[str, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise ForeignFileError(f"{path}: {split!r} must be a list of names")
    names = []
    for entry in entries:
        try:
            names.append(name_of(entry))
        except ValueError as error:
            raise ForeignFileError(f"{path}: {split!r} names {error}") from None
    return tuple(dict.fromkeys(names))


def _no_overlap(path: Path, splits: Splits) -> None:
    """Refuse a test that was trained on."""
    place: dict[str, str] = {}
    for split, names in splits.items():
        for name in names:
            if name in place and "train" in (place[name], split):
                other = split if place[name] == "train" else place[name]
                raise ForeignFileError(
                    f"{path}: {name} is in 'train' and in {other!r}, so its score would mean "
                    "nothing: take it out of one of them"
                )
            place.setdefault(name, split)
