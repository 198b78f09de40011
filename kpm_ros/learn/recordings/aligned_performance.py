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

"""What the live pipeline would have handed to a model of a simulated performance in a room.

What devices deliver goes through the very aligner, at the times at which it would have come.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig, AlignRules
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.core.settings import declared, make_settings
from kpm_ros.core.streams import Streams
from kpm_ros.core.subjects import subject_of
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.rooms import Room
from kpm_ros.simulate.session import SimulatedSession

_PUSHES: Mapping[type[Any], Callable[[Aligner, Any, int], object]] = {
    LandmarkFrame: Aligner.push_frame,
    KeyEvent: Aligner.push_key_event,
    KeyMotionChunk: Aligner.push_key_motion,
    ChannelChunk: Aligner.push_channels,
}
_LOOK_S = 0.1
"""How often the aligner is asked; what comes out does not depend on it."""
_LATEST_S = 1.0
"""How much later than its instant the last sample may come."""


def live_rules(streams: Streams) -> AlignRules:
    """Give the rules for late data that the pipeline has for whomever the streams show."""
    subject, known = subject_of(streams), declared(AlignRules)
    told = subject.parameters.get("synchronizer", {}) if subject else {}
    own = {name: value for name, value in told.items() if name in known}
    return make_settings("synchronizer", AlignRules, own)


def push_delivered(aligner: Aligner, session: SimulatedSession, now_ns: int) -> None:
    """Hand to an aligner all that devices deliver up to a time and have not yet."""
    for delivery in session.advance(now_ns):
        _PUSHES[type(delivery.sample)](aligner, delivery.sample, delivery.deliver_ns)


class AlignedPerformance(NamedTuple):
    """A performance on the grid, from its first sample on: a row for each, whatever was known."""

    values: NDArray[np.float32]
    """(n, columns) of the streams; as the streams say where nothing is known."""
    missing: NDArray[np.uint32]
    """(n,): bit k says that nothing is known of stream k."""
    flags: NDArray[FlagBits]


def align_performance(
    pianist: Performer,
    room: Room,
    streams: Streams,
    seconds: float,
    *,
    seed: int,
    rate_hz: int,
    registration: Registration | None = None,
    key_motion: bool = True,
) -> AlignedPerformance:
    """Let someone play in a room, and align what its devices deliver, from the beginning on.

    Where no registration is given, it is the room's own, with its errors.
    """
    session = SimulatedSession(
        pianist, room.cameras, 0, seed, emg=False, key_motion=key_motion, errors=room.errors
    )
    aligner = Aligner(
        AlignerConfig(
            streams=streams,
            rate_hz=rate_hz,
            registration=registration or room.registration(),
            **{**vars(live_rules(streams)), "hop_s": _LOOK_S},
        )
    )
    count = round(seconds * rate_hz)
    values = np.tile(streams.missing_row, (count, 1))
    missing = np.full(count, (1 << len(streams)) - 1, np.uint32)
    flags = np.zeros(count, FlagBits)
    now_ns, last_ns = 0, round((seconds + _LATEST_S) * NS_PER_S)
    while now_ns <= last_ns:
        now_ns += round(_LOOK_S * NS_PER_S)
        push_delivered(aligner, session, now_ns)
        for chunk in aligner.advance(now_ns):
            rows = slice(chunk.grid_index, min(chunk.grid_index + len(chunk.values), count))
            length = max(0, rows.stop - rows.start)
            values[rows] = chunk.values[:length]
            missing[rows], flags[rows] = chunk.missing[:length], chunk.flags[:length]
    return AlignedPerformance(values, missing, flags)
