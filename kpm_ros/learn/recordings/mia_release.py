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
"""Data sets in the layout of Muscles in Action, real or simulated: a folder for each window of 3 s.

All windows are looked through once, and their numbers kept in a few larger files that are mapped
into memory; a window that cannot be used is left out, and the data set says which and why.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.foreign_files import ForeignFileError, printable, read_json
from kpm_ros.core.streams import Streams
from kpm_ros.learn.recordings.cache import ArrayCache, Kept, usable_folder
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.mia_arrays import JOINTS, WIDTHS, Place, pack
from kpm_ros.learn.recordings.mia_channels import read_channels
from kpm_ros.learn.recordings.mia_splits import PARTS, Window, choose, window_of
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.models.mia.published import (
    COUNTS,
    PERSONS,
    RATE_HZ,
    WINDOW,
    condition_of,
)
from kpm_ros.models.seen import digest
from kpm_ros.simulate.release.release_layout import MANIFEST

PUBLISHED, SIMULATED = "Muscles in Action's layout", "Muscles in Action's layout, simulated"
INNER = "MIADatasetOfficial"
"""The folder in which the published windows lie; the one above it will do as well."""
MOST_WINDOWS = 200_000

_SUBJECT = re.compile(r"Subject\d{1,6}")


@dataclass(frozen=True)
class MiaStore:
    """The windows of a data set, mapped from the arrays that were made of them."""

    root: Path
    muscles: tuple[str, ...]
    order: tuple[int, ...]
    """Which channel of the files each muscle is."""
    kept: Mapping[str, Kept]
    """By person and exercise."""
    files: Mapping[str, tuple[str, ...]]
    """By window, the names of its files."""
    first_file: Mapping[str, int]
    """By window, which of its group's digests is that of its first file."""
    places: Mapping[str, Place]
    known: Mapping[str, Mapping[str, str]]
    """By "people" and "tasks", as what each is known in other data sets."""

    def recording(self, name: str) -> Recording:
        """Map one window; a ValueError says why it was left out."""
        if name not in self.places:
            raise ForeignFileError(f"{self.root} has no window {printable(repr(name), 80)}")
        window, place = window_of(name), self.places[name]
        assert window is not None
        row = self.kept[place.group].array[place.row]
        series: list[TimeSeries] = []
        start = 0
        for dimensions, stream in JOINTS.items():
            if dimensions in place.dimensions:
                values = row[start : start + WIDTHS[dimensions]].reshape(WINDOW, -1)
                series.append(TimeSeries(stream, values, may_repeat=True))
            start += WIDTHS[dimensions]
        condition = condition_of(window.person)
        if condition is not None:
            told = np.full((WINDOW, 1), condition, np.float32)
            series.append(TimeSeries(PERSONS, told, may_repeat=True))
        truth = Truth(self.muscles, COUNTS, RATE_HZ, row[start:].reshape(WINDOW, -1))
        take = f"{window.part}/{window.number}"
        return Recording(name, window.subject, window.exercise, take, tuple(series), truth)

    def digest(self, name: str) -> str:
        """Tell the content of a window's files, and which muscles they are read as."""
        first, files = self.first_file[name], self.files[name]
        contents = self.kept[self.places[name].group].digests[first : first + len(files)]
        words = json.dumps([self.muscles, self.order, files, contents])
        return hashlib.sha256(words.encode()).hexdigest()

    def also_known_as(self, name: str) -> Identity:
        """Digests of the names by which a person and an exercise are known elsewhere."""
        window = window_of(name)
        assert window is not None
        person = self.known["people"].get(window.subject, "")
        task = self.known["tasks"].get(window.exercise, "")
        return Identity(
            frozenset({digest("known person", person)} if person else ()),
            frozenset({digest("known task", task)} if task else ()),
        )


def lacking(root: Path) -> str:
    """Say what a folder lacks to be of this layout; "" where it lacks nothing."""
    inner = _windows_root(root)
    if any(_SUBJECT.fullmatch(name) for part in PARTS for name in _folders(inner / part)):
        return ""
    return "it has no train/Subject<number>/ or val/Subject<number>/"


