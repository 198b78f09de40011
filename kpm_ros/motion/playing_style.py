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

"""How people hold their hands at the keys, learnt from movements of them.

The size of the hands, how the wrist is held, how much fingers are bent and how high they are lifted
make a `Person`. An average person plays the same notes, and what is different in the mean is that
person's; twice, as one thing changes another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.motion.generation import perform
from kpm_ros.motion.hand_kinematics import HandKinematics, average_body
from kpm_ros.motion.scores.keys_pressed import fingertips
from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.person import Person

LEARNT_FROM_S = 20.0
"""Of each example, from its beginning."""
_ROUNDS = 2
_BENT = ("pm2_flexion_r", "pm3_flexion_r", "pm4_flexion_r", "pm5_flexion_r")
_BEND_A_CURVATURE_RAD = 0.12
"""By how much a finger is more bent at a curvature of 1."""


class Example(NamedTuple):
    """Somebody's movement and the notes that it plays."""

    motion: HandMotion
    voices: Sequence[Score]


class _Means(NamedTuple):
    """What a movement is like on average."""

    size: float
    deviation_rad: float
    flexion_rad: float
    bend_rad: float
    tip_height_m: float


def playing_style(examples: Sequence[Example]) -> Person:
    """Find the person who plays most like the people of some examples did on average."""
    if not examples:
        raise MotionError("there is no movement to learn from: give at least one")
    wanted = _mean([_means(_beginning(one.motion)) for one in examples])
    person = replace(Person(), hand_size=round(wanted.size, 4))
    for _ in range(_ROUNDS):
        ours = _mean([_means(_played(one, person)) for one in examples])
        person = replace(
            person,
            wrist_deviation_rad=person.wrist_deviation_rad
            - (wanted.deviation_rad - ours.deviation_rad),
            wrist_extension_rad=person.wrist_extension_rad
            - (wanted.flexion_rad - ours.flexion_rad),
            curvature=float(
                np.clip(
                    person.curvature + (wanted.bend_rad - ours.bend_rad) / _BEND_A_CURVATURE_RAD,
                    -1.0,
                    1.0,
                )
            ),
            lift_m=float(
                np.clip(
                    person.lift_m * wanted.tip_height_m / max(ours.tip_height_m, 1e-4), 0.004, 0.025
                )
            ),
        )
    return person


def _beginning(motion: HandMotion) -> HandMotion:
    return motion.cut(motion.start_s, min(LEARNT_FROM_S, motion.start_s + motion.duration_s))


def _played(example: Example, person: Person) -> HandMotion:
    """The same notes, played by somebody."""
    voices = [
        Score.of([n for n in voice.notes if n.onset_s < LEARNT_FROM_S], (), voice.name)
        for voice in example.voices
    ]
    whole = perform(voices, person).motion(example.motion.rate_hz)
    begun = _beginning(example.motion)
    return whole.cut(begun.start_s, begun.start_s + begun.duration_s)


def _means(motion: HandMotion) -> _Means:
    """Both hands together."""
    names = average_body().joint_names
    joints, sizes = [], []
    for side, hand in motion.hands.items():
        if hand.joints is None or hand.landmarks is None:
            raise MotionError(
                f"the {side} hand of {motion.title or 'a movement'} has no joint angles and "
                "landmarks, which style is learnt from: see motion.posing"
            )
        joints.append(hand.joints[hand.visible])
        sizes.append(HandKinematics.measured(hand.landmarks[hand.visible].astype(np.float64)).size)
    angle = dict(zip(names, np.nanmean(np.concatenate(joints), axis=0), strict=True))
    heights = fingertips(motion)[..., 2]
    return _Means(
        float(np.mean(sizes)),
        float(angle["deviation_r"]),
        float(angle["flexion_r"]),
        float(np.mean([angle[name] for name in _BENT])),
        float(np.nanmean(heights)),
    )


def _mean(many: Sequence[_Means]) -> _Means:
    return _Means(*(float(np.mean(column)) for column in zip(*many, strict=True)))
