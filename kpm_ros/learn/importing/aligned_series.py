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

"""What only the aligner can make of a recording: keys' depth, and a hand out of several cameras."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, NEWEST, Landmarks, PianoKeys, Stream, Streams
from kpm_ros.learn.importing.one_clock import Received
from kpm_ros.learn.recordings.recording import TimeSeries
from kpm_ros.sense.samples import HAND, ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame

HAND_POINTS = "hand"
"""Stream of a hand in the keyboard's frame."""
GRID_HZ = 500
"""Of what the aligner makes of several streams: keys out of notes, hands out of views."""
_LOOK_S = 0.1


def aligned_series(
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


def align(aligner: Aligner, received: Received) -> Iterator[AlignedChunk]:
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
