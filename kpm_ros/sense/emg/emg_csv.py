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

"""A recording of EMG in a CSV file: a column of time and a column for each channel."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import CSV_BYTES, opened, printable, reading
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.emg.emg_device import EmgBlock, EmgDevice, EmgFormat, name_channels

TIME_NAMES = ("timestamp", "time", "t", "time_s", "time_ms", "timestamp_ms", "seconds", "lsl_time")
UNITS_NS = {"s": NS_PER_S, "ms": 1_000_000, "us": 1000, "ns": 1}
EMG_RATES_HZ = (40.0, 25_000.0)
"""Rates at which EMG is sampled: they tell in which unit a column of time is."""
LONG_STEPS = 2.5
"""A pause is a step longer than so many usual ones: rounding makes steps of up to two."""
LONGEST_S = 4e9
"""What is longer does not fit into 64 bits of nanoseconds: the times are damaged."""


@dataclass(frozen=True)
class EmgCsvConfig(CheckedSettings):
    """Which recording is played, and what its columns mean."""

    path: str = ""
    time_column: str = setting("", "CSV: name of the column of time; empty = found")
    """It is found by its name; else it is the first one."""
    time_unit: str = setting("auto", "CSV: unit of the column of time", choices=("auto", *UNITS_NS))
    """Found by itself, it is the one in which the steps are those of EMG."""
    channels: tuple[str, ...] = ()
    """Columns to play; empty = all others."""
    unit: str = "uV"
    repeat: bool = False


class EmgCsv(EmgDevice):
    """Plays a recording in real time; its own times are the device's, holes and all.

    Rows that are not numbers throughout are left out, and counted in `unreadable`.
    """

    def __init__(self, config: EmgCsvConfig) -> None:
        """Read the file; one that cannot be played is a ValueError."""
        path = Path(config.path).expanduser()
        self.name = f"the EMG recording {path.name}"
        self.falls_silent = True
        self._config = config
        header, table, self.unreadable = _read(path)
        time_at = time_column(header, config.time_column, path)
        names = config.channels or tuple(n for k, n in enumerate(header) if k != time_at)
        unknown = [name for name in names if name not in header]
        if unknown or not names:
            raise ValueError(
                f"{path} has no channel {', '.join(unknown) or 'at all'}; "
                f"its columns are {', '.join(header)}"
            )
        order = np.argsort(table[:, time_at], kind="stable")
        times = table[order, time_at]
        period = _period(times, path)
        tick_ns = _tick_ns(period, config.time_unit, path)
        self._times_ns = _whole_ns(times, tick_ns, path)
        columns = [header.index(name) for name in names]
        self._samples: NDArray[np.float32] = table[order][:, columns].astype(np.float32)
        period_ns = period * tick_ns
        self._format = EmgFormat(
            name_channels(names, len(names), self.name), config.unit, NS_PER_S / period_ns
        )
        self._round_ns = int(self._times_ns[-1] + period_ns)
        self._connected = False

    @property
    def duration_s(self) -> float:
        """How long the recording lasts."""
        return self._round_ns / NS_PER_S

    @property
    def state(self) -> str:
        """Whether it still plays."""
        return "ended" if self._connected and self._next >= len(self._times_ns) else "playing"

    def connect(self) -> EmgFormat:
        """Begin at the beginning."""
        self._connected = True
        self._next = 0
        self._start_ns: int | None = None
        self._read_ns = 0
        return self._format

    def disconnect(self) -> None:
        """Stop playing."""
        self._connected = False

    def read(self, now_ns: int) -> EmgBlock | None:
        """Samples that have become due."""
        if not self._connected:
            raise DeviceError(f"{self.name} is not being played")
        if self._start_ns is None:
            self._start_ns = now_ns
        elif not 0 <= now_ns - self._read_ns <= NS_PER_S:
            # The clock was set or the host slept: the recording waited.
            self._start_ns += now_ns - self._read_ns
        self._read_ns = now_ns
        if self._config.repeat and self._next >= len(self._times_ns):
            self._next = 0
            self._start_ns += self._round_ns
        until = int(np.searchsorted(self._times_ns, now_ns - self._start_ns, side="right"))
        first, self._next = self._next, max(until, self._next)
        if first == self._next:
            return None
        due = slice(first, self._next)
        return EmgBlock(self._samples[due], self._times_ns[due] + self._start_ns)


def _read(path: Path) -> tuple[list[str], NDArray[np.float64], int]:
    """Header, numbers, and how many rows were left out."""
    with reading(path, "an EMG recording"), opened(path, CSV_BYTES) as file:
        rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
        header = [printable(name.strip()) for name in next(rows, [])]
        table, unreadable = _numbers(rows, len(header))
    if len(header) < 2 or len(table) < 2:
        raise ValueError(
            f"{path} is no EMG recording: it must have a line of names, and below it lines of "
            "numbers separated by commas, a time and at least one channel"
        )
    if len(set(header)) != len(header):
        raise ValueError(f"{path} has two columns of one name")
    return header, table, unreadable


def _numbers(rows: Iterable[list[str]], columns: int) -> tuple[NDArray[np.float64], int]:
    """Read the rows that are numbers throughout, and count the others."""
    good = array("d")
    unreadable = 0
    for row in rows:
        try:
            values = array("d", map(float, row))
        except ValueError:
            unreadable += 1
            continue
        if len(values) == columns and np.isfinite(values).all():
            good.extend(values)
        else:
            unreadable += 1
    return np.frombuffer(good, np.float64).reshape(-1, max(columns, 1)), unreadable


def time_column(header: list[str], wanted: str, path: Path) -> int:
    """Find the column of times: the wanted one, one that is called so, or the first."""
    if wanted:
        if wanted not in header:
            raise ValueError(f"{path} has no column {wanted!r}; it has {', '.join(header)}")
        return header.index(wanted)
    for number, name in enumerate(header):
        if name.lower() in TIME_NAMES:
            return number
    return 0


def _period(times: NDArray[np.float64], path: Path) -> float:
    """Time from sample to sample, in the unit of the column, whatever pauses there are.

    Times may be rounded, so that steps of 0 and 1, or 1 and 2, take turns, or many samples may
    share one: the mean is true then, and is taken over all steps that are no pauses.
    """
    steps = np.diff(times)
    moving = steps[steps > 0]
    if not len(moving):
        raise ValueError(
            f"{path} has a time column that stands still, so it tells no rate: give time_column"
        )
    usual = float(np.median(moving))
    return float(steps[steps <= LONG_STEPS * usual].mean())


def _whole_ns(times: NDArray[np.float64], tick_ns: int, path: Path) -> NDArray[np.int64]:
    """Times in nanoseconds since the first."""
    length_s = float(times[-1] - times[0]) * tick_ns / NS_PER_S
    if not length_s <= LONGEST_S:
        raise ValueError(
            f"{path} has times that are {length_s:.3g} s apart, but a recording lasts no longer "
            f"than {LONGEST_S:.3g} s: see to its column of time, or give time_unit"
        )
    return np.rint((times - times[0]) * tick_ns).astype(np.int64)


def _tick_ns(step: float, unit: str, path: Path) -> int:
    """Length of the time column's unit, from its name or from what makes the rate one of EMG."""
    if unit != "auto":
        return UNITS_NS[unit]
    least, most = EMG_RATES_HZ
    for tick_ns in UNITS_NS.values():
        if step > 0 and least <= NS_PER_S / (step * tick_ns) <= most:
            return tick_ns
    raise ValueError(
        f"{path} has a time column whose steps of {step:g} are those of no EMG in s, ms, us or "
        "ns: give time_unit"
    )
