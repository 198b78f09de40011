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

"""What `kpm simulate` is to make, out of what it was told: pianists or exercisers."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NamedTuple

from kpm_ros.core.settings import check_number
from kpm_ros.core.sides import RIGHT
from kpm_ros.operate.errors import UserError

if TYPE_CHECKING:
    from kpm_ros.core.worker_pool import Production


_HAND_OPTIONS = (
    "pianists",
    "tasks",
    "midi",
    "held_out_pianists",
    "held_out_tasks",
    "rooms",
    "rooms_a_take",
    "hand",
    "body",
)
_HANDS_OPTIONS = ("pianists", "midi", "layout")
_BODY_OPTIONS = ("persons", "exercises", "layout", "held_out_persons", "held_out_exercises")


class SimulationJob(NamedTuple):
    """What is to be made, and what is told of it."""

    production: Production
    what: str
    """In words."""
    parts: int
    seconds: int
    """Length of each."""


def job_of(arguments: argparse.Namespace) -> SimulationJob:
    """Plan what was asked for; ValueError and UserError say what cannot be."""
    _refuse_foreign_options(arguments)
    jobs = {"hand": _pianists, "hands": _two_hands, "body": _exercisers}
    return jobs[arguments.subject](arguments)


def _refuse_foreign_options(arguments: argparse.Namespace) -> None:
    """Refuse options that belong to other subjects."""
    of = {"hand": _HAND_OPTIONS, "hands": _HANDS_OPTIONS, "body": _BODY_OPTIONS}
    for name in (*_HAND_OPTIONS, *_BODY_OPTIONS):
        if getattr(arguments, name) is not None and name not in of[arguments.subject]:
            word = "--" + name.replace("_", "-")
            owners = " or ".join(subject for subject, options in of.items() if name in options)
            raise UserError(f"{word} is an option of --subject {owners}: leave it away")


def _pianists(arguments: argparse.Namespace) -> SimulationJob:
    from kpm_ros.simulate.release.pianists import Pianists
    from kpm_ros.simulate.release.request import DEFAULT_SEED, plan_request

    request = plan_request(
        pianists=_or(arguments.pianists, 20),
        tasks=_or(arguments.tasks, 7),
        hours=arguments.hours,
        takes=arguments.takes,
        held_out_pianists=arguments.held_out_pianists,
        held_out_tasks=_task_list(arguments.held_out_tasks),
        seed=_or(arguments.seed, DEFAULT_SEED),
        body=_or(arguments.body, "anatomical"),
        midi=tuple(path.expanduser() for path in arguments.midi or ()),
    )
    tasks = len(request.task_numbers)
    production: Production = Pianists(request)
    seen = ""
    if arguments.rooms is not None:
        from kpm_ros.learn.recordings.simulated_rooms import RoomRelease

        rooms = _or(arguments.rooms_a_take, 1)
        check_number("rooms-a-take", rooms, least=1, most=100, whole=True)
        hand = _or(arguments.hand, RIGHT)
        production = RoomRelease(request, arguments.rooms, rooms, hand)
        seen = f", each in {rooms} {arguments.rooms} room(s)"
    elif arguments.rooms_a_take is not None:
        raise UserError("--rooms-a-take says how often --rooms draws one: give --rooms, too")
    elif arguments.hand not in (None, RIGHT):
        raise UserError(
            f"--hand is {arguments.hand!r}, of which the usual two views have no mirror image: "
            "give --rooms, too"
        )
    return SimulationJob(
        production,
        f"{request.hours:.2f} h of SIMULATED performances: {request.pianists} pianists, "
        f"{tasks} tasks, {request.takes} takes of {request.seconds} s{seen}",
        request.pianists * tasks * request.takes,
        request.seconds,
    )


def _two_hands(arguments: argparse.Namespace) -> SimulationJob:
    from kpm_ros.motion.two_hand_release import STUDY_S, TwoHandRelease
    from kpm_ros.simulate.release.request import DEFAULT_SEED

    if arguments.takes is not None:
        raise UserError("--takes is no option of --subject hands: leave it away")
    if arguments.layout == "published":
        raise UserError("--layout published stands beside the container: give --layout both")
    release = TwoHandRelease(
        hours=arguments.hours,
        pianists=_or(arguments.pianists, 20),
        seed=_or(arguments.seed, DEFAULT_SEED),
        midi=tuple(path.expanduser() for path in arguments.midi or ()),
        published=arguments.layout == "both",
    )
    parts = len(release.parts())
    return SimulationJob(
        release,
        f"{release.hours:.2f} h of SIMULATED performances of two hands: {release.pianists} "
        f"pianists, {parts} performances",
        parts,
        round(release.hours * 3600 / parts) if release.midi else round(STUDY_S),
    )


def _exercisers(arguments: argparse.Namespace) -> SimulationJob:
    from kpm_ros.learn.recordings.simulated_exercisers import CONTAINER, ExerciserRelease
    from kpm_ros.simulate.exerciser.exerciser_request import (
        DEFAULT_SEED,
        chosen_exercises,
        plan_exercisers,
    )

    held_out = arguments.held_out_exercises
    request = plan_exercisers(
        persons=_or(arguments.persons, 10),
        hours=arguments.hours,
        exercises=chosen_exercises(arguments.exercises or ["released"]),
        takes=arguments.takes,
        held_out_persons=arguments.held_out_persons,
        held_out_exercises=None if held_out is None else _words(held_out),
        seed=_or(arguments.seed, DEFAULT_SEED),
    )
    return SimulationJob(
        ExerciserRelease(request, _or(arguments.layout, CONTAINER)),
        f"{request.hours:.2f} h of SIMULATED exercising: {request.persons} persons, "
        f"{len(request.exercises)} exercises, {request.takes} takes of {request.seconds} s",
        request.persons * len(request.exercises) * request.takes,
        request.seconds,
    )


def _or(value: Any, usual: Any) -> Any:
    return usual if value is None else value


def _words(listed: str) -> tuple[str, ...]:
    return () if listed == "none" else tuple(word for word in listed.split(",") if word)


def _task_list(words: str | None) -> tuple[int, ...] | None:
    """Read the numbers of tasks."""
    if words is None or words == "none":
        return None if words is None else ()
    try:
        return tuple(int(word) for word in words.split(","))
    except ValueError:
        raise UserError(
            f"--held-out-tasks is {words!r}, but must be numbers such as 5,7, or none"
        ) from None
