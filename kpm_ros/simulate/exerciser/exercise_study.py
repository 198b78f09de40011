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

"""Measures what exercises take: what each muscle does, and what is left over.

`python -m kpm_ros.simulate.exerciser.exercise_study` prints the table of docs/exerciser.md. All of
it is SIMULATED.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from kpm_ros.simulate.exerciser.exercise_performance import perform
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.mechanics import LIMBS
from kpm_ros.simulate.exerciser.movements import ALL
from kpm_ros.simulate.exerciser.take import exertion_of

_PEOPLE = (1, 2, 3)
_SECONDS = 10.0


class ExerciseStudy(NamedTuple):
    """What one exercise takes, over several people."""

    muscles: tuple[float, ...]
    """Mean activation of each surface muscle, left and right together."""
    residual_force: float
    """Root mean square force that nothing gives, over body weight."""
    residual_moment_n_m: float
    unmet: float
    """Part of the limbs' moments, root mean square, that muscles could not give."""


def study(exercise: str, people: Sequence[ExercisingPerson], seconds: float) -> ExerciseStudy:
    """Have people do an exercise and see what it takes."""
    columns = [column for limb in LIMBS for column in limb.columns]
    kinds = [name[1:] for name in SURFACE_MUSCLES]
    rows = []
    for seed, person in enumerate(people):
        figure = Figure(person)
        found = exertion_of(figure, perform(exercise, person, seed, seconds, figure))
        mean = found.surface.mean(axis=0)
        force = np.sqrt(np.square(found.residual[:, :3]).sum(axis=1).mean())
        moment = np.sqrt(np.square(found.residual[:, 3:]).sum(axis=1).mean())
        asked = np.sqrt(np.square(found.moment[:, columns]).mean())
        left = np.sqrt(np.square(found.unmet[:, columns]).mean())
        both = [
            np.mean([mean[k] for k, kind in enumerate(kinds) if kind == name]) for name in KINDS
        ]
        rows.append([*both, force / person.weight_n, moment, left / asked])
    *muscles, force, moment, unmet = np.mean(rows, axis=0)
    return ExerciseStudy(tuple(float(v) for v in muscles), force, moment, unmet)


KINDS = tuple(dict.fromkeys(name[1:] for name in SURFACE_MUSCLES))
"""Surface muscles, the side left out."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=_SECONDS, help="length of each take")
    seconds = parser.parse_args().seconds
    people = [ExercisingPerson.from_seed(seed) for seed in _PEOPLE]
    began = time.process_time()
    print(f"SIMULATED: {len(people)} people, {seconds:g} s of each exercise.\n")
    print(f"| exercise | {' | '.join(KINDS)} | force | moment, N m | unmet |")
    print("|---" * (len(KINDS) + 4) + "|")
    for exercise in ALL:
        found = study(exercise.name, people, seconds)
        shown = " | ".join(f"{value:.2f}" for value in found.muscles)
        print(
            f"| {exercise.name} | {shown} | {found.residual_force:.3f} | "
            f"{found.residual_moment_n_m:.0f} | {found.unmet:.2f} |"
        )
    took = time.process_time() - began
    print(f"\n{len(ALL) * len(people) * seconds / took:.0f} times real time on one core")


if __name__ == "__main__":
    main()
