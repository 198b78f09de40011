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

"""Reads what OpenSim and motion capture write: tables (.sto, .mot) and markers (.trc)."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import ForeignFileError, read_text, reading

Array = NDArray[np.float64]

_MOST_BYTES = 256_000_000
_MOST_COLUMNS = 10_000
_TRC_HEAD = 5
"""Lines before a .trc file's first row; a blank one may follow."""


class Table(NamedTuple):
    """Columns of numbers over time."""

    names: tuple[str, ...]
    times: Array
    """(n,), in seconds, ascending."""
    values: Array
    """(n, names)"""

    def column(self, name: str) -> Array:
        """Find a column by its name: (n,)."""
        if name not in self.names:
            raise ForeignFileError(
                f"there is no column {name!r}: those that there are begin with "
                f"{', '.join(self.names[:5])}"
            )
        return np.asarray(self.values[:, self.names.index(name)])

    def at(self, times: Array) -> Table:
        """Give the values at other times, on the straight lines between rows."""
        found = [np.interp(times, self.times, column) for column in self.values.T]
        return Table(self.names, times, np.stack(found, axis=1))


def read_table(path: Path) -> Table:
    """Read a .sto or .mot file; angles are in radians afterwards, whatever its header says.

    A column of coordinates that the header lists by their place in the model, such as
    /jointset/hip_r/hip_flexion_r/value, is called by its coordinate: hip_flexion_r.
    """
    with reading(path, "a table of OpenSim"):
        lines = read_text(path, _MOST_BYTES).splitlines()
        ends = [number for number, line in enumerate(lines[:100]) if line.strip() == "endheader"]
        if not ends:
            raise ForeignFileError(f"{path} has no line endheader, which OpenSim's tables have")
        head = [line.strip().lower() for line in lines[: ends[0]]]
        if len(lines) <= ends[0] + 1:
            raise ForeignFileError(f"{path} ends before the names of its columns")
        names = tuple(_coordinate(name) for name in lines[ends[0] + 1].split())
        times, values = _rows(path, lines[ends[0] + 2 :], len(names))
        if "indegrees=yes" in head:
            turning = [not name.startswith("pelvis_t") or name == "pelvis_tilt" for name in names]
            values[:, np.array(turning[1:])] *= np.pi / 180.0
        return Table(names[1:], times, values)


def read_markers(path: Path) -> dict[str, Array]:
    """Read a .trc file: every marker's places (n, 3), in metres."""
    with reading(path, "a table of markers"):
        lines = read_text(path, _MOST_BYTES).splitlines()
        if len(lines) <= _TRC_HEAD or not lines[0].startswith("PathFileType"):
            raise ForeignFileError(f"{path} has no PathFileType, which files of markers begin with")
        about = dict(zip(lines[1].split(), lines[2].split(), strict=False))
        unit = {"mm": 0.001, "m": 1.0}.get(about.get("Units", "").strip())
        if unit is None:
            raise ForeignFileError(f"{path} has markers in {about.get('Units')!r}, not in mm or m")
        names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
        _, values = _rows(
            path, [_after_frame(line) for line in lines[_TRC_HEAD:]], 3 * len(names) + 1
        )
        places = values.reshape(len(values), len(names), 3) * unit
        return {name: places[:, number] for number, name in enumerate(names)}


def _after_frame(line: str) -> str:
    """Leave out a row's first column, which counts frames."""
    return line.partition("\t")[2]


def _coordinate(name: str) -> str:
    return name.removesuffix("/value").rsplit("/", 1)[-1]


def _rows(path: Path, lines: list[str], columns: int) -> tuple[Array, Array]:
    """Read rows of numbers whose first is the time."""
    if not 2 <= columns <= _MOST_COLUMNS:
        raise ForeignFileError(
            f"{path} has {columns} columns, but must have a time and some others"
        )
    rows = [line.split() for line in lines if line.strip()]
    for number, row in enumerate(rows, 1):
        if len(row) != columns:
            raise ForeignFileError(
                f"{path} has {len(row)} numbers in its row {number}, but {columns} columns"
            )
    found = np.array(rows, dtype=np.float64).reshape(len(rows), columns)
    if len(found) < 2 or not np.all(np.isfinite(found)) or np.any(np.diff(found[:, 0]) <= 0):
        raise ForeignFileError(
            f"{path} must have at least two rows of finite numbers, at ascending times"
        )
    return found[:, 0], found[:, 1:]
