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
"""The numbers of all windows in Muscles in Action's layout, kept in a few larger arrays."""

from __future__ import annotations

import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings import mia_files
from kpm_ros.learn.recordings.cache import ArrayCache, Kept
from kpm_ros.learn.recordings.mia_splits import Window
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.models.mia.published import WINDOW, joints

JOINTS = {dimensions: joints(dimensions) for dimensions in mia_files.JOINTS}

WIDTHS = {dimensions: WINDOW * stream.width for dimensions, stream in JOINTS.items()}

_EFFORT_WIDTH = WINDOW * mia_files.CHANNELS

_WIDTH = sum(WIDTHS.values()) + _EFFORT_WIDTH

_UNUSABLE = -1.0

Array = NDArray[np.float32]


class Place(NamedTuple):
    """Where a window's numbers are kept: in whose array, in which row, and what it has."""

    group: str
    row: int
    dimensions: tuple[int, ...]


class Packed(NamedTuple):
    """All windows in a few arrays."""

    kept: dict[str, Kept]
    files: dict[str, tuple[str, ...]]
    first_file: dict[str, int]
    places: dict[str, Place]
    left_out: dict[str, str]


def pack(root: Path, windows: Sequence[Window], order: Sequence[int], cache: ArrayCache) -> Packed:
    """Keep the windows of each person and exercise together, and see which cannot be used."""
    groups: dict[str, list[Window]] = defaultdict(list)
    for one in windows:
        groups[f"{one.part}/{one.subject}/{one.exercise}"].append(one)
    packed = Packed({}, {}, {}, {}, {})
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
            packed.places[one.name] = Place(group, head + row, dimensions)
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
            row[start : start + WIDTHS[dimensions]] = values.reshape(-1)
        start += WIDTHS[dimensions]
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
