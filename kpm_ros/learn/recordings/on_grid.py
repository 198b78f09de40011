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

"""A recording as a model is given it: the streams of its card, on its grid, read in windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import (
    JOINED,
    NEWEST,
    Channels,
    Landmarks,
    PianoKeys,
    Stream,
    Streams,
)
from kpm_ros.learn.recordings.recording import (
    Array,
    Recording,
    RecordingError,
    TimeSeries,
    parts_of,
    regular_ns,
)
from kpm_ros.learn.recordings.resample import ABSENT_LANDMARKS, LandmarkResampler, resampler
from kpm_ros.learn.recordings.resample_channels import ABSENT_CHANNELS, ChannelResampler
from kpm_ros.learn.recordings.resample_newest import NewestResampler, ToldResampler
from kpm_ros.models.card import ModelCard

_SCANNED_TOGETHER = 65_536


class GridRows(NamedTuple):
    """Consecutive samples of a recording, as the live pipeline would hand them on."""

    values: Array
    """(n, columns) of the card's streams."""
    missing: NDArray[np.uint32]
    """(n,): bit k says that nothing is known of stream k."""
    flags: NDArray[FlagBits]


@dataclass(frozen=True, eq=False)
class GridRecording:
    """One recording on a card's grid, which begins with the first sample of the true effort.

    Nothing is resampled before it is asked for, and nothing of it is kept.
    """

    recording: Recording
    streams: Streams
    """What the model is given; the recording may have more, or lack some of it."""
    rate_hz: int

    @classmethod
    def of(cls, recording: Recording, card: ModelCard) -> GridRecording:
        """Put a recording on a card's grid."""
        return cls(recording, card.streams, card.rate_hz)

    @property
    def name(self) -> str:
        """The recording's."""
        return self.recording.name

    @property
    def person(self) -> str:
        """Whose the recording is."""
        return self.recording.person

    def __len__(self) -> int:
        """Number of samples for which the effort is known."""
        truth = self.recording.truth
        if truth.rate_hz == self.rate_hz or not len(truth.values):
            return len(truth.values)
        return int((len(truth.values) - 1) / truth.rate_hz * self.rate_hz) + 1

    @cached_property
    def effort(self) -> Array:
        """True effort (T, M): the file's own samples where its rate is the grid's, else lines.

        NaN where it is not known; no line is drawn across.
        """
        truth = self.recording.truth
        if truth.rate_hz == self.rate_hz:
            return truth.values
        own_s = np.arange(len(truth.values)) / truth.rate_hz
        at_s = np.arange(len(self)) / self.rate_hz
        muscles = (np.interp(at_s, own_s, column) for column in np.asarray(truth.values).T)
        return np.stack(list(muscles), axis=1).astype(np.float32)

    @cached_property
    def known(self) -> tuple[tuple[int, int], ...]:
        """Stretches, first sample and the one after the last, in which some effort is known."""
        effort = self.effort
        some = np.zeros(len(effort) + 2, np.bool_)
        for part in parts_of(len(effort), _SCANNED_TOGETHER):
            some[part.start + 1 : part.stop + 1] = np.isfinite(effort[part]).any(axis=1)
        ends = np.flatnonzero(some[1:] != some[:-1]).reshape(-1, 2)
        return tuple((int(start), int(stop)) for start, stop in ends)

    def values(self, start: int = 0, stop: int | None = None) -> Array:
        """Give rows (stop - start, columns) of the grid."""
        return self.window(start, stop).values

    def window(self, start: int = 0, stop: int | None = None, step: int = 1) -> GridRows:
        """Give rows of the grid, or every so-many-th, and which streams are missing from each."""
        at_ns, values = self._empty(start, len(self) if stop is None else stop, step)
        missing = np.zeros(len(at_ns), np.uint32)
        flags = np.zeros(len(at_ns), FlagBits)
        for k, (stream, source) in enumerate(zip(self.streams, self._sources, strict=True)):
            bit = np.uint32(1 << k)
            if source is None:
                missing |= bit
                flags |= ABSENT_LANDMARKS if isinstance(stream, Landmarks) else ABSENT_CHANNELS
                continue
            found = source.reader.read(at_ns)
            source.columns.fill(values[:, self.streams.columns[stream.name]], found.values)
            missing |= np.where(found.missing, bit, np.uint32(0))
            flags |= found.flags
        return GridRows(values, missing, flags)

    def stretched(self, start: int, stop: int) -> Array:
        """Give rows whose camera views are stretched: first and last frame on the window's ends.

        So the published code does it. Other streams are at their own times.
        """
        at_ns, values = self._empty(start, stop)
        for stream, source in zip(self.streams, self._sources, strict=True):
            columns = values[:, self.streams.columns[stream.name]]
            if isinstance(stream, Landmarks):
                if source is None:
                    raise RecordingError(
                        f"{self.name} lacks the view {stream.name!r}, so no window of it can be "
                        "stretched: give pose-timing stamps"
                    )
                own = _frames_within(source.reader, self.rate_hz, start, stop)
                source.columns.fill(columns, _stretched(own, stop - start))
            elif source is not None:
                source.columns.fill(columns, source.reader.read(at_ns).values)
        return values

    def _empty(self, start: int, stop: int, step: int = 1) -> tuple[NDArray[np.int64], Array]:
        """Instants of some rows, and rows of which nothing is known yet."""
        count = max(0, min(stop, len(self)) - start)
        begin_ns = round(self.recording.truth.start_s * NS_PER_S)
        at_ns = begin_ns + regular_ns(start, count, self.rate_hz)[::step]
        return at_ns, np.tile(self.streams.missing_row, (len(at_ns), 1))

    @cached_property
    def _sources(self) -> Sequence[_Source | None]:
        """Where each of the card's streams comes from; None for one that the recording lacks."""
        found: list[_Source | None] = []
        for stream in self.streams:
            series = self.recording.series_of(stream.name)
            if series is None:
                found.append(None)
                continue
            found.append(_source(series, stream))
        return found


