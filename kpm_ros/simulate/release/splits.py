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

"""Which performances are for training, choosing and scoring, in both of the published ways."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np

from kpm_ros.simulate.release.release_layout import SPLITS, SUFFIX, PerformanceName

CHOOSING_PART = SCORING_PART = 0.1
"""Parts of the performances by known pianists of known tasks that are not trained on."""
_FEWEST_TO_SHARE = 2
LEFT_OUT = "left_out"
"""Held-out pianists playing held-out tasks: unseen in both ways, so in neither test."""
_ARCHITECTURAL, _HELD_OUT = 0, 1

Places = dict[str, list[PerformanceName]]


class Plan(Protocol):
    """What is to be made, and who and what of it is held out, by their numbers."""

    @property
    def seed(self) -> int:
        """Everything random follows from it."""

    @property
    def held_out_people(self) -> tuple[int, ...]:
        """Who is met only in the tests."""

    @property
    def held_out_tasks(self) -> tuple[int, ...]:
        """What is met only in the tests."""

    def performances(self) -> Iterable[Any]:
        """List all takes, each with its `name`."""


def architectural_splits(request: Plan) -> Places:
    """Everyone plays everything in training; other takes are for choosing and scoring."""
    names = [performance.name for performance in request.performances()]
    return _share(names, request.seed, _ARCHITECTURAL)


def held_out_splits(request: Plan) -> Places:
    """Some pianists and some tasks are met only in the tests; `left_out` are both at once."""
    groups: dict[tuple[bool, bool], list[PerformanceName]] = {}
    for performance in request.performances():
        name = performance.name
        new = (name.pianist in request.held_out_people, name.task in request.held_out_tasks)
        groups.setdefault(new, []).append(name)
    places = _share(groups.get((False, False), []), request.seed, _HELD_OUT)
    places["test_cross_user"] = groups.get((True, False), [])
    places["test_cross_task"] = groups.get((False, True), [])
    places[LEFT_OUT] = groups.get((True, True), [])
    return places


def as_json(places: Places) -> dict[str, list[str]]:
    """Write the lists as the published files have them."""
    return {split: [f"{name}{SUFFIX}" for name in places[split]] for split in SPLITS}


def _share(names: Sequence[PerformanceName], seed: int, stream: int) -> Places:
    """Take every so many performances for `val` and `test`, evenly from all tasks."""
    draw = np.random.default_rng([seed, 0x5911, stream])
    # In order of task, and within a task by chance: even steps then meet every task alike.
    chance = draw.permutation(len(names))
    ordered = [
        names[k] for k in sorted(range(len(names)), key=lambda k: (names[k].task, chance[k]))
    ]
    test = _every(ordered, SCORING_PART)
    rest = [name for name in ordered if name not in test]
    val = _every(rest, CHOOSING_PART * len(ordered) / max(len(rest), 1))
    places: Places = {split: [] for split in SPLITS}
    for name in names:
        places["test" if name in test else "val" if name in val else "train"].append(name)
    return places


def _every(names: Sequence[PerformanceName], part: float) -> frozenset[PerformanceName]:
    """Pick a part of the names in even steps; at least one, unless there are very few."""
    if len(names) < _FEWEST_TO_SHARE:
        return frozenset()
    count = max(1, round(part * len(names)))
    return frozenset(names[int((k + 0.5) * len(names) / count)] for k in range(count))
