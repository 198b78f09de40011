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

"""Exercises with flights: parts in which the body only falls."""

from __future__ import annotations

from kpm_ros.simulate.exerciser.movements.exercise import STANDING, Exercise, both, key

JUMPS = (
    Exercise(
        "JumpingJack",
        (0.8, 1.25),
        (
            key(0.10, **both(lift=0.0, out=0.03)),
            key(0.16, **both(lift=0.035)),
            key(0.22, **both(lift=0.0, out=0.24)),
            key(0.30, height=-0.085, **both(side=150.0, elbow=24.0)),
            key(0.42, **both(side=158.0)),
            key(0.52, height=-0.085, **both(side=150.0)),
            key(0.60, **both(lift=0.0, out=0.24)),
            key(0.66, **both(lift=0.035)),
            key(0.72, **both(lift=0.0, out=0.03)),
        ),
        {**STANDING, "height": -0.045, **both(side=16.0, flex=8.0, out=0.03)},
        flights=((0.10, 0.22), (0.60, 0.72)),
        one_sided=False,
        pause_s=(0.0, 0.0),
        smooth_s=0.025,
        shift_s=0.1,
        repetitions=(5, 12),
    ),
    Exercise(
        "Running",
        (0.34, 0.50),
        (
            key(0.0, a_hip=0, a_knee=34, o_hip=14, o_knee=24, weight=0.5),
            key(0.07, o_air=0),
            key(
                0.50,
                a_air=1,
                a_hip=36,
                a_knee=80,
                a_ankle=4,
                o_hip=10,
                o_knee=25,
                a_flex=-28,
                o_flex=38,
                twist=8,
                turn=-4,
                list=3,
            ),
            key(0.93, o_air=0),
            key(1.0, a_hip=14, a_knee=24, o_hip=0, o_knee=34),
        ),
        {**STANDING, "height": -0.025, "lean": 6.0, **both(elbow=84.0, side=20.0, flex=6.0)},
        flights=((-0.07, 0.07),),
        one_sided=False,
        flows=True,
        pause_s=(0.0, 0.0),
        smooth_s=0.03,
        shift_s=0.03,
        repetitions=(16, 40),
    ),
)