class _Columns(NamedTuple):
    """Which of a recorded stream's columns a model's stream has, and where."""

    taken: slice | NDArray[np.intp]
    placed: slice

    def fill(self, into: Array, values: Array) -> None:
        into[:, self.placed] = values[:, self.taken]


class _Source(NamedTuple):
    reader: LandmarkResampler | ChannelResampler | ToldResampler
    columns: _Columns


def _source(series: TimeSeries, wanted: Stream) -> _Source:
    """Read a series as a model's stream is told: points joined by lines, or the newest of them."""
    recorded = series.stream
    if not isinstance(wanted, Landmarks) or not isinstance(recorded, Landmarks):
        return _Source(resampler(series), _columns(recorded, wanted))
    if recorded.timing == NEWEST:
        return _Source(ToldResampler(series, recorded), _columns(recorded, wanted))
    if (wanted.timing, recorded.timing) != (NEWEST, JOINED):
        return _Source(resampler(series), _columns(recorded, wanted))
    as_told = replace(recorded, timing=NEWEST)
    return _Source(NewestResampler(series, recorded), _columns(as_told, wanted))


def misfit(recorded: Stream, wanted: Stream) -> str:
    """Say why a recorded stream cannot be given to a model as one of its own; "" where it can."""
    if type(recorded) is not type(wanted):
        return f"is {recorded.kind}, not {wanted.kind}"
    if isinstance(recorded, Landmarks) and isinstance(wanted, Landmarks):
        return _view_misfit(recorded, wanted)
    if isinstance(recorded, PianoKeys) and isinstance(wanted, PianoKeys):
        low, high = _shared_notes(recorded, wanted)
        return "" if low < high else "has none of the keys"
    lacking = [name for name in wanted.columns if name not in recorded.columns]
    if lacking:
        return f"has no channel {lacking[0]!r}"
    units = [stream.unit for stream in (recorded, wanted) if isinstance(stream, Channels)]
    return f"is in {units[0]}, not in {units[1]}" if len(set(units)) > 1 else ""


def _view_misfit(recorded: Landmarks, wanted: Landmarks) -> str:
    if recorded.skeleton != wanted.skeleton:
        return f"has the skeleton {recorded.skeleton.name!r}, not {wanted.skeleton.name!r}"
    if recorded.dimensions < wanted.dimensions:
        return f"has {recorded.dimensions} dimensions, not {wanted.dimensions}"
    if recorded.coordinates != wanted.coordinates:
        return f"is told in {recorded.coordinates} coordinates, not in {wanted.coordinates}"
    if recorded.timing == NEWEST and wanted.timing == JOINED:
        return "holds the newest points at each instant, which cannot be joined any more"
    return ""


def _columns(recorded: Stream, wanted: Stream) -> _Columns:
    """Find a model's columns in a recorded stream; one that cannot be used is refused."""
    fault = misfit(recorded, wanted)
    if fault:
        raise RecordingError(f"the recorded stream {recorded.name!r} {fault}")
    everything = slice(0, wanted.width)
    if isinstance(recorded, PianoKeys) and isinstance(wanted, PianoKeys):
        low, high = _shared_notes(recorded, wanted)
        taken = slice(low - recorded.first_note, high - recorded.first_note)
        return _Columns(taken, slice(low - wanted.first_note, high - wanted.first_note))
    if recorded.columns == wanted.columns:
        return _Columns(everything, everything)
    places = [recorded.columns.index(name) for name in wanted.columns]
    return _Columns(np.asarray(places, np.intp), everything)


def _shared_notes(recorded: PianoKeys, wanted: PianoKeys) -> tuple[int, int]:
    low = max(recorded.first_note, wanted.first_note)
    return low, min(recorded.first_note + recorded.count, wanted.first_note + wanted.count)


def frames_per_sample(stream: Stream, rate_hz: int) -> Fraction:
    """Frames of a stream that last as long as a sample of the grid."""
    return Fraction(stream.rate_hz).limit_denominator(1000) / rate_hz


def _frames_within(
    reader: LandmarkResampler | ChannelResampler | ToldResampler,
    rate_hz: int,
    start: int,
    stop: int,
) -> Array:
    """Frames of a window that begins and ends with one."""
    series = reader.series
    ratio = frames_per_sample(series.stream, rate_hz)
    own = slice(int(start * ratio), int(stop * ratio))
    frames = np.asarray(series.values[own], np.float32)
    if len(frames) < own.stop - own.start or series.stamps_s is not None:
        raise RecordingError(
            f"the view {series.stream.name!r} has no even frames for the whole of samples {start} "
            f"to {stop}: give pose-timing stamps"
        )
    if not series.seen[own].all():
        raise RecordingError(
            f"the view {series.stream.name!r} saw nothing in some frames of samples {start} to "
            f"{stop}, so they cannot be stretched: give pose-timing stamps"
        )
    return frames


def _stretched(frames: Array, length: int) -> Array:
    """Draw frames onto so many samples, the first on the first and the last on the last."""
    at = np.linspace(0, len(frames) - 1, length)
    left = at.astype(np.int64)
    right = np.minimum(left + 1, len(frames) - 1)
    part = (at - left).astype(np.float32)[:, None]
    return np.asarray(frames[left] + (frames[right] - frames[left]) * part, np.float32)
