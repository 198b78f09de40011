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

"""Exercises in which one leg moves and the other carries the body."""

from __future__ import annotations

from kpm_ros.simulate.exerciser.movements.exercise import (
    GUARD,
    HANDS_ON_HIPS,
    STANDING,
    Exercise,
    both,
    key,
)

_PASSE = {"a_hip": 52.0, "a_knee": 104.0, "a_abduct": 26.0, "a_rotate": -20.0, "a_ankle": -25.0}
_ROUND = both(flex=58.0, side=22.0, elbow=66.0)
"""A leg and arms as in a pirouette: there and, on the same leg, back."""
KICKS = (
    Exercise(
        "FrontKick",
        (1.1, 2.2),
        (
            key(0.12, a_air=0, a_hip=0, a_knee=12),
            key(0.22, a_air=1),
            key(0.40, a_hip=78, a_knee=105, a_ankle=5, tilt=-8, turn=6),
            key(0.52, a_hip=84, a_knee=14, a_ankle=-15, tilt=-14, turn=12, lean=10, o_flex=20),
            key(0.64, a_hip=72, a_knee=100, a_ankle=0),
            key(0.82, a_air=1),
            key(0.92, a_air=0, a_hip=0, a_knee=12),
        ),
        GUARD,
    ),
    Exercise(
        "HighKick",
        (1.5, 2.8),
        (
            key(0.14, a_air=0, a_hip=-8, a_knee=12),
            key(0.24, a_air=1),
            key(0.52, a_hip=108, a_knee=12, a_ankle=10, tilt=-22, lean=14, o_flex=85, o_elbow=12),
            key(0.80, a_air=1),
            key(0.92, a_air=0, a_hip=-4, a_knee=12),
        ),
        STANDING,
    ),
    Exercise(
        "KneeKick",
        (0.9, 2.0),
        (
            key(0.10, a_air=0, a_hip=-6, a_knee=15, a_flex=95, o_flex=95),
            key(0.22, a_air=1),
            key(
                0.52,
                a_hip=106,
                a_knee=118,
                a_ankle=-10,
                tilt=-12,
                lean=18,
                a_flex=30,
                o_flex=32,
                a_elbow=100,
                o_elbow=100,
            ),
            key(0.82, a_air=1),
            key(0.93, a_air=0, a_hip=0, a_knee=15),
        ),
        {**GUARD, "a_flex": 70.0, "o_flex": 70.0, "a_elbow": 85.0, "o_elbow": 85.0},
    ),
    Exercise(
        "LegBack",
        (1.3, 3.0),
        (
            key(0.12, a_air=0, a_hip=0, a_knee=10),
            key(0.22, a_air=1),
            key(
                0.52,
                a_hip=-26,
                a_knee=24,
                a_ankle=-20,
                tilt=16,
                lean=8,
                o_flex=48,
                a_flex=34,
                o_elbow=24,
            ),
            key(0.80, a_air=1),
            key(0.92, a_air=0, a_hip=0, a_knee=10),
        ),
        STANDING,
        smooth_s=0.06,
    ),
    Exercise(
        "LegCross",
        (1.3, 2.8),
        (
            key(0.10, a_air=0, a_hip=2, a_knee=10, a_abduct=4),
            key(0.20, a_air=1),
            key(0.34, a_hip=18, a_knee=16, a_abduct=34, a_ankle=0, list=8, bend=-8),
            key(0.66, a_hip=34, a_knee=14, a_abduct=-24, a_rotate=-10, list=-4, bend=6, twist=-8),
            key(0.84, a_air=1),
            key(0.93, a_air=0, a_hip=2, a_knee=10, a_abduct=4),
        ),
        {**STANDING, "a_side": 38.0, "o_side": 38.0},
        smooth_s=0.06,
    ),
    Exercise(
        "RonddeJambe",
        (2.0, 4.2),
        (
            key(0.08, a_air=0, a_hip=2, a_knee=8, a_abduct=0),
            key(0.16, a_air=1),
            key(0.28, a_hip=36, a_knee=8, a_abduct=0, a_ankle=-32, a_rotate=-18, tilt=-5),
            key(0.50, a_hip=6, a_knee=8, a_abduct=42, a_ankle=-34, a_rotate=-24, list=8, bend=-6),
            key(0.74, a_hip=-22, a_knee=10, a_abduct=4, a_ankle=-34, a_rotate=-12, tilt=13),
            key(0.88, a_air=1),
            key(0.95, a_air=0, a_hip=0, a_knee=8, a_abduct=0),
        ),
        {**HANDS_ON_HIPS, "a_toe": 12.0, "o_toe": 12.0},
        smooth_s=0.075,
        pause_s=(0.1, 0.8),
    ),
    Exercise(
        "Pirouette",
        (3.4, 5.4),
        (
            key(0.05, height=-0.07, twist=-18, a_air=0, a_hip=4, a_knee=12, heading=0),
            key(0.12, height=0.0, a_air=1, **_ROUND),
            key(0.20, heading=30, **_PASSE),
            key(0.36, heading=330, **_PASSE),
            key(0.42, a_air=1, heading=360),
            key(0.49, a_air=0, a_hip=4, a_knee=12, heading=360),
            key(0.55, height=-0.07, twist=14, a_air=0, a_hip=4, a_knee=12, heading=360),
            key(0.62, height=0.0, a_air=1, heading=360, **_ROUND),
            key(0.70, heading=330, **_PASSE),
            key(0.84, heading=30, **_PASSE),
            key(0.90, a_air=1, heading=0),
            key(0.97, a_air=0, a_hip=4, a_knee=12, heading=0),
        ),
        {**STANDING, "a_side": 46.0, "o_side": 46.0, "a_elbow": 32.0, "o_elbow": 32.0},
        pause_s=(0.3, 1.2),
        repetitions=(2, 4),
    ),
)
