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

"""Muscle activation from posture and key force, by static optimisation on the musculoskeletal hand.

The muscles answer for the joints of fingers, thumb and wrist. They do not for the forearm's turning
(`pro_sup`): biceps and supinator, which do half of that, belong to the upper arm and are not in the
model. What is left over is carried by residual torques, each of which costs as much as
`RESIDUAL_PRICE` muscles at full activation where it reaches its joint's reference torque.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.corrections import ABDUCTOR
from kpm_ros.simulate.anatomy.optimum_kernels import solve
from kpm_ros.simulate.anatomy.periodic import SmoothMotion, lag_and_lead, resampled, smooth_motion
from kpm_ros.simulate.anatomy.torques import UP, Demand, Mechanics
from kpm_ros.simulate.movement_plan import FULL_FORCE_N
from kpm_ros.simulate.person import Person

Array = NDArray[np.float64]

CHANNELS = dict(
    zip(MUSCLES, ("UI_UB5_r", ABDUCTOR, "RI2_r", "RI3_r", "UI_UB3_r", "UI_UB4_r"), strict=True)
)
"""The model's muscle behind each published channel."""
NOT_ANSWERED_FOR = ("pro_sup_r",)
LAST_JOINTS = {f"md{f}_flexion_r": f"pm{f}_flexion_r" for f in "2345"}
"""Fingertip joints and the joints whose movement they share."""
LAST_BEND = 2 / 3
"""How far a fingertip's joint goes along with the one before it."""
RATE_HZ = 250.0
"""Most instants a second that are optimised; what lies between is interpolated."""
CUTOFF_HZ = 20.0
"""Joint angles hold nothing above this when they are differentiated."""
RESIDUAL_PRICE = 50.0
_REFERENCE_N_M = {"deviation_r": 2.0, "flexion_r": 2.0}
_FINGER_REFERENCE_N_M = 0.3
_BATCH = 2048
_STIFFENING = 0.5
QUIET_N = 50.0
"""Muscles stronger than this co-contract with the force of one that is just so strong: otherwise
the finger flexors, four times as strong as the extensors, would make a fist."""
TONE = 0.25
"""No muscle is quieter than this share of its co-contraction."""


class Activations(NamedTuple):
    """What the muscles do, instant by instant."""

    activation: Array
    """(n, muscles), in 0..1"""
    torque: Array
    """(n, joints answered for): what was asked for, in newton metres."""
    residual: Array
    """(n, joints answered for): what the muscles left over of it."""