def open_mia(root: Path, split_file: str = "", cache: Path | None = None) -> DataSet:
    """Open a data set in this layout; a ValueError says in a sentence what is wrong.

    `split_file` is a word of `mia_splits`. Arrays are kept in `cache`, which is a folder inside the
    data set unless that cannot be written to.
    """
    inner = _windows_root(root)
    windows = _listed(inner)
    if not windows:
        raise ForeignFileError(
            f"{inner} holds no window: they lie in folders such as train/Subject0/Squat/12"
        )
    manifest = _manifest((root, inner))
    exercises = {one.exercise for one in windows}
    muscles, order = read_channels(inner, exercises, manifest is not None)
    place = hashlib.sha256(str(inner.resolve()).encode()).hexdigest()[:16]
    folder = cache or usable_folder(inner / ".arrays", place)
    packed = pack(inner, windows, order, ArrayCache(folder))
    if not packed.places:
        raise ForeignFileError(
            f"{inner} holds no window that can be used: {next(iter(packed.left_out.values()))}"
        )
    usable = [one for one in windows if one.name in packed.places]
    choice = choose(dict.fromkeys((inner, root)), usable, split_file)
    absent = {
        name: f"{choice.told_by} names {name}, which is not there"
        for name in choice.absent
        if name not in packed.left_out
    }
    had = {dimensions for place in packed.places.values() for dimensions in place.dimensions}
    told = any(condition_of(one.person) is not None for one in usable)
    streams = [stream for dimensions, stream in JOINTS.items() if dimensions in had]
    people, tasks = ({one: _known(one) for one in words} for words in _words(usable))
    return DataSet(
        root=root,
        layout=PUBLISHED if manifest is None else SIMULATED,
        streams=Streams((*streams, *((PERSONS,) if told else ()))),
        muscles=muscles,
        unit=COUNTS,
        rate_hz=RATE_HZ,
        splits=choice.splits,
        split_file=choice.told_by,
        simulated=manifest is not None,
        description=(
            "recorded, or without a manifest" if manifest is None else _description(manifest)
        ),
        store=MiaStore(
            inner,
            muscles,
            order,
            packed.kept,
            packed.files,
            packed.first_file,
            packed.places,
            {"people": people, "tasks": tasks}
            if manifest is None
            else {what: _table(manifest, what) for what in ("people", "tasks")},
        ),
        licence="" if manifest is None else str(manifest.get("licence", "Apache-2.0")),
        left_out={**packed.left_out, **absent},
    )


def _windows_root(root: Path) -> Path:
    return root / INNER if (root / INNER).is_dir() else root


def _listed(root: Path) -> list[Window]:
    """List all windows' folders, none of them reached through a link."""
    found: list[Window] = []
    for part in PARTS:
        for subject in _folders(root / part):
            for exercise in _folders(root / part / subject):
                for number in _folders(root / part / subject / exercise):
                    one = window_of(f"{part}/{subject}/{exercise}/{number}")
                    if one is not None and one.name.endswith(f"/{number}"):
                        found.append(one)
                if len(found) > MOST_WINDOWS:
                    raise ForeignFileError(f"{root} holds more than {MOST_WINDOWS} windows")
    return sorted(found)


def _folders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _manifest(roots: Sequence[Path]) -> Mapping[str, Any] | None:
    """Read what a simulation says of itself; None where none made the data set."""
    for root in roots:
        if (root / MANIFEST).exists():
            content = read_json(root / MANIFEST)
            return content if isinstance(content, dict) else {}
    return None


def _description(manifest: Mapping[str, Any]) -> str:
    said = manifest.get("description", "")
    return printable(f"simulated: {said}" if isinstance(said, str) and said else "simulated")


def _table(manifest: Mapping[str, Any], what: str) -> dict[str, str]:
    """Read as what people or tasks are known elsewhere."""
    content = manifest.get(what, {})
    if not isinstance(content, dict):
        return {}
    return {name: known for name, known in content.items() if isinstance(known, str)}


def _words(windows: Sequence[Window]) -> Iterator[list[str]]:
    yield sorted({one.subject for one in windows})
    yield sorted({one.exercise for one in windows})


def _known(word: str) -> str:
    return f"Muscles in Action: {word}"
