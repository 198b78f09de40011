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

"""The simulated pianist's hand in an exoskeleton: what muscles still do, and what becomes of notes.

Muscles give what the exoskeleton leaves of the torques that movement and keys ask for (`statics`).
That is so once somebody knows what the exoskeleton will do. What it does otherwise than expected
moves the finger, against the finger's own impedance, the key's bed and a reflex; and a delayed
reflex that the exoskeleton amplifies may go on for ever. Everything here is simulated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.anatomy.anatomical_pianist import anatomical_pianist
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.periodic import lag_and_lead, smooth_motion
from kpm_ros.simulate.anatomy.statics import CHANNELS, CUTOFF_HZ, AnatomicalMuscles
from kpm_ros.simulate.person import Person

Array = NDArray[np.float64]

RATE_HZ = 250.0
WORN = {
    "thumb_abduction": ("cmc_abduction_r", 1.0),
    "index_abduction": ("mcp2_abduction_r", 1.0),
    "middle_abduction": ("mcp3_abduction_r", 1.0),
    "ring_abduction": ("mcp4_abduction_r", -1.0),
    "little_abduction": ("mcp5_abduction_r", -1.0),
}
"""Joints of the exoskeleton, thumb to little finger; those of the hand that they lie over, which
turn towards the thumb, and whether they turn the same way."""


class Worked(NamedTuple):
    """What the muscles did in one pass."""

    effort: Array
    """(n, channels): of the muscles that the pipeline estimates."""
    all_effort: Array
    """(n, muscles): of every muscle of the hand."""


class AssistedHand:
    """One pianist who plays one score over and over, with or without an exoskeleton."""

    def __init__(self, person: Person, score: Score, seed: int = 1) -> None:
        """Learn the score."""
        body = Body(person)
        self.pianist = anatomical_pianist(score, seed, person)
        self.samples = round(self.pianist.period_s * RATE_HZ)
        """Of one pass."""
        self.rate_hz = self.samples / self.pianist.period_s
        self.times_s = np.arange(self.samples) / self.rate_hz
        self.force_n = self.pianist.force(self.times_s)
        """(n, fingers): on keys."""
        self.muscles = tuple(CHANNELS)
        self._person = person
        self._anatomy = AnatomicalMuscles(person, body)
        posture = self.pianist.posture(self.times_s)
        self._motion = smooth_motion(posture, self.rate_hz, CUTOFF_HZ, self.samples)
        names = self._anatomy.joint_names
        self._joints = [names.index(joint) for joint, _ in WORN.values()]
        self._way = np.array([way for _, way in WORN.values()])
        channels = self._anatomy.muscle_names
        self._channels = [channels.index(name) for name in CHANNELS.values()]
        self.alone = self.worked(np.zeros((self.samples, len(WORN))))
        """What the muscles do without it."""

    def worked(self, torque_nm: Array) -> Worked:
        """Give what muscles do who know that the exoskeleton gives this torque (n, joints)."""
        carried = np.zeros((self.samples, len(self._anatomy.joint_names)))
        carried[:, self._joints] = self._way * torque_nm
        steady = self._anatomy.steady(self._motion, self.force_n, carried)
        lag_s, lead_s = self._person.activation_time_s, self._person.electromechanical_delay_s
        found = np.clip(lag_and_lead(steady.activation, self.rate_hz, lag_s, lead_s), 0.0, 1.0)
        return Worked(found[:, self._channels], found)


@dataclass(frozen=True)
class Finger:
    """One finger about its knuckle; assumed, of the size that people's fingers were found to have.

    Its own stiffness is that of muscles that hold a key, not of a finger at rest. All torque counts
    as if it pushed along the key, also what spreads fingers: notes are no less off than that.
    """

    inertia_kg_m2: float = 4e-5
    damping_nm_s: float = 0.02
    stiffness_nm: float = 1.5
    length_m: float = 0.08
    key_bed_n_m: float = 4000.0
    """Stiffness of a key that is down."""
    reflex_nm: float = 1.0
    """Torque by which muscles answer a radian, after `reflex_delay_s`."""
    reflex_delay_s: float = 0.04
    muscle_s: float = 0.018
    """Time constant of each of two stages by which torque follows activation."""
    nm_per_effort: float = 1.0
    """Torque at full effort."""


class Assist(NamedTuple):
    """What an exoskeleton makes of effort, beside a deadband."""

    nm_per_effort: float
    delay_s: float
    smoothing_s: float


STEP_S = 0.001


def displaced(
    finger: Finger, unexpected_nm: Array, down: NDArray[np.bool_], assist: Assist
) -> Array:
    """Angle (n,) by which torque (n,) that nobody expected moves a finger, each millisecond.

    `down`: whether its key is down. Reflexes answer late, and what the exoskeleton makes of them
    comes later still.
    """
    n = len(unexpected_nm)
    angle, reflex = np.zeros(n), np.zeros(n)
    late, later = round(finger.reflex_delay_s / STEP_S), round(assist.delay_s / STEP_S)
    follow = 1 - np.exp(-STEP_S / finger.muscle_s)
    smooth = 1 - np.exp(-STEP_S / assist.smoothing_s) if assist.smoothing_s else 1.0
    bed = finger.key_bed_n_m * finger.length_m**2
    speed = place = first = second = smoothed = 0.0
    amplified = assist.nm_per_effort / finger.nm_per_effort
    for k in range(n):
        drive = -finger.reflex_nm * angle[k - late] if k >= late else 0.0
        first += follow * (drive - first)
        second += follow * (first - second)
        reflex[k] = drive
        smoothed += smooth * ((reflex[k - later] if k >= later else 0.0) - smoothed)
        stiffness = finger.stiffness_nm + (bed if down[k] else 0.0)
        push = unexpected_nm[k] + second + amplified * smoothed
        # Damping and stiffness by the speed after the step: a stiff key needs no smaller step.
        inertia = finger.inertia_kg_m2 + STEP_S * (finger.damping_nm_s + STEP_S * stiffness)
        speed = (finger.inertia_kg_m2 * speed + STEP_S * (push - stiffness * place)) / inertia
        place += STEP_S * speed
        angle[k] = place
    return angle


def oscillates(finger: Finger, assist: Assist, seconds: float = 3.0) -> bool:
    """Whether a push goes on for ever: the second half of what follows it is no smaller."""
    n = round(seconds / STEP_S)
    push = np.zeros(n)
    push[:20] = 0.1
    angle = np.abs(displaced(finger, push, np.zeros(n, np.bool_), assist))
    third = n // 3
    grows = angle[-third:].max() > 0.5 * angle[third:-third].max()
    return bool(grows or not np.isfinite(angle).all())


def stable_up_to(finger: Finger, assist: Assist, most: float = 64.0) -> float:
    """By how much the gain may be multiplied before a push goes on for ever; `most` if never."""
    low, high = 0.0, most
    if not oscillates(finger, assist._replace(nm_per_effort=assist.nm_per_effort * most)):
        return most
    while high - low > 0.02 * high:
        middle = (low + high) / 2
        if oscillates(finger, assist._replace(nm_per_effort=assist.nm_per_effort * middle)):
            high = middle
        else:
            low = middle
    return low
