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

"""Exercises in which feet are set elsewhere, or the whole body goes down and up."""

from __future__ import annotations

from kpm_ros.simulate.exerciser.movements.exercise import (
    GUARD,
    STANDING,
    Exercise,
    both,
    key,
)

STEPS = (
    Exercise(
        "Squat",
        (1.8, 4.0),
        (
            key(0.06, height=0.0),
            key(0.46, height=-0.40, tilt=24, lean=14, **both(flex=82.0, side=12.0, elbow=12.0)),
            key(0.56, height=-0.40),
        ),
        {**STANDING, **both(out=0.10, toe=10.0)},
        smooth_s=0.08,
    ),
    Exercise(
        "SideLunges",
        (1.8, 3.4),
        (
            key(0.10, a_lift=0, a_out=0.02),
            key(0.20, a_lift=0.09),
            key(0.32, a_lift=0, a_out=0.40, weight=0.55, height=-0.10),
            key(
                0.52,
                weight=0.86,
                height=-0.26,
                tilt=20,
                lean=16,
                a_out=0.40,
                bend=-4,
                **both(flex=52.0, side=16.0, elbow=78.0),
            ),
            key(0.72, a_lift=0, a_out=0.40, weight=0.40, height=-0.12),
            key(0.83, a_lift=0.08),
            key(0.94, a_lift=0, a_out=0.02),
        ),
        STANDING,
        shift_s=0.22,
    ),
    Exercise(
        "SlowSkater",
        (1.6, 3.2),
        (
            key(0.08, a_lift=0, a_out=0.04),
            key(0.16, a_lift=0.06),
            key(0.26, a_lift=0, a_out=0.34, o_air=0, o_hip=0, o_knee=25, weight=0.6),
            key(0.36, o_air=0, o_hip=-6, o_abduct=8, weight=0.97, height=-0.10),
            key(0.50, o_air=1),
            key(
                0.56,
                o_hip=-12,
                o_abduct=-16,
                o_knee=62,
                height=-0.15,
                tilt=20,
                lean=18,
                twist=-14,
                o_flex=54,
                o_side=-8,
                a_flex=-34,
                a_side=24,
                a_out=0.34,
            ),
            key(0.64, o_air=1),
            key(0.78, o_air=0, o_hip=-6, o_abduct=8, o_knee=25, weight=0.6),
            key(0.83, a_lift=0, a_out=0.34),
            key(0.90, a_lift=0.05, weight=0.1),
            key(0.97, a_lift=0, a_out=0.04, weight=0.5),
        ),
        {**STANDING, "height": -0.05, "lean": 10.0, **both(elbow=52.0, out=0.04)},
        shift_s=0.18,
        smooth_s=0.04,
    ),
    Exercise(
        "Shuffle",
        (2.4, 4.2),
        (
            key(0.03, a_lift=0, a_out=0.08),
            key(0.07, a_lift=0.05),
            key(0.11, a_lift=0, a_out=0.36),
            key(0.14, o_lift=0, o_out=0.08),
            key(0.185, o_lift=0.05),
            key(0.23, o_lift=0, o_out=-0.20),
            key(0.26, a_lift=0, a_out=0.36),
            key(0.30, a_lift=0.05),
            key(0.34, a_lift=0, a_out=0.64),
            key(0.37, o_lift=0, o_out=-0.20),
            key(0.415, o_lift=0.05),
            key(0.46, o_lift=0, o_out=-0.48),
            key(0.53, o_lift=0, o_out=-0.48),
            key(0.57, o_lift=0.05),
            key(0.61, o_lift=0, o_out=-0.20),
            key(0.64, a_lift=0, a_out=0.64),
            key(0.685, a_lift=0.05),
            key(0.73, a_lift=0, a_out=0.36),
            key(0.76, o_lift=0, o_out=-0.20),
            key(0.80, o_lift=0.05),
            key(0.84, o_lift=0, o_out=0.08),
            key(0.87, a_lift=0, a_out=0.36),
            key(0.915, a_lift=0.05),
            key(0.96, a_lift=0, a_out=0.08),
        ),
        {**GUARD, "height": -0.13, "tilt": 14.0, "lean": 12.0, **both(out=0.08)},
        shift_s=0.12,
        smooth_s=0.025,
        one_sided=False,
        pause_s=(0.0, 0.2),
        repetitions=(2, 5),
    ),
    Exercise(
        "Bowling",
        (2.2, 3.8),
        (
            key(0.14, a_flex=30, o_lift=0, o_step=0.0),
            key(0.24, o_lift=0.07),
            key(0.36, o_lift=0, o_step=0.40, a_flex=-46, a_side=24, weight=0.5, a_heel=10),
            key(
                0.54,
                weight=0.24,
                height=-0.25,
                tilt=26,
                lean=24,
                a_flex=36,
                a_side=22,
                a_heel=36,
                o_side=40,
                o_step=0.40,
            ),
            key(0.66, a_flex=92, a_elbow=40, twist=12, height=-0.20, a_heel=36),
            key(0.76, o_lift=0, o_step=0.40, height=-0.08, weight=0.62, a_heel=4),
            key(0.85, o_lift=0.06),
            key(0.95, o_lift=0, o_step=0.0),
        ),
        STANDING,
        shift_s=0.20,
        pause_s=(0.2, 1.2),
    ),
    Exercise(
        "BallThrow",
        (1.6, 3.0),
        (
            key(0.10, o_lift=0, o_step=0.0),
            key(0.22, o_lift=0.07, a_flex=10, a_side=70, a_elbow=96, a_spin=-45, twist=-24),
            key(0.36, o_lift=0, o_step=0.34, a_flex=4, a_side=88, a_spin=-62, weight=0.60),
            key(
                0.52,
                a_flex=72,
                a_side=48,
                a_spin=-10,
                a_elbow=42,
                twist=22,
                turn=16,
                weight=0.30,
                lean=14,
                a_heel=20,
                o_step=0.34,
            ),
            key(
                0.62, a_flex=58, a_side=-14, a_elbow=20, a_spin=30, twist=34, lean=24, height=-0.08
            ),
            key(0.78, o_lift=0, o_step=0.34, weight=0.62, a_heel=4),
            key(0.87, o_lift=0.06),
            key(0.96, o_lift=0, o_step=0.0),
        ),
        {**STANDING, "height": -0.03, **both(flex=26.0, elbow=60.0)},
        shift_s=0.20,
        smooth_s=0.035,
        pause_s=(0.2, 1.2),
    ),
)
