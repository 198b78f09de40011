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

"""XDF and CSV files as takes: the EMG is told by its type or name, all else is what was seen."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import CSV_BYTES, ForeignFileError, opened, printable, reading
from kpm_ros.learn.importing.measured import EMG, Measured, TakeRules, recording_of
from kpm_ros.learn.importing.sampled import Sampled, rate_of
from kpm_ros.learn.importing.source import CHANNELS, Taken, file_facts
from kpm_ros.learn.importing.xdf import read_xdf
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.sense.emg.emg_csv import UNITS_NS, time_column

TIME_UNITS = tuple(UNITS_NS)


@dataclass(frozen=True)
class LabFiles:
    """One XDF file, or the CSV files of one take, which share a clock."""

    files: tuple[Path, ...]
    rules: TakeRules
    emg: str = ""
    """The stream that is the EMG; empty for an XDF stream of the type EMG, or a file emg_*.csv."""
    emg_unit: str = "uV"
    time_unit: str = "ms"
    """Of CSV files."""

    @property
    def path(self) -> Path:
        """The first of its files."""
        return self.files[0]

    def as_plain(self) -> dict[str, Any]:
        """Tell which files they are, and how they are read."""
        return {
            "kind": "files",
            "rules": repr((self.rules, self.emg, self.emg_unit, self.time_unit)),
            "files": [file_facts(path) for path in self.files],
        }

    def take(self) -> Taken:
        """Make their recording."""
        measured = Measured()
        streams = self._xdf(measured) if self.path.suffix == ".xdf" else self._tables()
        emg = [name for name, is_emg in streams if is_emg]
        if len(emg) != 1:
            named = ", ".join(one.name for one, _ in streams)
            raise RecordingError(
                f"{self.path} has {len(emg)} streams that are the EMG, among {named}: say which by "
                "--emg NAME"
            )
        for one, is_emg in streams:
            if is_emg:
                measured.channels[EMG] = [(chunk, chunk.stamp_ns) for chunk in one.chunks()]
            else:
                measured.sampled.append(one)
        try:
            found = recording_of(measured, self.rules)
        except ValueError as error:
            raise RecordingError(f"{self.path}: {error}") from None
        marks = {CHANNELS: ", ".join(found.recording.truth.muscles)}
        said = tuple(f"{self.path}: {sentence}" for sentence in found.said)
        return Taken((found.recording,), said, marks)

    def _xdf(self, measured: Measured) -> list[tuple[Sampled, bool]]:
        found = read_xdf(self.path)
        measured.said += found.said
        return [
            (one, one.name == self.emg if self.emg else kind.upper() == "EMG")
            for kind, one in found.streams
        ]

    def _tables(self) -> list[tuple[Sampled, bool]]:
        found = []
        for path in self.files:
            is_emg = stream_of(path) == (self.emg or EMG)
            unit = self.emg_unit if is_emg else "as written"
            found.append((read_table(path, unit, self.time_unit), is_emg))
        return found


def stream_of(path: Path) -> str:
    """Name the stream that a file holds: what stands before the first _."""
    return path.stem.split("_", 1)[0]


def take_of(path: Path) -> str:
    """Name the take that a file is of: what stands behind the first _."""
    return path.stem.split("_", 1)[-1]


def read_table(path: Path, unit: str, time_unit: str) -> Sampled:
    """Read a CSV file: a line of names, then times and numbers; an empty cell is none."""
    with reading(path, "a table of samples"), opened(path, CSV_BYTES) as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        header = [printable(name.strip(), 60) for name in next(rows, [])]
        table = np.array(
            [[_number(cell) for cell in row] for row in rows if len(row) == len(header)], np.float64
        ).reshape(-1, max(len(header), 1))
        if len(header) < 2 or len(set(header)) < len(header) or len(table) < 2:
            raise ForeignFileError(
                f"{path} must have a line of different names, and below it lines of a time and at "
                "least one number"
            )
    at = time_column(header, "", path)
    timed = table[np.isfinite(table[:, at])]
    timed = timed[np.argsort(timed[:, at], kind="stable")]
    samples = np.delete(timed, at, axis=1).astype(np.float32)
    samples[~np.isfinite(samples).all(axis=1)] = np.nan
    names = tuple(name for place, name in enumerate(header) if place != at)
    stamps_ns = _whole_ns(timed[:, at], UNITS_NS[time_unit], path)
    rate_hz = rate_of(stamps_ns)
    if not 0 < rate_hz <= 1e5:
        raise ForeignFileError(
            f"{path} has {rate_hz:g} samples a second, if its times are in {time_unit}: give "
            "--time-unit"
        )
    return Sampled(stream_of(path), names, unit, rate_hz, stamps_ns, samples)


def _whole_ns(times: NDArray[np.float64], tick_ns: int, path: Path) -> NDArray[np.int64]:
    at_ns = times * tick_ns
    if not len(at_ns) or not (np.abs(at_ns) < 2**62).all():
        raise ForeignFileError(f"{path} has no times that can be")
    return np.rint(at_ns).astype(np.int64)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
