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

"""Which recordings are for what: by take, by person, by task and by session, without leakage."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

Plan = dict[str, list[str]]

HELD_OUT = 0.2
"""Share of people, tasks or takes that are tested, where nobody says which."""
CHOOSING = 0.1
"""Share of takes that the best step is chosen by."""
MOST_UNSEEN = 50
"""With more people than this, there is no split file for each that leaves out that one."""


class Placed(NamedTuple):
    """One recording, as far as splits go by it."""

    name: str
    person: str
    task: str
    session: str
    take: str

    @classmethod
    def of(cls, name: str, entry: Mapping[str, Any]) -> Placed:
        """Take it out of a container's index."""
        return cls(name, entry["person"], entry["task"], entry.get("session", ""), entry["take"])


def plan_splits(recordings: Sequence[Placed], test_takes: Collection[str] = ()) -> dict[str, Plan]:
    """Make every split file that there are recordings for; the first one is the usual.

    `test_takes` are tested in place of the last ones. A person or task that is left out is tested
    on the same takes as everyone, so that the scores can be compared.
    """
    usual = _by_take(recordings, test_takes)
    files = {"splits.json": usual}
    people = list(dict.fromkeys(one.person for one in recordings))
    tasks = list(dict.fromkeys(one.task for one in recordings))
    if len(people) > 1:
        files["splits_by_person.json"] = _without(usual, recordings, "person", _last(people))
        if 2 < len(people) <= MOST_UNSEEN:
            for person in people:
                file = f"splits_unseen_{re.sub(r'[^A-Za-z0-9_.-]', '_', person)}.json"
                files[file] = _without(usual, recordings, "person", {person})
    if len(tasks) > 1:
        files["splits_by_task.json"] = _without(usual, recordings, "task", _last(tasks))
    files["splits_by_session.json"] = _by_session(usual, recordings)
    return {
        file: plan
        for file, plan in files.items()
        if plan is usual or all(names or part == "val" for part, names in plan.items())
    }


def _last(values: Sequence[str]) -> set[str]:
    return set(values[-max(1, round(HELD_OUT * len(values))) :])


def _by_take(recordings: Sequence[Placed], test_takes: Collection[str]) -> Plan:
    """Test other takes of the same people and tasks."""
    plan: Plan = {"train": [], "val": [], "test": []}
    groups: dict[tuple[str, str], list[Placed]] = defaultdict(list)
    for one in recordings:
        groups[one.person, one.task].append(one)
    for takes in groups.values():
        count = max(1, round(HELD_OUT * len(takes))) if len(takes) > 1 else 0
        tested = [one for one in takes if one.take in test_takes] if test_takes else []
        tested = tested or takes[len(takes) - count :]
        rest = [one for one in takes if one not in tested]
        choosing = max(1, round(CHOOSING * len(rest))) if len(rest) > 1 else 0
        plan["test"] += [one.name for one in tested]
        plan["val"] += [one.name for one in rest[len(rest) - choosing :]]
        plan["train"] += [one.name for one in rest[: len(rest) - choosing]]
    for part, least in (("test", 3), ("val", 2)):
        # Where everything was done once, other things of the same people stand in.
        if not plan[part] and len(plan["train"]) >= least:
            plan[part].append(plan["train"].pop())
    return plan


def _without(
    usual: Plan, recordings: Sequence[Placed], what: str, left_out: Collection[str]
) -> Plan:
    """Leave some people or tasks out of training, and test those."""
    out = {one.name for one in recordings if getattr(one, what) in left_out}
    tested = [name for name in usual["test"] if name in out]
    return {
        "train": [name for name in (*usual["train"], *usual["test"]) if name not in out],
        "val": [name for name in usual["val"] if name not in out],
        _TESTS[what]: tested or [one.name for one in recordings if one.name in out],
    }


_TESTS = {"person": "test_cross_user", "task": "test_cross_task"}


def _by_session(usual: Plan, recordings: Sequence[Placed]) -> Plan:
    """Test the last session of everyone who has more than one."""
    sessions: dict[str, list[str]] = defaultdict(list)
    for one in recordings:
        if one.session and one.session not in sessions[one.person]:
            sessions[one.person].append(one.session)
    last = {(person, of[-1]) for person, of in sessions.items() if len(of) > 1}
    tested = {one.name: None for one in recordings if (one.person, one.session) in last}
    return {
        "train": [name for name in (*usual["train"], *usual["test"]) if name not in tested],
        "val": [name for name in usual["val"] if name not in tested],
        "test": list(tested),
    }
