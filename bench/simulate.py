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

"""How fast the simulated pianist with real anatomy is, and how much its muscles leave undone.

Speed: whole performances, from score to files, by one process with one thread, in seconds of music
for each second of CPU. Residual torque: what the muscles leave over of all that the joints need,
summed over joints and instants, in passages of each task.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from _report import bench_options, machine, print_table, write_report
from threadpoolctl import threadpool_limits

from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.statics import AnatomicalMuscles
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release.performance import make, score_of
from kpm_ros.simulate.release.request import Performance, Request
from kpm_ros.simulate.tasks import TASKS

PACKAGES = ("numpy", "scipy", "numba", "mujoco", "myo-sim")
SEED = 91
RATE_HZ = 250
WARM_UP_S = 2


def music_per_cpu_second(seconds: int) -> list[float]:
    """Make one take of each task; seconds of music for each second of CPU."""
    request = Request(1, len(TASKS), 1, seconds, SEED)
    factors = []
    with tempfile.TemporaryDirectory() as folder:
        for performance in request.performances():
            began_s = time.process_time()
            make(request, performance, Path(folder))
            factors.append(seconds / (time.process_time() - began_s))
    return factors


def residual_fraction(performance: Performance, request: Request) -> float:
    """Residual torque of one take, as a fraction of all torque."""
    person = Person.from_seed(request.person_seed(performance.name.pianist))
    pianist = make_pianist(score_of(request, performance), performance.seed, person, "anatomical")
    count = round(pianist.period_s * RATE_HZ)
    times = np.arange(count) * (pianist.period_s / count)
    muscles = AnatomicalMuscles(person, Body(person))
    found = muscles.all_activations(
        pianist.posture(times), pianist.force(times), count / pianist.period_s
    )
    return float(np.abs(found.residual).sum() / np.abs(found.torque).sum())


def main() -> None:
    """Run and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--seconds", type=int, default=60, help="length of each performance")
    arguments = parser.parse_args()
    here = machine()
    with threadpool_limits(1):
        music_per_cpu_second(WARM_UP_S)
        speeds = music_per_cpu_second(arguments.seconds)
        request = Request(1, len(TASKS), 1, arguments.seconds, SEED)
        residuals = [residual_fraction(one, request) for one in request.performances()]
    print_table(
        f"Simulated performances of {arguments.seconds} s, anatomical body, one core",
        ["task", "times real time", "residual torque"],
        [
            [task.name, speed, residual]
            for task, speed, residual in zip(TASKS, speeds, residuals, strict=True)
        ],
    )
    figures = {
        "realtime_factor": len(speeds) / sum(1 / speed for speed in speeds),
        "realtime_factor_lowest": min(speeds),
        "residual_torque_fraction": float(np.mean(residuals)),
        "residual_torque_fraction_highest": max(residuals),
    }
    write_report(arguments.out, figures, here, PACKAGES)


if __name__ == "__main__":
    main()
