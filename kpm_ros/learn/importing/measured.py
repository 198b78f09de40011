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

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from kpm_ros.align.offset import estimate_offset
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import Channels, Landmarks, PianoKeys, Stream
from kpm_ros.learn.importing.aligned_series import aligned_series
from kpm_ros.learn.importing.emg_truth import EmgRules, truth_of
from kpm_ros.learn.importing.one_clock import Received, of_one_clock
from kpm_ros.learn.importing.sampled import Sampled
from kpm_ros.learn.importing.stream_series import channel_series, sampled_series, view_series
from kpm_ros.learn.recordings.recording import Recording, RecordingError
from kpm_ros.sense.samples import (
    HAND,
    ChannelChunk,
    KeyEvent,
    KeyMotionChunk,
    LandmarkFrame,
)

EMG = "emg"
SURE = 0.5
"""A delay is believed with a confidence above this."""


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
    chunks = of_one_clock(EMG, measured.channels.get(EMG, []), said)
    effort = truth_of([chunk for chunk, _ in chunks], rules.emg)
    said += effort.said
    start_ns = effort.start_ns
    views = {
        view: of_one_clock(f"the view {view}", frames, said)
        for view, frames in measured.frames.items()
    }
    keys = of_one_clock("the piano", measured.keys, said)
    delays = _delays(views, keys, said, rules.remove_delays)
    cameras = measured.registration.places if measured.registration else {}
    series = []
    for view, frames in views.items():
        seen = [frame for frame, _ in frames]
        shift_ns = round(delays.get(view, 0.0) * NS_PER_S) if rules.remove_delays else 0
        made = view_series(view, seen, start_ns + shift_ns, cameras.get(view))
        if made is None:
            said.append(f"the view {view} has no frame that can be used")
        else:
            series.append(made)
    moved = {
        view: _moved(frames, delays[view]) if rules.remove_delays and view in delays else frames
        for view, frames in views.items()
    }
    series += aligned_series(measured.registration, moved, keys, start_ns)
    for name, received in measured.channels.items():
        if name != EMG:
            series += channel_series(name, of_one_clock(name, received, said), start_ns)
    series += [sampled_series(one, start_ns) for one in measured.sampled]
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
