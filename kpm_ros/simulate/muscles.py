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

"""The muscles: how hard six small hand muscles work for what the hand is doing.

`MuscleModel` is what the rest of the simulator asks. `PlainMuscles` is a stated rule, not a
physiological model: each muscle works for what anatomy says it does (a dorsal interosseous moves
its finger away from the middle finger's line and bends its knuckle, the two abductors spread little
finger and thumb), in proportion to key force, spread and knuckle flexion, and saturates softly.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.simulate.hand import FINGER_POINTS, HandModel
from kpm_ros.simulate.movement_plan import FULL_FORCE_N
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.products import mixed


class MuscleModel(Protocol):
    """Muscles of a right hand."""

    names: tuple[str, ...]
    """Those that electrodes are on."""
    deep: tuple[str, ...]
    """Further ones, which no electrode sees."""

    def activation(
        self, posture: NDArray[np.float64], force: NDArray[np.float64], rate_hz: float
    ) -> NDArray[np.float64]:
        """Activation that makes one endlessly repeated pass of a performance, in 0..1.

        (n, muscles): those in `names`, then those in `deep`. `posture` is (n, d), as the hand that
        these muscles belong to gives it; `force` is (n, fingers), in newtons. Both are sampled
        evenly at `rate_hz`.
        """


#                 thumb  index middle ring  little
_FORCE = np.array(
    [
        [0.00, 0.00, 0.00, 0.12, 0.80],
        [0.75, 0.10, 0.00, 0.00, 0.00],
        [0.15, 0.80, 0.00, 0.00, 0.00],
        [0.00, 0.12, 0.60, 0.00, 0.00],
        [0.00, 0.00, 0.55, 0.12, 0.00],
        [0.00, 0.00, 0.00, 0.75, 0.12],
    ]
)
"""Drive of each muscle (rows, in the order of MUSCLES) per finger's share of the fullest force."""

_OWN_FINGER = np.array([4, 0, 1, 2, 2, 3])
_SPREAD_SIDE = np.array([1.0, -1.0, -1.0, -1.0, 1.0, 1.0])
"""Which way each muscle moves its finger: 1 = towards the little finger's side."""
_SPREAD_PER_RAD = np.array([0.75, 0.80, 0.70, 0.60, 0.60, 0.70])
_FLEXION_PER_RAD = np.array([0.10, 0.0, 0.12, 0.10, 0.10, 0.12])
_SPREAD_NEUTRAL_RAD = np.array([0.20, -0.24, -0.02, 0.0, 0.0, 0.05])
"""Angle of each muscle's finger, towards the little finger's side, at which nothing is spread."""
_SATURATION = 1.1
_BATCH = 4096


class PlainMuscles:
    """Effort by a plain rule from key force, spread and knuckle flexion."""

    names: tuple[str, ...] = MUSCLES
    deep: tuple[str, ...] = ()

    def __init__(self, person: Person, hand: HandModel) -> None:
        """Move this person's hand."""
        self._person = person
        self._hand = hand
        self._share = np.asarray(person.muscle_share) / person.strength

    def activation(
        self, posture: NDArray[np.float64], force: NDArray[np.float64], rate_hz: float
    ) -> NDArray[np.float64]:
        """Effort by the rule, followed by the muscle and moved ahead of the movement."""
        effort = np.empty((len(force), len(self.names)))
        for start in range(0, len(force), _BATCH):
            part = slice(start, start + _BATCH)
            effort[part] = self._effort(self._hand.landmarks(posture[part]), force[part])
        return self._follow(effort, rate_hz)

    def _effort(
        self, landmarks: NDArray[np.float64], force_n: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Effort that each posture and force takes, in 0..1: (n, muscles)."""
        force = force_n / FULL_FORCE_N
        knuckle, middle, _, tip = np.array(FINGER_POINTS)[_OWN_FINGER].T
        finger = landmarks[:, tip] - landmarks[:, knuckle]
        spread = np.arctan2(finger[..., 0], finger[..., 1]) - _SPREAD_NEUTRAL_RAD
        bone = landmarks[:, middle] - landmarks[:, knuckle]
        flexion = np.arctan2(-bone[..., 2], np.hypot(bone[..., 0], bone[..., 1]))
        drive = (
            mixed(force, _FORCE.T)
            + _SPREAD_PER_RAD * np.maximum(spread * _SPREAD_SIDE, 0.0)
            + _FLEXION_PER_RAD * np.maximum(flexion, 0.0)
        )
        # Whoever works hard stiffens the whole hand a little.
        stiffness = 1.0 + 0.5 * force.sum(axis=1, keepdims=True)
        whole = drive * self._share + self._person.cocontraction * stiffness
        return np.asarray(1.0 - np.exp(-_SATURATION * whole))

    def _follow(self, effort: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
        """Two equal first-order stages, less their delay, less the electromechanical one.

        One pass is repeated endlessly, so both are exact on its Fourier series.
        """
        lag_s = self._person.activation_time_s
        ahead_s = self._person.electromechanical_delay_s + 2 * lag_s
        turn = 2j * np.pi * np.fft.rfftfreq(len(effort), 1 / rate_hz)[:, None]
        response = np.exp(turn * ahead_s) / (1 + turn * lag_s) ** 2
        moved = np.fft.irfft(np.fft.rfft(effort, axis=0) * response, n=len(effort), axis=0)
        return np.clip(moved, 0.0, 1.0)