class AnatomicalMuscles:
    """The muscles of one person's anatomical hand."""

    names: tuple[str, ...] = MUSCLES

    def __init__(self, person: Person, body: Body) -> None:
        """Move this person's hand."""
        self._person = person
        self.mechanics = Mechanics(body)
        self.muscle_names = body.muscle_names
        linked = LAST_JOINTS if body.corrections.linked_fingertips else {}
        self.joint_names = tuple(
            n for n in body.joint_names if n not in NOT_ANSWERED_FOR and n not in linked
        )
        self._joints = [body.joint_names.index(name) for name in self.joint_names]
        self._links = [
            (self.joint_names.index(first), body.joint_names.index(last))
            for last, first in linked.items()
        ]
        shares = dict(zip(CHANNELS.values(), person.muscle_share, strict=True))
        self._share = np.array([shares.get(name, 1.0) for name in self.muscle_names])
        self._weight = np.square(1.0 / self._share)
        reference = [_REFERENCE_N_M.get(name, _FINGER_REFERENCE_N_M) for name in self.joint_names]
        self._quiet = np.minimum(1.0, QUIET_N / self.mechanics.strength)
        self._slack = np.square(reference) / RESIDUAL_PRICE

    def activation(self, posture: Array, force: Array, rate_hz: float) -> Array:
        """Activation of the published channels: (n, 6), ahead of the movement it makes."""
        found = self.all_activations(posture, force, rate_hz).activation
        out = np.zeros((len(posture), len(self.names)))
        for column, muscle in enumerate(CHANNELS.values()):
            if muscle in self.muscle_names:
                out[:, column] = found[:, self.muscle_names.index(muscle)]
        return out

    def all_activations(self, posture: Array, force: Array, rate_hz: float) -> Activations:
        """Activation of every muscle in `muscle_names`, and how well torques were met.

        The movement is one pass, which is repeated endlessly.
        """
        count = max(1, round(len(posture) * min(1.0, RATE_HZ / rate_hz)))
        motion = smooth_motion(posture, rate_hz, CUTOFF_HZ, count)
        steady = self.steady(motion, resampled(force, count))
        rate = rate_hz * count / len(posture)
        found = np.clip(resampled(self._followed(steady, rate), len(posture)), 0.0, 1.0)
        return Activations(
            found, resampled(steady.torque, len(posture)), resampled(steady.residual, len(posture))
        )

    def of_stretch(
        self,
        posture: Array,
        force: Array,
        rate_hz: float,
        turn: Array | None = None,
        cutoff_hz: float = CUTOFF_HZ,
    ) -> Activations:
        """Do the same for a movement that begins and ends, at its own instants.

        `turn` (n, 3, 3) tells how the forearm is turned from where `Body` holds it; that it turns
        counts as gravity's direction, and the quickness of its turning does not.
        """
        count, up = len(posture), UP
        # Forth and back again, it is an endless pass without a jump.
        endless = smooth_motion(_there_and_back(posture), rate_hz, cutoff_hz, 2 * count)
        motion = SmoothMotion(*(track[:count] for track in endless))
        if turn is not None:
            # What is up, and how the wrist is moved, as axes that turn with the forearm have it.
            up, moved = turn[:, 2], motion.acceleration[:, :PLACE]
            motion.acceleration[:, :PLACE] = np.einsum("nji,nj->ni", turn, moved)
        steady = self.steady(motion, force, up=up)
        both_ways = steady._replace(activation=_there_and_back(steady.activation))
        followed = self._followed(both_ways, rate_hz)[:count]
        return steady._replace(activation=np.clip(followed, 0.0, 1.0))

    def _followed(self, steady: Activations, rate_hz: float) -> Array:
        """Follow what is wanted as muscles do, ahead of the movement that they make."""
        person = self._person
        return lag_and_lead(
            steady.activation, rate_hz, person.activation_time_s, person.electromechanical_delay_s
        )

    def steady(
        self,
        motion: SmoothMotion,
        force: Array,
        carried: Array | None = None,
        up: Array = UP,
    ) -> Activations:
        """Optimise each instant by itself: what the muscles would have to do right then.

        `carried`: torque (n, joints answered for) that something worn gives in their place; `up`:
        what is up, as `Mechanics.demand` takes it.
        """
        count = len(force)
        activation = np.empty((count, len(self.muscle_names)))
        torque, residual = (np.empty((count, len(self._joints))) for _ in range(2))
        price = np.zeros(len(self._joints))
        for start in range(0, count, _BATCH):
            part = slice(start, start + _BATCH)
            demand = self.mechanics.demand(
                SmoothMotion(*(track[part] for track in motion)),
                force[part],
                up if len(up) == 1 else up[part],
            )
            torque[part], arms = self._answered(demand)
            if carried is not None:
                torque[part] -= carried[part]
            rest = self.rest(force[part])
            activation[part], residual[part] = solve(
                arms, torque[part], rest, rest * TONE, self._weight, self._slack, price
            )
        return Activations(activation, torque, residual)

    def _answered(self, demand: Demand) -> tuple[Array, Array]:
        """Torques and arms of the joints answered for, with those of joints linked to them.

        A muscle with a share of 1.2 takes 1.2 times the activation for the same force, and no less
        of the work: its arms are smaller by that, and its activation counts less.
        """
        torque = demand.torque[:, self._joints]
        arms = demand.arms[:, self._joints] / self._share
        for first, last in self._links:
            torque[:, first] += LAST_BEND * demand.torque[:, last]
            arms[:, first] += LAST_BEND * demand.arms[:, last]
        return torque, arms

    def still(self, posture: Array, force: Array) -> Activations:
        """Optimise postures that are held: nothing moves."""
        zero = np.zeros_like(posture)
        return self.steady(SmoothMotion(posture, zero, zero), force)

    def rest(self, force: Array) -> Array:
        """Each muscle's co-contraction: whoever works hard stiffens the whole hand a little."""
        stiffness = 1.0 + _STIFFENING * force.sum(axis=1, keepdims=True) / FULL_FORCE_N
        return np.asarray(np.minimum(self._person.cocontraction * stiffness, 0.5) * self._quiet)


def _there_and_back(signal: Array) -> Array:
    return np.concatenate([signal, signal[::-1]])
