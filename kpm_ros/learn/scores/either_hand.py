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

"""How much worse a model of a right hand is for the left one: simulated people, both hands alike.

Everything here is SIMULATED. A left hand is the exact mirror image of a right one, but cameras
stand where they stand: what is left is what they see of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hands import Mirror, streams_of
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.learn.scores.metrics import rmse
from kpm_ros.models.missing_senses import blank, blind
from kpm_ros.models.trained import Trained
from kpm_ros.simulate.left_hand import LeftHanded
from kpm_ros.simulate.pianist import Performer, Pianist
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.rooms import Room


class Played(NamedTuple):
    """Somebody who plays with the right hand in a room, and the seed of all that is measured."""

    pianist: Pianist
    room: Room
    seed: int
    seconds: int
    exactly: bool = False
    """Whether it is known without error where the cameras stand."""


class Estimated(NamedTuple):
    """Effort of a performance, and where it is valid."""

    effort: NDArray[np.float32]
    valid: NDArray[np.bool_]


def estimate_hand(model: Trained, performer: Performer, played: Played, hand: str) -> Estimated:
    """Estimate the effort of one hand by a model of the right one, as the live pipeline would."""
    card = model.card
    seen = align_performance(
        performer,
        played.room,
        streams_of(card.streams, hand),
        float(played.seconds),
        seed=played.seed,
        rate_hz=card.rate_hz,
        registration=played.room.registration(with_error=not played.exactly),
    )
    values = seen.values if hand == RIGHT else Mirror(card.streams)(seen.values)
    effort = model.estimate(blank(values, seen.missing, card))
    return Estimated(effort, ~blind(seen.missing, card))


def errors_of_hands(model: Trained, played: Played) -> dict[str, float]:
    """Root mean square error of a pianist's right hand, and of the same as a left one."""
    if model.card.rate_hz != SAMPLE_RATE_HZ:
        raise ValueError(
            f"the model {model.card.name} runs at {model.card.rate_hz} Hz, but simulated effort is "
            f"told at {SAMPLE_RATE_HZ} Hz"
        )
    truth = effort_samples(played.pianist, played.seed, played.seconds)
    performers: dict[str, Performer] = {
        RIGHT: played.pianist,
        LEFT: LeftHanded(played.pianist),
    }
    found = {hand: estimate_hand(model, one, played, hand) for hand, one in performers.items()}
    valid = found[RIGHT].valid & found[LEFT].valid
    return {hand: rmse(truth[valid], one.effort[valid]) for hand, one in found.items()}


def ratio_left_hand(model: Trained, performances: Iterable[Played]) -> float:
    """Error of left hands over that of right ones: means over performances, the same of both.

    To be fair to both, rooms should be drawn with all of both hands' part of the keyboard in sight
    (`RoomRange(part=BOTH_PARTS)`).
    """
    errors = [errors_of_hands(model, played) for played in performances]
    mean = {hand: float(np.mean([one[hand] for one in errors])) for hand in (RIGHT, LEFT)}
    return mean[LEFT] / mean[RIGHT]
