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

"""How executions are split into training and test: by repetition, by day, by posture, by person."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from kpm_ros.learn.gestures.executions import Execution, ExecutionSet


class Split(NamedTuple):
    """Executions to train on, and others to test with."""

    title: str
    """What is tested."""
    trained: ExecutionSet
    tested: ExecutionSet


def same_day(recorded: ExecutionSet) -> Iterator[Split]:
    """Each person's day: trained on all repetitions but the last, tested on that."""
    for person, day, part in _days(recorded):
        last = max(each.repetition for each in part.executions)
        yield Split(
            f"{person} {day}",
            part.where(lambda each, last=last: each.repetition < last),  # type: ignore[misc]
            part.where(lambda each, last=last: each.repetition == last),  # type: ignore[misc]
        )


def each_repetition(recorded: ExecutionSet) -> Iterator[Split]:
    """Each person's day, and each repetition of it: tested on that, trained on the others."""
    for person, day, part in _days(recorded):
        for number in sorted({each.repetition for each in part.executions}):
            yield Split(
                f"{person} {day} {number}",
                part.where(lambda each, n=number: each.repetition != n),  # type: ignore[misc]
                part.where(lambda each, n=number: each.repetition == n),  # type: ignore[misc]
            )


def later_days(recorded: ExecutionSet) -> Iterator[Split]:
    """Trained on a person's first day, tested on each later one."""
    for first, person, day, part in _later(recorded):
        yield Split(f"{person} {day}", first, part)


def recalibrated(recorded: ExecutionSet) -> Iterator[Split]:
    """The same with the first repetition of the later day added, tested on the others."""
    for first, person, day, part in _later(recorded):
        added = part.where(lambda each: each.repetition == 1)
        yield Split(f"{person} {day}", first.and_(added), part.where(lambda e: e.repetition > 1))


def unseen_person(recorded: ExecutionSet) -> Iterator[Split]:
    """Trained on all days of the other people, tested on each day of one."""
    yield from _without(recorded, lambda each: each.person)


def unseen_posture(recorded: ExecutionSet) -> Iterator[Split]:
    """Trained in the other postures, tested in one."""
    yield from _without(recorded, lambda each: each.posture)


PROTOCOLS: Mapping[str, Callable[[ExecutionSet], Iterator[Split]]] = {
    "same_day": same_day,
    "each_repetition": each_repetition,
    "later_days": later_days,
    "recalibrated": recalibrated,
    "unseen_person": unseen_person,
    "unseen_posture": unseen_posture,
}


def _days(recorded: ExecutionSet) -> Iterator[tuple[str, str, ExecutionSet]]:
    for person, day in dict.fromkeys((each.person, each.day) for each in recorded.executions):
        yield (
            person,
            day,
            recorded.where(lambda e, p=person, d=day: (e.person, e.day) == (p, d)),  # type: ignore[misc]
        )


def _later(recorded: ExecutionSet) -> Iterator[tuple[ExecutionSet, str, str, ExecutionSet]]:
    firsts: dict[str, ExecutionSet] = {}
    for person, day, part in _days(recorded):
        if person in firsts:
            yield firsts[person], person, day, part
        else:
            firsts[person] = part


def _without(recorded: ExecutionSet, of: Callable[[Execution], str]) -> Iterator[Split]:
    values = list(dict.fromkeys(map(of, recorded.executions)))
    for value in values if len(values) > 1 else ():
        trained = recorded.where(lambda each, v=value: of(each) != v)  # type: ignore[misc]
        tested = recorded.where(lambda each, v=value: of(each) == v)  # type: ignore[misc]
        for person, day, part in _days(tested):
            yield Split(f"{value} {person} {day}", trained, part)
