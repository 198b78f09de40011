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

"""One recording: streams as they were measured, true effort, and whose and what it is.

This is all that training and scoring know of a data set's files; readers make it of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Stream, Streams

Array = NDArray[np.float32]

_SCANNED_TOGETHER = 16_384
"""Frames that are looked through at once, so that a long recording is never in memory whole."""


class RecordingError(ValueError):
    """A recording that cannot be used, said in one sentence."""


@dataclass(frozen=True, eq=False)
class TimeSeries:
    """One stream of a recording, frame by frame, at a regular rate or with a stamp for each.

    A frame in which nothing was seen is a row of NaN: a hand out of sight, a sensor that was off.
    """

    stream: Stream
    values: Array
    """(frames, columns), as `stream.columns` names them; may be mapped into memory."""
    start_s: float = 0.0
    """When the first frame was taken, in seconds of the recording."""
    stamps_s: NDArray[np.float64] | None = None
    """When each frame was taken; None where frame k is at start_s + k / stream.rate_hz."""
    may_repeat: bool = False
    """Whether a frame that repeats the one before to the last bit is news. A tracker's never does:
    it shows a picture that stands still. One that was cleaned up afterwards may."""
    measured: str = ""
    """How: device, tracker, filters, calibration."""
    known_s: NDArray[np.float64] | None = None
    """When each frame's tracker was done, in seconds of the recording; None where nobody noted it.
    """

    def __post_init__(self) -> None:
        """Refuse values of another shape, and stamps that do not increase."""
        where = f"the stream {self.stream.name!r}"
        if self.values.ndim != 2 or self.values.shape[1] != self.stream.width:
            raise RecordingError(
                f"{where} has values of the shape {_shape(self.values)}, but must have (frames, "
                f"{self.stream.width})"
            )
        if self.values.dtype.kind != "f":
            raise RecordingError(f"{where} has values of the type {self.values.dtype}, not floats")
        if not np.isfinite(self.start_s):
            raise RecordingError(f"{where} begins at {self.start_s} s, which is no time")
        if self.known_s is not None and (
            self.known_s.shape != (len(self.values),) or not np.isfinite(self.known_s).all()
        ):
            raise RecordingError(
                f"{where} must say of each of its {len(self.values)} frames when it was known, or "
                "of none"
            )
        if self.stamps_s is None:
            return
        if self.stamps_s.shape != (len(self.values),) or self.stamps_s.dtype.kind != "f":
            raise RecordingError(
                f"{where} has stamps of the shape {_shape(self.stamps_s)}, but must have one for "
                f"each of its {len(self.values)} frames"
            )
        if not (np.isfinite(self.stamps_s).all() and (np.diff(self.stamps_s) > 0).all()):
            raise RecordingError(f"{where} has stamps that do not increase from frame to frame")

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.values)

    @cached_property
    def stamps_ns(self) -> NDArray[np.int64]:
        """When each frame was taken, in nanoseconds of the recording."""
        if self.stamps_s is not None:
            return np.rint(self.stamps_s * NS_PER_S).astype(np.int64)
        return round(self.start_s * NS_PER_S) + regular_ns(0, len(self), self.stream.rate_hz)

    @cached_property
    def seen(self) -> NDArray[np.bool_]:
        """Which frames saw something; one that is partly not a number is refused."""
        seen = np.ones(len(self), np.bool_)
        for part in parts_of(len(self), _SCANNED_TOGETHER):
            known = np.isfinite(self.values[part])
            seen[part] = known.all(axis=1)
            broken = known.any(axis=1) & ~seen[part]
            if broken.any():
                row = part.start + int(np.argmax(broken))
                raise RecordingError(
                    f"the stream {self.stream.name!r} holds some values that are not numbers in "
                    f"frame {row}: a frame is whole, or all NaN where nothing was seen"
                )
        return seen

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last one."""
        if not len(self):
            return 0.0
        last_ns = int(self.stamps_ns[-1] - self.stamps_ns[0])
        return last_ns / NS_PER_S + 1 / self.stream.rate_hz


