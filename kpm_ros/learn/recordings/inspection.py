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

"""What a data set holds, and what about it will hinder training, in sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Stream
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.leakage import leaks
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth, parts_of

RATE_OFF = 0.1
"""A stream's frames may come so much more or less often than it says, relative to that."""
MOST_MISSING = 0.5
"""Of a recording, a stream may be missing from so much."""
NEGATIVE = 0.3
"""An envelope's filter may swing below zero, but not by so much of its range."""
STILL = 1e-9
_LOOKED_TOGETHER = 65_536


class StreamSummary(NamedTuple):
    """One stream over all recordings."""

    stream: Stream
    recordings: int
    minutes: float
    rate_hz: float
    """How often its frames come, as their stamps say: the median of recordings."""
    unseen: float
    """Share of its frames in which nothing was seen."""
    missing: float
    """Share of the grid's samples of which nothing is known, by the live pipeline's rules."""


class Inspection(NamedTuple):
    """What was found."""

    streams: tuple[StreamSummary, ...]
    minutes: Mapping[str, float]
    """By split, of true effort."""
    known_minutes: Mapping[str, float]
    """By muscle, of effort that is known."""
    people: int
    tasks: int
    problems: tuple[str, ...]


class _Looked(NamedTuple):
    """One stream of one recording."""

    minutes: float
    rate_hz: float
    frames: int
    unseen: int
    missing: float


def inspect(dataset: DataSet) -> Inspection:
    """Look through every recording of the splits."""
    looked: dict[str, list[_Looked]] = {stream.name: [] for stream in dataset.streams}
    minutes = dict.fromkeys(dataset.splits, 0.0)
    people: set[str] = set()
    known_s = np.zeros(len(dataset.muscles))
    usable = set()
    tasks: set[str] = set()
    problems: list[str] = []
    for name in dataset.names:
        try:
            recording = dataset.recording(name)
            found = _look(recording, dataset)
        except ValueError as error:
            problems.append(str(error) if name in str(error) else f"{name}: {error}")
            continue
        for stream, one in found.items():
            looked[stream].append(one)
        problems += [f"{name}: {said}" for said in _problems(recording, found)]
        tasks.add(recording.task)
        people.add(recording.person)
        usable.add(name)
        known_s += np.isfinite(recording.truth.values).sum(axis=0) / recording.truth.rate_hz
        for split, names in dataset.splits.items():
            if name in names:
                minutes[split] += recording.duration_s / 60
    problems += _of_splits(dataset)
    splits = {
        split: tuple(name for name in names if name in usable)
        for split, names in dataset.splits.items()
    }
    problems += leaks(replace(dataset, splits=splits))
    problems += left_out(dataset)
    return Inspection(
        tuple(_summary(stream, looked[stream.name]) for stream in dataset.streams),
        minutes,
        dict(zip(dataset.muscles, (known_s / 60).tolist(), strict=True)),
        len(people),
        len(tasks),
        tuple(problems),
    )


def left_out(dataset: DataSet) -> list[str]:
    """Say which recordings the reader had to leave out, and why, each reason by an example."""
    reasons: dict[str, list[str]] = {}
    for name, why in dataset.left_out.items():
        reasons.setdefault(re.sub(r"\d+(\.\d+)?", "#", why.replace(name, "")), []).append(why)
    return [
        f"left out{f' {len(found)} recordings, such as this' if len(found) > 1 else ''}: {found[0]}"
        for found in reasons.values()
    ]


def _look(recording: Recording, dataset: DataSet) -> dict[str, _Looked]:
    recording.truth.check_numbers()
    on_grid = GridRecording(recording, dataset.streams, dataset.grid_rate_hz)
    parts = [
        on_grid.window(part.start, part.stop).missing
        for part in parts_of(len(on_grid), _LOOKED_TOGETHER)
    ]
    missing = np.concatenate(parts) if parts else np.zeros(0, np.uint32)
    found = {}
    for k, stream in enumerate(dataset.streams):
        series = recording.series_of(stream.name)
        if series is not None:
            gone = (missing & np.uint32(1 << k)) != 0
            found[stream.name] = _Looked(
                series.duration_s / 60,
                _rate_hz(series),
                len(series),
                int((~series.seen).sum()),
                float(gone.mean()) if len(gone) else 1.0,
            )
    return found


def _rate_hz(series: TimeSeries) -> float:
    if len(series) < 2 or series.stamps_s is None:
        return series.stream.rate_hz
    return NS_PER_S / float(np.median(np.diff(series.stamps_ns)))


def _problems(recording: Recording, found: Mapping[str, _Looked]) -> Iterator[str]:
    for series in recording.series:
        name, one = series.stream.name, found[series.stream.name]
        if not one.frames:
            yield f"the stream {name!r} has no frames"
            continue
        if abs(one.rate_hz / series.stream.rate_hz - 1) > RATE_OFF:
            yield (
                f"the stream {name!r} says {series.stream.rate_hz:g} frames a second, but its "
                f"stamps say {one.rate_hz:.1f}"
            )
        if one.missing > MOST_MISSING:
            yield (
                f"of the stream {name!r} nothing is known for {one.missing:.0%} of the time in "
                "which effort is"
            )
    yield from _of_effort(recording.truth)


def _of_effort(truth: Truth) -> Iterator[str]:
    values = np.asarray(truth.values)
    if not len(values):
        yield "the effort has no samples"
        return
    lows, highs = np.fmin.reduce(values), np.fmax.reduce(values)
    unknown = np.isnan(values).mean(axis=0)
    for muscle, low, high, share in zip(truth.muscles, lows, highs, unknown, strict=True):
        if share == 1:
            yield f"the effort of {muscle} is not known at all"
        elif share > MOST_MISSING:
            yield f"the effort of {muscle} is not known for {share:.0%} of the time"
        elif high - low < STILL:
            yield f"the effort of {muscle} never changes"
        elif low < -NEGATIVE * (high - low):
            yield (
                f"the effort of {muscle} goes down to {low:.3g}, but envelopes are not negative: "
                "was it rectified?"
            )


def _of_splits(dataset: DataSet) -> Iterator[str]:
    for split, needed in (("train", "to train on"), ("val", "to choose the best step by")):
        if not dataset.splits.get(split):
            yield f"{dataset.split_file} has no recordings {needed} ({split!r})"


def _summary(stream: Stream, looked: list[_Looked]) -> StreamSummary:
    frames = sum(one.frames for one in looked)
    return StreamSummary(
        stream,
        len(looked),
        sum(one.minutes for one in looked),
        float(np.median([one.rate_hz for one in looked])) if looked else 0.0,
        sum(one.unseen for one in looked) / max(frames, 1),
        float(np.mean([one.missing for one in looked])) if looked else 1.0,
    )
