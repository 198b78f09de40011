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
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import ForeignFileError, printable, read_json
from kpm_ros.core.streams import Streams
from kpm_ros.learn.recordings import mia_files
from kpm_ros.learn.recordings.cache import ArrayCache, Kept, usable_folder
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.learn.recordings.mia_channels import read_channels
from kpm_ros.learn.recordings.mia_splits import PARTS, Window, choose, window_of
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries, Truth
from kpm_ros.models.mia.published import (
    COUNTS,
    PERSONS,
    RATE_HZ,
    WINDOW,
    condition_of,
    joints,
)
from kpm_ros.models.seen import digest
from kpm_ros.simulate.release.release_layout import MANIFEST

PUBLISHED, SIMULATED = "Muscles in Action's layout", "Muscles in Action's layout, simulated"
INNER = "MIADatasetOfficial"
"""The folder in which the published windows lie; the one above it will do as well."""
MOST_WINDOWS = 200_000

_JOINTS = {dimensions: joints(dimensions) for dimensions in mia_files.JOINTS}
_WIDTHS = {dimensions: WINDOW * stream.width for dimensions, stream in _JOINTS.items()}
_EFFORT_WIDTH = WINDOW * mia_files.CHANNELS
_WIDTH = sum(_WIDTHS.values()) + _EFFORT_WIDTH
_UNUSABLE = -1.0
_SUBJECT = re.compile(r"Subject\d{1,6}")

Array = NDArray[np.float32]


class _Place(NamedTuple):
    """Where a window's numbers are kept: in whose array, in which row, and what it has."""

    group: str
    row: int
    dimensions: tuple[int, ...]


@dataclass(frozen=True)
class MiaStore:
    """The windows of a data set, mapped from the arrays that were made of them."""

    root: Path
    muscles: tuple[str, ...]
    kept: Mapping[str, Kept]
    """By person and exercise."""
    files: Mapping[str, tuple[str, ...]]
    """By window, the names of its files."""
    first_file: Mapping[str, int]
    """By window, which of its group's digests is that of its first file."""
    places: Mapping[str, _Place]
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
        for dimensions, stream in _JOINTS.items():
            if dimensions in place.dimensions:
                values = row[start : start + _WIDTHS[dimensions]].reshape(WINDOW, -1)
                series.append(TimeSeries(stream, values, may_repeat=True))
            start += _WIDTHS[dimensions]
        condition = condition_of(window.person)
        if condition is not None:
            told = np.full((WINDOW, 1), condition, np.float32)
            series.append(TimeSeries(PERSONS, told, may_repeat=True))
        truth = Truth(self.muscles, COUNTS, RATE_HZ, row[start:].reshape(WINDOW, -1))
        take = f"{window.part}/{window.number}"
        return Recording(name, window.subject, window.exercise, take, tuple(series), truth)

    def digest(self, name: str) -> str:
        """Tell the content of a window's files."""
        first, files = self.first_file[name], self.files[name]
        contents = self.kept[self.places[name].group].digests[first : first + len(files)]
        words = json.dumps([self.muscles, files, contents])
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
    packed = _pack(inner, windows, order, ArrayCache(folder))
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
    streams = [stream for dimensions, stream in _JOINTS.items() if dimensions in had]
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


class _Packed(NamedTuple):
    """All windows in a few arrays."""

    kept: dict[str, Kept]
    files: dict[str, tuple[str, ...]]
    first_file: dict[str, int]
    places: dict[str, _Place]
    left_out: dict[str, str]


def _pack(
    root: Path, windows: Sequence[Window], order: Sequence[int], cache: ArrayCache
) -> _Packed:
    """Keep the windows of each person and exercise together, and see which cannot be used."""
    groups: dict[str, list[Window]] = defaultdict(list)
    for one in windows:
        groups[f"{one.part}/{one.subject}/{one.exercise}"].append(one)
    packed = _Packed({}, {}, {}, {}, {})
    for group, members in groups.items():
        sources: list[Path] = []
        whole: list[Window] = []
        for one in members:
            folder = root / one.name
            files = _files(folder)
            fault = _incomplete(folder, files)
            if fault:
                packed.left_out[one.name] = fault
                continue
            packed.files[one.name] = files
            packed.first_file[one.name] = len(sources)
            sources += [folder / file for file in files]
            whole.append(one)
        if not whole:
            continue
        about = [list(order), [[one.name, packed.files[one.name]] for one in whole]]
        kept = cache.get(
            group,
            sources,
            lambda whole=whole: _array(root, whole, packed.files, order),  # type: ignore[misc]
            hashlib.sha256(json.dumps(about).encode()).hexdigest(),
        )
        packed.kept[group] = kept
        head = _head(len(whole))
        for row, (one, code) in enumerate(
            zip(whole, kept.array[:head].reshape(-1)[: len(whole)].tolist(), strict=True)
        ):
            if code == _UNUSABLE:
                packed.left_out[one.name] = _fault(root / one.name, packed.files[one.name], order)
                continue
            dimensions = tuple(
                d for d, file in mia_files.JOINTS.items() if file in packed.files[one.name]
            )
            packed.places[one.name] = _Place(group, head + row, dimensions)
    return packed


def _files(folder: Path) -> tuple[str, ...]:
    """Name the files of a window that are read."""
    wanted = (*mia_files.JOINTS.values(), mia_files.EFFORT)
    with os.scandir(folder) as entries:
        there = {
            entry.name
            for entry in entries
            if entry.name in wanted
            and entry.is_file(follow_symlinks=False)
            and os.access(entry.path, os.R_OK)
        }
    return tuple(file for file in wanted if file in there)


def _incomplete(folder: Path, files: Sequence[str]) -> str:
    if mia_files.EFFORT not in files:
        return f"{folder} has no {mia_files.EFFORT} that can be read"
    if len(files) < 2:
        return f"{folder} has neither {' nor '.join(mia_files.JOINTS.values())} to be read"
    return ""


def _head(windows: int) -> int:
    """Rows at an array's beginning that say which windows can be used."""
    return -(-windows // _WIDTH)


def _array(
    root: Path,
    windows: Sequence[Window],
    files: Mapping[str, Sequence[str]],
    order: Sequence[int],
) -> Array:
    """Put the numbers of windows together, a row each, after what says which can be used."""
    head = _head(len(windows))
    array = np.full((head + len(windows), _WIDTH), np.nan, np.float32)
    codes = np.zeros(head * _WIDTH, np.float32)
    for row, one in enumerate(windows):
        try:
            array[head + row] = _row(root / one.name, files[one.name], order)
        except RecordingError:
            codes[row] = _UNUSABLE
    array[:head] = codes.reshape(head, _WIDTH)
    return array


def _row(folder: Path, files: Sequence[str], order: Sequence[int]) -> Array:
    """Read a window's numbers: joints of each kind, then EMG in the order of the muscles."""
    row = np.full(_WIDTH, np.nan, np.float32)
    start = 0
    for dimensions, file in mia_files.JOINTS.items():
        if file in files:
            values = mia_files.read_joints(folder / file, dimensions)
            row[start : start + _WIDTHS[dimensions]] = values.reshape(-1)
        start += _WIDTHS[dimensions]
    effort = mia_files.read_effort(folder / mia_files.EFFORT)
    row[start:] = effort[:, list(order)].reshape(-1)
    return row


def _fault(folder: Path, files: Sequence[str], order: Sequence[int]) -> str:
    """Say why a window cannot be used."""
    try:
        _row(folder, files, order)
    except RecordingError as error:
        return str(error)
    return f"{folder} could not be used when it was first read"


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
