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

"""What a data set of simulated exercisers is asked to be; everything in it follows from this."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from kpm_ros import __version__
from kpm_ros.core.settings import check_number
from kpm_ros.simulate.exerciser.body_camera import drawn_camera
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.movements import ALL, RELEASED, find_exercise
from kpm_ros.simulate.exerciser.take import Take, record
from kpm_ros.simulate.release import files, release_layout
from kpm_ros.simulate.release.folder import begin, calibration
from kpm_ros.simulate.release.release_layout import PerformanceName
from kpm_ros.simulate.release.request import Performance, person_seed, take_seed
from kpm_ros.simulate.release.truth import as_npz

GENERATOR = 3
"""Goes up whenever the same request gives other data, if only in the last digit.

From 1 to 2: what the model lacks carries part of the moments that turn the hip inwards and out.
"""
DEFAULT_SEED = 2
"""Another one than the shipped models' data had, whose people are no test for them."""
SHORTEST_TAKE_S, LONGEST_TAKE_S = 9, 60
"""Exercises need time for a repetition; a take is worked out whole."""
USUAL_TAKE_S = 24.0
MOST_PERSONS, MOST_TAKES, MOST_HOURS = 10_000, 10_000, 1000.0
RELEASED_NAMES = tuple(each.name for each in RELEASED)
USUALLY_HELD_OUT = ("HookPunch", "LegBack", "SideLunges")
"""One of the arms, one of a leg that is lifted, one of both legs."""
NOTICE = (
    "SIMULATED: bodies, movements and muscle signals of this data set were computed, not recorded. "
    "They say nothing about people."
)
TAKES_FOLDER = "takes"


@dataclass(frozen=True)
class ExerciserRequest:
    """The arguments of a data set of exercisers."""

    persons: int
    exercises: tuple[str, ...] = RELEASED_NAMES
    takes: int = 1
    seconds: int = 24
    """Length of every take."""
    seed: int = DEFAULT_SEED
    held_out_people: tuple[int, ...] = ()
    held_out_exercises: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        check_number("persons", self.persons, least=1, most=MOST_PERSONS, whole=True)
        check_number("takes", self.takes, least=1, most=MOST_TAKES, whole=True)
        check_number("seed", self.seed, least=0, most=2**63 - 1, whole=True)
        if not self.exercises:
            raise ValueError("there is no exercise: name at least one")
        for name in self.exercises:
            find_exercise(name)
        if len(set(self.exercises)) < len(self.exercises):
            raise ValueError(f"an exercise is named twice: {', '.join(self.exercises)}")
        for name in self.held_out_exercises:
            if name not in self.exercises:
                raise ValueError(
                    f"the exercise {name} cannot be held out: there are {', '.join(self.exercises)}"
                )
        if len(self.held_out_exercises) == len(self.exercises):
            raise ValueError("all exercises are held out: none would be left to train on")
        if not SHORTEST_TAKE_S <= self.seconds <= LONGEST_TAKE_S:
            raise ValueError(
                f"a take would last {self.seconds} s, but may last {SHORTEST_TAKE_S} to "
                f"{LONGEST_TAKE_S} s: ask for other hours, persons, exercises or takes"
            )

    @property
    def held_out_tasks(self) -> tuple[int, ...]:
        """Numbers of the exercises that are met only in the tests."""
        return tuple(self.exercises.index(name) + 1 for name in self.held_out_exercises)

    @property
    def hours(self) -> float:
        """Length of everything together."""
        return self.persons * len(self.exercises) * self.takes * self.seconds / 3600

    def person(self, number: int) -> ExercisingPerson:
        """One person, whatever else was asked for."""
        return ExercisingPerson.from_seed(person_seed(self.seed, number))

    def exercise(self, name: PerformanceName) -> str:
        """Name the exercise of a take."""
        return self.exercises[name.task - 1]

    def performances(self) -> Iterator[Performance]:
        """List all takes, person by person."""
        for person in range(1, self.persons + 1):
            for number, exercise in enumerate(self.exercises, 1):
                for take in range(1, self.takes + 1):
                    # Whatever else was asked for: the same take of the same exercise.
                    task = sum(ord(letter) << 7 * k for k, letter in enumerate(exercise))
                    seed = take_seed(self.seed, task % 2**31, person, take)
                    name = PerformanceName(number, person, str(take))
                    yield Performance(name, self.seconds, seed)

    def as_json(self) -> dict[str, Any]:
        """Write down everything that the data follow from."""
        return {
            "persons": self.persons,
            "exercises": list(self.exercises),
            "takes": self.takes,
            "seconds_per_take": self.seconds,
            "seed": self.seed,
            "held_out_persons": list(self.held_out_people),
            "held_out_exercises": list(self.held_out_exercises),
        }

    def manifest(self) -> dict[str, Any]:
        """Say what the data set is, and who its people are."""
        numbers = range(1, self.persons + 1)
        content = {
            "notice": NOTICE,
            "simulated": True,
            "description": (
                f"{self.persons} exercisers, {len(self.exercises)} exercises, {self.takes} takes "
                f"of {self.seconds} s, seed {self.seed}, generator {GENERATOR}"
            ),
            "generator": GENERATOR,
            "made_with": f"kpm_ros {__version__}",
            "request": self.as_json(),
            "persons": {f"p{number}": asdict(self.person(number)) for number in numbers},
        }
        # Tuples become lists, as they will be when the file is read again.
        return dict(json.loads(json.dumps(content)))

    def known_person(self, number: int) -> str:
        """As what a person is known in every data set."""
        return f"SIMULATED exerciser {person_seed(self.seed, number)}"

    @staticmethod
    def known_exercise(name: str) -> str:
        """As what an exercise is known in every data set."""
        return f"SIMULATED exercise {name}"


