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

"""What an estimator makes of a movement: seen by cameras and aligned, a left hand mirrored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.core.hands import check_pictures, sides_of, streams_of
from kpm_ros.core.sides import BOTH, LEFT, RIGHT
from kpm_ros.estimate.two_hands import PartsOfHands
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.models.trained import Trained
from kpm_ros.motion.foresight import HandEffort
from kpm_ros.motion.shown_motion import Pace, ShownMotion
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.rooms import Room, published_room

PART_S = 30.0
"""What is estimated at once, which bounds memory."""
LEAD_S = 1.5
"""What is played before each part, so that the network remembers it."""
_SEED = 1

Progress = Callable[[float], None]


def estimated_effort(
    model: Trained,
    motion: HandMotion,
    score: Score,
    progress: Progress = lambda seconds: None,
) -> list[HandEffort]:
    """Estimate each hand's effort as the live graph would, before the simulator's two cameras.

    `progress` is told how many seconds more of the movement are done.
    """
    sides = [side for side in (RIGHT, LEFT) if side in motion.hands]
    hand = BOTH if len(sides) == 2 else sides[0]
    room = published_room(_SEED)
    check_pictures(model.card.streams, hand, room.registration())
    made: dict[str, list[NDArray[np.float32]]] = {side: [] for side in sides}
    end_s = motion.start_s + motion.duration_s
    for start_s, stop_s in _parts(motion.start_s, end_s):
        begin_s = max(motion.start_s, start_s - LEAD_S)
        pace = Pace(begin_s, min(end_s, stop_s + LEAD_S))
        part = _estimate(model, hand, ShownMotion(motion, score, pace), room)
        rate_hz = model.card.rate_hz
        first, last = round((start_s - begin_s) * rate_hz), round((stop_s - begin_s) * rate_hz)
        for side, effort in part.items():
            made[side].append(effort[first:last])
        progress(stop_s - start_s)
    joined = {side: np.concatenate(parts).astype(np.float64) for side, parts in made.items()}
    return [
        HandEffort(
            side,
            model.card.name,
            model.card.muscles,
            motion.start_s + np.arange(len(effort)) / model.card.rate_hz,
            effort,
        )
        for side, effort in joined.items()
    ]


def _estimate(
    model: Trained, hand: str, shown: ShownMotion, room: Room
) -> Mapping[str, NDArray[np.float32]]:
    streams = model.card.streams
    seen = align_performance(
        shown,
        room,
        streams_of(streams, hand),
        shown.pace.period_s,
        seed=_SEED,
        rate_hz=model.card.rate_hz,
    )
    parts = PartsOfHands(streams, hand)
    return {
        side: model.estimate(parts.rows(seen.values, seen.missing, place)[0])
        for place, side in enumerate(sides_of(hand))
    }


def _parts(start_s: float, end_s: float) -> Iterator[tuple[float, float]]:
    count = max(1, round((end_s - start_s) / PART_S))
    edges = np.linspace(start_s, end_s, count + 1).tolist()
    yield from pairwise(edges)
