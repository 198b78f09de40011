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

"""Exercises of arms and trunk, with both feet on the floor."""

from __future__ import annotations

from kpm_ros.simulate.exerciser.movements.exercise import (
    GUARD,
    STANDING,
    Exercise,
    both,
    key,
)

PUNCHES = (
    Exercise(
        "FrontPunch",
        (0.6, 1.5),
        (
            key(0.14, twist=-6, a_flex=32),
            key(
                0.44,
                a_flex=86,
                a_side=4,
                a_spin=30,
                a_elbow=12,
                a_pronate=78,
                twist=22,
                turn=12,
                weight=0.6,
                lean=9,
            ),
            key(0.54, a_flex=84, a_elbow=14),
        ),
        GUARD,
        smooth_s=0.03,
        pause_s=(0.0, 0.6),
    ),
    Exercise(
        "HookPunch",
        (0.7, 1.6),
        (
            key(0.20, twist=-18, turn=-8, a_side=52, a_flex=8, weight=0.6),
            key(
                0.48,
                a_side=72,
                a_flex=52,
                a_spin=42,
                a_elbow=88,
                a_pronate=60,
                twist=34,
                turn=22,
                weight=0.42,
                a_heel=14,
            ),
            key(0.62, a_side=62, a_flex=56),
        ),
        GUARD,
        smooth_s=0.032,
        pause_s=(0.0, 0.6),
    ),
    Exercise(
        "ElbowPunch",
        (0.7, 1.6),
        (
            key(0.16, twist=-12, a_side=34),
            key(
                0.46,
                a_side=62,
                a_flex=66,
                a_spin=36,
                a_elbow=132,
                twist=36,
                turn=20,
                weight=0.58,
                a_heel=10,
            ),
            key(0.58, a_side=58, a_flex=66),
        ),
        GUARD,
        smooth_s=0.032,
        pause_s=(0.0, 0.6),
    ),
    Exercise(
        "Twist",
        (1.2, 2.8),
        (key(0.5, twist=42, turn=16, a_heel=8, weight=0.55),),
        {**STANDING, **both(flex=22.0, side=58.0, spin=30.0, elbow=98.0, out=0.08)},
        pause_s=(0.0, 0.2),
        smooth_s=0.06,
    ),
    Exercise(
        "Woodchop",
        (1.4, 3.0),
        (
            key(
                0.26,
                a_flex=122,
                a_side=38,
                o_flex=118,
                o_side=-18,
                twist=-26,
                turn=-10,
                lean=-4,
                height=0.0,
                weight=0.66,
                **both(elbow=26.0),
            ),
            key(
                0.60,
                a_flex=44,
                a_side=-16,
                o_flex=30,
                o_side=18,
                twist=34,
                turn=13,
                lean=26,
                tilt=18,
                height=-0.17,
                weight=0.36,
                **both(elbow=16.0),
            ),
        ),
        {**STANDING, **both(flex=42.0, side=4.0, spin=16.0, elbow=38.0, out=0.14, toe=10.0)},
    ),
    Exercise(
        "Batting",
        (1.5, 2.8),
        (
            key(
                0.30,
                a_flex=44,
                a_side=66,
                a_elbow=122,
                a_spin=10,
                o_flex=84,
                o_side=-26,
                o_elbow=66,
                twist=-34,
                turn=-14,
                weight=0.74,
            ),
            key(
                0.54,
                a_flex=74,
                a_side=12,
                a_elbow=30,
                o_flex=72,
                o_side=26,
                o_elbow=26,
                twist=16,
                turn=10,
                weight=0.40,
                a_heel=18,
            ),
            key(
                0.70,
                a_flex=88,
                a_side=-20,
                a_elbow=70,
                o_flex=62,
                o_side=62,
                o_elbow=104,
                twist=40,
                turn=20,
                weight=0.34,
                a_heel=26,
            ),
        ),
        {
            **STANDING,
            **both(flex=46.0, side=18.0, spin=20.0, elbow=84.0, out=0.16),
            "height": -0.05,
        },
        smooth_s=0.035,
        pause_s=(0.2, 1.0),
    ),
)