def chosen_exercises(words: Sequence[str]) -> tuple[str, ...]:
    """Name exercises, each once; "released" and "all" stand for several."""
    several = {"released": RELEASED_NAMES, "all": tuple(each.name for each in ALL)}
    named = [name for word in words for name in several.get(word, (word,))]
    return tuple(dict.fromkeys(named))


def plan_exercisers(
    *,
    persons: int,
    hours: float,
    exercises: tuple[str, ...] = RELEASED_NAMES,
    takes: int | None = None,
    held_out_persons: int | None = None,
    held_out_exercises: tuple[str, ...] | None = None,
    seed: int = DEFAULT_SEED,
) -> ExerciserRequest:
    """Share out hours among takes, and hold out a fifth of the people and some exercises."""
    check_number("hours", hours, above=0, most=MOST_HOURS)
    check_number("persons", persons, least=1, most=MOST_PERSONS, whole=True)
    each_s = hours * 3600 / (persons * max(len(exercises), 1))
    takes = max(1, round(each_s / USUAL_TAKE_S)) if takes is None else takes
    check_number("takes", takes, least=1, most=MOST_TAKES, whole=True)
    if held_out_persons is None:
        held_out_persons = max(1, round(persons / 5)) if persons > 1 else 0
    check_number(
        "the number of held-out persons", held_out_persons, least=0, most=persons - 1, whole=True
    )
    if held_out_exercises is None:
        usual = tuple(name for name in USUALLY_HELD_OUT if name in exercises)
        held_out_exercises = usual if len(usual) < len(exercises) else ()
    return ExerciserRequest(
        persons,
        exercises,
        takes,
        round(each_s / takes),
        seed,
        tuple(range(persons - held_out_persons + 1, persons + 1)),
        held_out_exercises,
    )


@dataclass(frozen=True)
class Exercisers:
    """How such a request is met: takes first, which a writer puts into a layout afterwards."""

    request: ExerciserRequest

    def open(self, root: Path) -> None:
        """Make the folder ready, or go on in one that was begun alike."""
        begin(root, self.request.manifest(), ("generator", "persons"), {})

    def parts(self) -> list[Performance]:
        """List all takes."""
        return list(self.request.performances())

    def make(self, part: Performance, root: Path) -> bool:
        """Simulate a take, unless its file is there.

        Matrix products are left to one thread, as they add up in another order with several.
        """
        record_name = f"{release_layout.CHECKS_FOLDER}/{part.stem}.json"
        if files.is_finished(root, record_name):
            return False
        person = self.request.person(part.name.pianist)
        with threadpool_limits(1):
            take = record(
                self.request.exercise(part.name),
                person,
                drawn_camera(part.seed),
                part.seed,
                float(part.seconds),
                _figure(person),
            )
        content = {f"{TAKES_FOLDER}/{part.stem}.npz": as_npz(take_arrays(take))}
        files.write_set(root, content, record_name)
        return True

    def finish(self, root: Path) -> None:
        """Nothing is left to be done."""


def take_arrays(take: Take) -> dict[str, Any]:
    """Give a take's arrays by their names."""
    import numpy as np

    return {name: np.asarray(value) for name, value in take._asdict().items()}


def camera_of(part: Performance) -> dict[str, Any]:
    """Intrinsics and extrinsics of a take's camera."""
    return calibration(drawn_camera(part.seed))


@lru_cache(maxsize=2)
def _figure(person: ExercisingPerson) -> Figure:
    """Keep the body of whoever exercises at the moment: making one takes a second."""
    return Figure(person)
