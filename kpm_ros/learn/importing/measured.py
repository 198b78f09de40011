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

"""What devices said in one take, wherever it was kept, and the recording that it makes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.offset import estimate_offset
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import (
    KEYBOARD,
    METRIC,
    NEWEST,
    Channels,
    Landmarks,
    PianoKeys,
    Stream,
    Streams,
)
from kpm_ros.learn.importing.emg_truth import EmgRules, truth_of
from kpm_ros.learn.importing.sampled import Sampled
from kpm_ros.learn.recordings.recording import Recording, RecordingError, TimeSeries
from kpm_ros.sense.samples import (
    BODY,
    HAND,
    ChannelChunk,
    KeyEvent,
    KeyMotionChunk,
    LandmarkFrame,
)

EMG = "emg"
HAND_POINTS = "hand"
"""Stream of a hand in the keyboard's frame."""
GRID_HZ = 500
"""Of what the aligner makes of several streams: keys out of notes, hands out of views."""
CLOCK_JUMP_S = 1.0
"""A device's clock that moves by so much against the recorder's has been set."""
SURE = 0.5
"""A delay is believed with a confidence above this."""

Received = Sequence[tuple[Any, int]]


@dataclass
class Measured:
    """Samples of one take, each with its time of receipt."""

    frames: dict[str, list[tuple[LandmarkFrame, int]]] = field(default_factory=dict)
    """By view."""
    channels: dict[str, list[tuple[ChannelChunk, int]]] = field(default_factory=dict)
    """By stream."""
    keys: list[tuple[KeyEvent | KeyMotionChunk, int]] = field(default_factory=list)
    sampled: list[Sampled] = field(default_factory=list)
    """Other channels out of files, with a time for each sample."""
    registration: Registration | None = None
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TakeRules:
    """Who does what in a take, and how its samples become a recording."""

    name: str
    person: str
    task: str
    take: str = "1"
    session: str = ""
    notes: str = ""
    emg: EmgRules = field(default_factory=EmgRules)
    remove_delays: bool = False
    """Whether a view that is measured to be late is moved to where it belongs."""


class TakenRecording(NamedTuple):
    """A recording, when its time begins, and what was said of it."""

    recording: Recording
    start_ns: int
    """Of the recording's time, on the clock of the stamps."""
    said: tuple[str, ...]


def recording_of(measured: Measured, rules: TakeRules) -> TakenRecording:
    """Make a recording of what devices said; a ValueError says why there can be none."""
    said = list(measured.said)
    chunks = _of_one_clock(EMG, measured.channels.get(EMG, []), said)
    effort = truth_of([chunk for chunk, _ in chunks], rules.emg)
    said += effort.said
    start_ns = effort.start_ns
    views = {
        view: _of_one_clock(f"the view {view}", frames, said)
        for view, frames in measured.frames.items()
    }
    keys = _of_one_clock("the piano", measured.keys, said)
    delays = _delays(views, keys, said, rules.remove_delays)
    series = []
    for view, frames in views.items():
        seen = [frame for frame, _ in frames]
        shift_ns = round(delays.get(view, 0.0) * NS_PER_S) if rules.remove_delays else 0
        made = _view_series(view, seen, start_ns + shift_ns)
        if made is None:
            said.append(f"the view {view} has no frame that can be used")
        else:
            series.append(made)
    moved = {
        view: _moved(frames, delays[view]) if rules.remove_delays and view in delays else frames
        for view, frames in views.items()
    }
    series += _aligned_series(measured.registration, moved, keys, start_ns)
    for name, received in measured.channels.items():
        if name != EMG:
            series += _channel_series(name, _of_one_clock(name, received, said), start_ns)
    series += [_sampled_series(one, start_ns) for one in measured.sampled]
    if not series:
        raise RecordingError("nothing but EMG is in it: there is nothing to estimate effort from")
    ordered = sorted(series, key=lambda one: _ORDER[type(one.stream)])
    notes = "; ".join(filter(None, [rules.notes, *said]))
    return TakenRecording(
        Recording(
            rules.name,
            rules.person,
            rules.task,
            rules.take,
            tuple(ordered),
            effort.truth,
            notes,
            rules.session,
        ),
        start_ns,
        tuple(said),
    )


_ORDER: Mapping[type[Stream], int] = {Landmarks: 0, PianoKeys: 1, Channels: 2}


