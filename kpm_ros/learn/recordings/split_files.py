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

"""Split files: which performances of a data set are for training and for which test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kpm_ros.core.foreign_files import read_json
from kpm_ros.simulate.release.release_layout import SPLITS, SUFFIX, parse_name

Splits = dict[str, tuple[str, ...]]


def read_splits(path: Path) -> Splits:
    """Read the lists of performances; a ValueError says what is wrong with them.

    Lists that the file lacks are empty. Names may have folders before them and an ending.
    """
    content = _content(path)
    splits = {split: _names(path, split, content.get(split, [])) for split in SPLITS}
    if not any(splits.values()):
        raise ValueError(f"{path} names no performance in any of {', '.join(SPLITS)}")
    _no_overlap(path, splits)
    return splits


def _content(path: Path) -> Mapping[str, object]:
    try:
        content = read_json(path)
    except FileNotFoundError:
        beside = sorted(file.name for file in path.parent.glob("dataset_*.json"))
        there = f"there are {', '.join(beside)}" if beside else "there is no other"
        raise ValueError(
            f"the split file {path} is missing ({there}); a simulation that was interrupted writes "
            "its split files when it is given the same command again"
        ) from None
    if not isinstance(content, dict):
        raise ValueError(
            f"{path} must map {', '.join(SPLITS)} to lists of names, but holds no such table"
        )
    return content


def _names(path: Path, split: str, entries: object) -> tuple[str, ...]:
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise ValueError(f"{path}: {split!r} must be a list of names")
    names = [_stem(entry) for entry in entries]
    for name in names:
        try:
            parse_name(name)
        except ValueError as error:
            raise ValueError(f"{path}: {split!r} names {error}") from None
    return tuple(dict.fromkeys(names))


def _stem(entry: str) -> str:
    name = entry.replace("\\", "/").rsplit("/", 1)[-1].strip()
    return name[: -len(SUFFIX)] if name.lower().endswith(SUFFIX) else name


def _no_overlap(path: Path, splits: Splits) -> None:
    """Refuse a test that was trained on."""
    place: dict[str, str] = {}
    for split, names in splits.items():
        for name in names:
            if name in place and "train" in (place[name], split):
                other = split if place[name] == "train" else place[name]
                raise ValueError(
                    f"{path}: {name} is in 'train' and in {other!r}, so its score would mean "
                    "nothing: take it out of one of them"
                )
            place.setdefault(name, split)
