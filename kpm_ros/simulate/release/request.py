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

"""What a simulated data set is asked to be; everything in it follows from this."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpm_ros.core.settings import check_choice, check_number
from kpm_ros.sense.midi.score import read_midi
from kpm_ros.simulate.bodies import BODIES
from kpm_ros.simulate.release.release_layout import PerformanceName
from kpm_ros.simulate.tasks import TASKS

SHORTEST_TAKE_S, LONGEST_TAKE_S = 2, 1800
USUAL_TAKE_S = 60.0
"""About how long a take is where nothing else is said."""
MOST_PIANISTS, MOST_TAKES, MOST_HOURS = 10_000, 10_000, 1000.0
DEFAULT_SEED = 2
"""Another one than the shipped models' data had, whose people are no test for them."""
_PERSON, _TAKE, _ROOM = 1, 2, 3


class Performance(NamedTuple):
    """One take of one task by one pianist."""

    name: PerformanceName
    seconds: int
    seed: int

    @property
    def stem(self) -> str:
        """Its files' name without their ending."""
        return str(self.name)


@dataclass(frozen=True)
class Request:
    """The arguments of a data set."""

    pianists: int
    tasks: int
    takes: int
    seconds: int
    """Length of every take."""
    seed: int = DEFAULT_SEED
    body: str = "anatomical"
    held_out_pianists: tuple[int, ...] = ()
    held_out_tasks: tuple[int, ...] = ()
    midi: tuple[Path, ...] = ()
    """Further tasks, numbered after the last built-in one."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated."""
        check_number("pianists", self.pianists, least=1, most=MOST_PIANISTS, whole=True)
        check_number("tasks", self.tasks, least=0 if self.midi else 1, most=len(TASKS), whole=True)
        check_number("takes", self.takes, least=1, most=MOST_TAKES, whole=True)
        check_number("seed", self.seed, least=0, most=2**63 - 1, whole=True)
        check_choice("body", self.body, BODIES)
        _known("pianist", self.held_out_pianists, range(1, self.pianists + 1))
        _known("task", self.held_out_tasks, self.task_numbers)
        if len(self.held_out_tasks) == len(self.task_numbers):
            raise ValueError("all tasks are held out: none would be left to train on")
        if len(self.held_out_pianists) == self.pianists:
            raise ValueError("all pianists are held out: none would be left to train on")
        if self.seconds < SHORTEST_TAKE_S:
            raise ValueError(
                f"a take would last {self.seconds} s, but needs at least {SHORTEST_TAKE_S} s: ask "
                "for more hours, or for fewer pianists, tasks or takes"
            )
        if self.seconds > LONGEST_TAKE_S:
            raise ValueError(
                f"a take would last {self.seconds} s, but may last {LONGEST_TAKE_S} s at most: ask "
                "for more takes"
            )

    @property
    def task_numbers(self) -> tuple[int, ...]:
        """Built-in tasks from 1 on, then one for each MIDI file."""
        files = range(len(TASKS) + 1, len(TASKS) + 1 + len(self.midi))
        return (*range(1, self.tasks + 1), *files)

    def midi_of(self, task: int) -> Path:
        """Give the file of a task that is not built in."""
        return self.midi[task - len(TASKS) - 1]

    @property
    def held_out_people(self) -> tuple[int, ...]:
        """Pianists who are met only in the tests."""
        return self.held_out_pianists

    def person_seed(self, pianist: int) -> int:
        """Seed of one pianist's hand, manner, electrodes and cameras."""
        return person_seed(self.seed, pianist)

    def performances(self) -> Iterator[Performance]:
        """List all takes, task by task."""
        for task in self.task_numbers:
            for pianist in range(1, self.pianists + 1):
                for take in range(1, self.takes + 1):
                    yield Performance(
                        PerformanceName(task, pianist, str(take)),
                        self.seconds,
                        take_seed(self.seed, task, pianist, take),
                    )

    @property
    def hours(self) -> float:
        """Length of everything together."""
        return self.pianists * len(self.task_numbers) * self.takes * self.seconds / 3600

    def as_json(self) -> dict[str, Any]:
        """Write down everything that the data follow from; MIDI files by name and content."""
        return {
            "pianists": self.pianists,
            "tasks": self.tasks,
            "takes": self.takes,
            "seconds_per_take": self.seconds,
            "seed": self.seed,
            "body": self.body,
            "held_out_pianists": list(self.held_out_pianists),
            "held_out_tasks": list(self.held_out_tasks),
            "midi": [
                {"name": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
                for path in self.midi
            ],
        }


def plan_request(
    *,
    pianists: int,
    tasks: int,
    hours: float,
    takes: int | None = None,
    held_out_pianists: int | None = None,
    held_out_tasks: tuple[int, ...] | None = None,
    seed: int = DEFAULT_SEED,
    body: str = "anatomical",
    midi: tuple[Path, ...] = (),
) -> Request:
    """Share out hours among takes, and hold out a fifth of the pianists and some tasks.

    A MIDI file that cannot be played is refused here, before anything is written.
    """
    check_number("hours", hours, above=0, most=MOST_HOURS)
    check_number("pianists", pianists, least=1, most=MOST_PIANISTS, whole=True)
    check_number("tasks", tasks, least=0 if midi else 1, most=len(TASKS), whole=True)
    for path in midi:
        read_midi(path)
    each_s = hours * 3600 / (pianists * (tasks + len(midi)))
    takes = max(1, round(each_s / USUAL_TAKE_S)) if takes is None else takes
    check_number("takes", takes, least=1, most=MOST_TAKES, whole=True)
    if held_out_pianists is None:
        held_out_pianists = max(1, round(pianists / 5)) if pianists > 1 else 0
    check_number(
        "the number of held-out pianists", held_out_pianists, least=0, most=pianists - 1, whole=True
    )
    unseen = _usual_held_out_tasks(tasks) if held_out_tasks is None else held_out_tasks
    return Request(
        pianists,
        tasks,
        takes,
        round(each_s / takes),
        seed,
        body,
        tuple(range(pianists - held_out_pianists + 1, pianists + 1)),
        tuple(sorted(set(unseen))),
        midi,
    )


def _usual_held_out_tasks(tasks: int) -> tuple[int, ...]:
    """The last task, and where there are many also the one whose reach is like no other's."""
    if tasks <= 1:
        return ()
    return (5, tasks) if tasks > 5 else (tasks,)


def person_seed(seed: int, pianist: int) -> int:
    """Seed of one pianist of a data set, whatever else was asked for."""
    return _derived(seed, _PERSON, pianist)


def take_seed(seed: int, task: int, pianist: int, take: int) -> int:
    """Seed of one take of a data set, whatever else was asked for."""
    return _derived(seed, _TAKE, task, pianist, take)


def room_seed(take: int, room: int) -> int:
    """Seed of one of the rooms that a take is seen in, given the take's own."""
    return _derived(take, _ROOM, room)


def _derived(seed: int, *stream: int) -> int:
    """Draw another seed from one, for each stream."""
    return int(np.random.SeedSequence([seed, *stream]).generate_state(1, np.uint32)[0])


def _known(what: str, numbers: tuple[int, ...], known: range | tuple[int, ...]) -> None:
    for number in numbers:
        if number not in known:
            raise ValueError(
                f"{what} {number} cannot be held out: there are {known[0]} to {known[-1]}"
            )