def _of_one_clock(what: str, received: Received, said: list[str]) -> list[tuple[Any, int]]:
    """Keep the longest stretch of samples whose clock goes with the recorder's."""
    if not received:
        return []
    ahead_s = np.array([(sample.stamp_ns - at_ns) / NS_PER_S for sample, at_ns in received])
    cuts = np.flatnonzero(np.abs(np.diff(ahead_s)) > CLOCK_JUMP_S) + 1
    if not len(cuts):
        return list(received)
    # Stretches that agree with each other are of one clock, even with another between them.
    near = np.abs(ahead_s[:, None] - np.array([np.median(p) for p in np.split(ahead_s, cuts)]))
    kept = near[:, int((near <= CLOCK_JUMP_S).sum(axis=0).argmax())] <= CLOCK_JUMP_S
    jump_s = float(ahead_s[cuts[0]] - ahead_s[cuts[0] - 1])
    at_s = (received[cuts[0]][1] - received[0][1]) / NS_PER_S
    said.append(
        f"the clock of {what} jumped by {jump_s:.1f} s after {at_s:.1f} s: {int((~kept).sum())} of "
        f"{len(kept)} of what came from it is left out"
    )
    return [pair for pair, keep in zip(received, kept, strict=True) if keep]


def _delays(
    views: Mapping[str, Received], keys: Received, said: list[str], removed: bool
) -> dict[str, float]:
    """Measure how much later views are than keys, from strikes; those that are sure."""
    events = [sample for sample, _ in keys if isinstance(sample, KeyEvent)]
    found: dict[str, float] = {}
    for view, frames in views.items():
        seen = [frame for frame, _ in frames if frame.skeleton == HAND]
        if not events or not seen:
            continue
        offset = estimate_offset(seen, events)
        if offset.confidence > SURE and offset.sees_strikes:
            found[view] = offset.offset_s
            done = "removed" if removed else "left as it is: --remove-delays removes it"
            said.append(
                f"the view {view} is {offset.offset_s * 1000:.0f} ms later than the keys "
                f"(confidence {offset.confidence:.2f}, {offset.onsets_used} strikes), {done}"
            )
        else:
            said.append(
                f"the delay of the view {view} against the keys cannot be told from "
                f"{offset.onsets_used} strikes (confidence {offset.confidence:.2f})"
            )
    return found


def _moved(frames: Received, by_s: float) -> list[tuple[Any, int]]:
    by_ns = round(by_s * NS_PER_S)
    return [(replace(frame, stamp_ns=frame.stamp_ns - by_ns), at_ns) for frame, at_ns in frames]


def _increasing(stamps_ns: NDArray[np.int64]) -> NDArray[np.bool_]:
    newest = np.maximum.accumulate(stamps_ns)
    return np.append(True, stamps_ns[1:] > newest[:-1])


def _usual_rate(stamps_ns: NDArray[np.int64]) -> float:
    """Frames a second as they usually come, in a round number."""
    rate_hz = NS_PER_S / float(np.median(np.diff(stamps_ns))) if len(stamps_ns) > 1 else 30.0
    return float(max(1, round(rate_hz)))


def _view_series(view: str, frames: Sequence[LandmarkFrame], start_ns: int) -> TimeSeries | None:
    """Make a stream of one view: a picture's points, or a body's in metres where those are told."""
    seen = [frame for frame in frames if frame.points is not None]
    if not seen:
        return None
    skeleton = find_skeleton(seen[0].skeleton)
    metric = skeleton.name == BODY and all(frame.metres is not None for frame in seen)
    stamps_ns = np.array([frame.stamp_ns for frame in frames], np.int64)
    kept = _increasing(stamps_ns)
    dimensions = 3 if metric else 2
    rows = np.full((len(frames), len(skeleton) * dimensions), np.nan, np.float32)
    for row, frame in zip(rows, frames, strict=True):
        points = frame.metres if metric else frame.points
        if points is not None and points.shape[0] == len(skeleton):
            row[:] = points[:, :dimensions].reshape(-1)
    rows[~np.isfinite(rows).all(axis=1)] = np.nan
    stream = Landmarks(
        view,
        skeleton,
        dimensions,
        METRIC if metric else "image",
        _usual_rate(stamps_ns[kept]),
    )
    known_ns = np.array([frame.processed_ns for frame in frames], np.int64)[kept]
    return TimeSeries(
        stream,
        rows[kept],
        stamps_s=(stamps_ns[kept] - start_ns) / NS_PER_S,
        known_s=(known_ns - start_ns) / NS_PER_S if known_ns.all() else None,
        measured="as the tracker gave them",
    )


