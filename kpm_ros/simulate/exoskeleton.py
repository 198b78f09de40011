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
That is so once somebody knows what the exoskeleton will do; what it does otherwise than expected
moves the finger (`worn_joint`). Everything here is simulated.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.anatomy.anatomical_pianist import anatomical_pianist
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.periodic import lag_and_lead, smooth_motion
from kpm_ros.simulate.anatomy.statics import CHANNELS, CUTOFF_HZ, AnatomicalMuscles
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.worn_joint import Assist, WornJoint, displaced
from kpm_ros.simulate.worn_kernels import STEP_S

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


FINGER = WornJoint(
    inertia_kg_m2=4e-5,
    damping_nm_s=0.02,
    stiffness_nm=1.5,
    reflex_nm=1.0,
    reflex_delay_s=0.04,
    nm_per_effort=1.0,
)
"""One finger about its knuckle; assumed, of the size that people's fingers were found to have.

All torque counts as if it pushed along the key, also what spreads fingers: notes are no less off
than that.
"""
LENGTH_M = 0.08
"""From the knuckle to the key."""
KEY_BED_N_M = 4000.0
"""Stiffness of a key that is down."""
KEY_DIP_M = 0.01


class Worked(NamedTuple):
    """What the muscles did in one pass."""

    effort: Array
    """(n, channels): of the muscles that the pipeline estimates."""
    all_effort: Array
    """(n, muscles): of every muscle that the simulation has."""


class Missed(NamedTuple):
    """By how much one note, or one movement, came out otherwise than it was meant."""

    shift_ms: float
    """Earlier or later."""
    change: float
    """Of its force, or its height, as a share; not a number where it has none."""


class Assisted(Protocol):
    """Somebody who does the same over and over, with or without an exoskeleton."""

    muscles: tuple[str, ...]
    """Those of which effort is told."""
    all_muscles: tuple[str, ...]
    samples: int
    """Of one pass."""
    rate_hz: float
    joint: WornJoint
    """As it answers what was not expected."""
    alone: Worked
    """What the muscles do without it."""

    def worked(self, torque_nm: Array) -> Worked:
        """Give what muscles do who know that the exoskeleton gives this torque (n, joints)."""
        ...

    def missed(self, unexpected_nm: Array, assist: Assist) -> list[Missed]:
        """Tell how what is done comes out, with torque (n, joints) that nobody expected."""
        ...


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
        self.joint = FINGER
        self._person = person
        self._anatomy = AnatomicalMuscles(person, body)
        posture = self.pianist.posture(self.times_s)
        self._motion = smooth_motion(posture, self.rate_hz, CUTOFF_HZ, self.samples)
        names = self._anatomy.joint_names
        self._joints = [names.index(joint) for joint, _ in WORN.values()]
        self._way = np.array([way for _, way in WORN.values()])
        self.all_muscles = self._anatomy.muscle_names
        self._channels = [self.all_muscles.index(name) for name in CHANNELS.values()]
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

    def missed(self, unexpected_nm: Array, assist: Assist) -> list[Missed]:
        """Tell how each note comes out, with torque (n, joints) that nobody expected."""
        strokes = self.pianist.plan.strokes
        fine = np.arange(0, self.pianist.period_s, STEP_S)
        found = []
        for f in range(len(WORN)):
            mine = np.flatnonzero(strokes.finger == f)
            if not len(mine):
                continue
            held = [(fine >= strokes.onset_s[k]) & (fine < strokes.release_s[k]) for k in mine]
            bed_nm = np.any(held, axis=0) * KEY_BED_N_M * LENGTH_M**2
            push = np.interp(fine, self.times_s, unexpected_nm[:, f])
            angle = displaced(FINGER, push, bed_nm, assist)
            force = np.interp(fine, self.times_s, self.force_n[:, f])
            for note, down in zip(mine, held, strict=True):
                half_way = (strokes.press_s[note] + strokes.onset_s[note]) / 2
                way = angle[np.searchsorted(fine, half_way) % len(fine)] * LENGTH_M
                speed = 1.875 * KEY_DIP_M / (strokes.onset_s[note] - strokes.press_s[note])
                change = float("nan")
                if down.any():
                    more = KEY_BED_N_M * LENGTH_M * angle[down].mean()
                    change = abs(more) / force[down].mean()
                found.append(Missed(abs(way) / speed * 1000, change))
        return found