@dataclass(frozen=True, eq=False)
class Truth:
    """What the muscles did, as it was measured or computed: what models learn to estimate."""

    muscles: tuple[str, ...]
    unit: str
    rate_hz: float
    values: Array
    """(samples, muscles), envelopes; sample k is at start_s + k / rate_hz. NaN where a muscle's
    effort is not known: a gap, a clipped stretch, an electrode that came off."""
    start_s: float = 0.0
    measured: str = ""
    """How: electrodes, filters, what it was normalised by; or by which model it was computed."""

    def __post_init__(self) -> None:
        """Refuse values of another shape."""
        if self.values.ndim != 2 or self.values.shape[1] != len(self.muscles):
            raise RecordingError(
                f"the effort has the shape {_shape(self.values)}, but must have (samples, "
                f"{len(self.muscles)}): {', '.join(self.muscles)}"
            )
        if self.values.dtype.kind != "f":
            raise RecordingError(f"the effort has the type {self.values.dtype}, not floats")
        if not 0 < self.rate_hz < np.inf or not np.isfinite(self.start_s):
            raise RecordingError(
                f"the effort begins at {self.start_s} s with {self.rate_hz} samples a second, "
                "which cannot be"
            )

    def check_numbers(self) -> None:
        """Refuse effort that is infinite, or of which no sample is known."""
        some = not len(self.values)
        for part in parts_of(len(self.values), _SCANNED_TOGETHER):
            infinite = np.isinf(self.values[part]).any(axis=1)
            if infinite.any():
                raise RecordingError(
                    "the effort holds infinite values, the first of them in sample "
                    f"{part.start + int(np.argmax(infinite))}: NaN says that it is not known"
                )
            some = some or bool(np.isfinite(self.values[part]).any())
        if not some:
            raise RecordingError("the effort is not known in any sample: leave the recording out")

    @property
    def duration_s(self) -> float:
        """How long it lasts."""
        return len(self.values) / self.rate_hz


@dataclass(frozen=True, eq=False)
class Recording:
    """One take of one task by one person.

    >>> import numpy as np
    >>> from kpm_ros.core.streams import Channels
    >>> force = TimeSeries(Channels("force", ("thumb",), "N", 100.0), np.zeros((200, 1)))
    >>> effort = Truth(("FPL",), "fraction of maximum", 100.0, np.zeros((200, 1)))
    >>> recording = Recording("p1_grip_1", "p1", "grip", "1", (force,), effort)
    >>> recording.streams.names, recording.duration_s
    (('force',), 2.0)
    """

    name: str
    person: str
    task: str
    take: str
    series: tuple[TimeSeries, ...]
    """One for each stream that it has, in the data set's order."""
    truth: Truth
    notes: str = ""
    session: str = ""
    """Between two of a person the electrodes were taken off; empty where that is not known."""

    @cached_property
    def streams(self) -> Streams:
        """What it has."""
        return Streams(tuple(one.stream for one in self.series))

    def series_of(self, name: str) -> TimeSeries | None:
        """The stream of this name, if the recording has it."""
        return next((one for one in self.series if one.stream.name == name), None)

    @property
    def duration_s(self) -> float:
        """How long its effort is known."""
        return self.truth.duration_s


def regular_ns(first: int, count: int, rate_hz: float) -> NDArray[np.int64]:
    """Instants of samples at a regular rate, each rounded down as on every grid."""
    at = np.arange(first, first + count, dtype=np.int64)
    if rate_hz == int(rate_hz):
        seconds, rest = np.divmod(at, int(rate_hz))
        return np.asarray(seconds * NS_PER_S + rest * NS_PER_S // int(rate_hz))
    return np.floor(at * (NS_PER_S / rate_hz)).astype(np.int64)


def parts_of(length: int, most: int) -> Iterator[slice]:
    """Cut so many rows into parts that fit into memory."""
    for start in range(0, length, most):
        yield slice(start, min(start + most, length))


def _shape(array: NDArray[np.generic] | Sequence[int]) -> str:
    shape = array.shape if isinstance(array, np.ndarray) else array
    return f"({', '.join(str(size) for size in shape)})"