def _channel_series(name: str, received: Received, start_ns: int) -> list[TimeSeries]:
    """Make a stream of other channels."""
    chunks = [chunk for chunk, _ in received]
    alike = [one for one in chunks if one.channels == chunks[0].channels and len(one.samples)]
    if not alike:
        return []
    first = alike[0]
    stamps_ns = np.concatenate(
        [
            one.stamp_ns
            + np.rint(np.arange(len(one.samples)) * (NS_PER_S / one.rate_hz)).astype(np.int64)
            for one in alike
        ]
    )
    values = np.concatenate([one.samples for one in alike]).astype(np.float32)
    unit = first.unit or "as sent"
    told = Sampled(name, first.channels, unit, first.rate_hz, stamps_ns, values)
    return [_sampled_series(told, start_ns)]


def _sampled_series(told: Sampled, start_ns: int) -> TimeSeries:
    """Make a stream of samples that each have a time; a row is known whole or not at all."""
    kept = _increasing(told.stamps_ns)
    values = told.samples[kept]
    values[~np.isfinite(values).all(axis=1)] = np.nan
    name = re.sub(r"\W", "_", told.name, flags=re.ASCII)
    name = name if name[:1].isalpha() else f"s_{name}"
    rate_hz = _usual_rate(told.stamps_ns[kept])
    return TimeSeries(
        Channels(name[:64], told.channels, told.unit, rate_hz),
        values,
        stamps_s=(told.stamps_ns[kept] - start_ns) / NS_PER_S,
        may_repeat=True,
    )


def _aligned_series(
    registration: Registration | None,
    views: Mapping[str, Received],
    keys: Received,
    start_ns: int,
) -> list[TimeSeries]:
    """Let the aligner make what only it can: keys' depth, and a hand out of registered cameras."""
    listed: list[Stream] = []
    seen = [frame for frames in views.values() for frame, _ in frames]
    hand = find_skeleton(HAND)
    if registration is not None and any(
        view in registration.cameras and frames[0][0].skeleton == HAND
        for view, frames in views.items()
        if frames
    ):
        listed.append(Landmarks(HAND_POINTS, hand, 3, KEYBOARD, float(GRID_HZ), timing=NEWEST))
    if keys:
        listed.append(PianoKeys(rate_hz=float(GRID_HZ)))
    if not listed:
        return []
    streams = Streams(tuple(listed))
    aligner = Aligner(
        AlignerConfig(streams=streams, rate_hz=GRID_HZ, hop_s=_LOOK_S, registration=registration)
    )
    received = [*keys]
    if any(isinstance(stream, Landmarks) for stream in listed):
        received += [pair for frames in views.values() for pair in frames]
    stamps, values, missing = [], [], []
    for chunk in align(aligner, received):
        stamps.append(aligner.grid.stamps_ns(chunk.grid_index, len(chunk.values)))
        values.append(chunk.values)
        missing.append(chunk.missing)
    if not stamps or not (seen or keys):
        return []
    stamps_s = (np.concatenate(stamps) - start_ns) / NS_PER_S
    rows, gone = np.concatenate(values), np.concatenate(missing)
    found = []
    for place, stream in enumerate(streams):
        own = rows[:, streams.columns[stream.name]].copy()
        own[(gone & (1 << place)) != 0] = np.nan
        found.append(
            TimeSeries(
                stream,
                own,
                stamps_s=stamps_s,
                may_repeat=True,
                measured="put on the grid as in the live pipeline",
            )
        )
    return found


_LOOK_S = 0.1


def align(aligner: Aligner, received: Received) -> Any:
    """Push samples in the order of their receipt, and take what is settled."""
    pushes: dict[type[Any], Callable[[Any, int], None]] = {
        LandmarkFrame: aligner.push_frame,
        KeyEvent: aligner.push_key_event,
        KeyMotionChunk: aligner.push_key_motion,
        ChannelChunk: aligner.push_channels,
    }
    look_ns: int | None = None
    step_ns = round(_LOOK_S * NS_PER_S)
    for sample, at_ns in sorted(received, key=lambda pair: pair[1]):
        look_ns = at_ns if look_ns is None else look_ns
        while look_ns + step_ns <= at_ns:
            look_ns += step_ns
            yield from aligner.advance(look_ns)
        pushes[type(sample)](sample, at_ns)
    if look_ns is not None:
        for _ in range(10):
            look_ns += step_ns
            yield from aligner.advance(look_ns)
