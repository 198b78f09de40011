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

"""Who plays what in a data set, told so that the same is known again in any other folder.

Simulated people, tasks and takes follow from seeds, which the manifest holds: they are the same
whatever their number, length or order. Recorded takes are known by how they begin, and people and
tasks by their takes, since a folder says no more of them than a number.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import read_json
from kpm_ros.models.seen import Seen, digest
from kpm_ros.simulate.release import release_layout as layout
from kpm_ros.simulate.release.request import person_seed, take_seed
from kpm_ros.simulate.tasks import TASKS

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.release import Release

HEAD = 8192
"""Samples at a take's beginning by which it is known."""

Tokens = frozenset[str]


class Identity(NamedTuple):
    """The digests by which one performance's pianist, task and take may be known."""

    person: Tokens
    task: Tokens
    take: Tokens


def identities(release: Release) -> dict[str, Identity]:
    """Identify all performances of a data set."""
    simulated = _simulated(release.root)
    takes: dict[str, str] = {}
    by_person: dict[int, set[str]] = defaultdict(set)
    by_task: dict[int, set[str]] = defaultdict(set)
    for name in release.names:
        one = release.performance(name)
        takes[name] = content_digest(one.keys, one.effort)
        by_person[one.pianist].add(takes[name])
        by_task[one.task].add(takes[name])
    found = {}
    for name, take in takes.items():
        about = layout.parse_name(name)
        drawn = _drawn(simulated, about)
        found[name] = Identity(
            drawn.person | by_person[about.pianist],
            drawn.task | by_task[about.task],
            drawn.take | {take},
        )
    return found


def content_digest(keys: NDArray[np.float32], effort: NDArray[np.float32]) -> str:
    """Tell a take by what it begins with."""
    content = hashlib.sha256()
    for array in (keys, effort):
        content.update(np.ascontiguousarray(array[:HEAD], np.float32).tobytes())
    return digest("take", content.hexdigest())


def simulated_identity(seed: int, about: layout.PerformanceName, task: str) -> Identity:
    """Identify a simulated performance by what it is drawn from."""
    take = take_seed(seed, about.task, about.pianist, int(about.take))
    return Identity(
        frozenset({digest("simulated person", person_seed(seed, about.pianist))}),
        frozenset({task}),
        frozenset({digest("simulated take", task, take)}),
    )


def built_in_task(number: int) -> str:
    """Tell one of the simulator's own tasks, which all data sets share."""
    return digest("simulated task", number)


def seen_of(met: Iterable[Identity]) -> Seen:
    """Put together what a training on some performances has met."""
    met = list(met)
    takes = frozenset[str]().union(*(one.take for one in met))
    people = frozenset[str]().union(*(one.person for one in met))
    tasks = frozenset[str]().union(*(one.task for one in met))
    # A take that was met tells its pianist and task as well; there is no need to say it twice.
    return Seen(people - takes, tasks - takes, takes)


def what_was_met(identity: Identity, seen: Seen, of: str) -> str:
    """Say what of a performance a model has met: the take, or what a test set is new in.

    `of` is "person", "task", or nothing where other takes of known ones are expected.
    """
    if identity.take & seen.takes:
        return "take"
    if of == "person" and identity.person & (seen.people | seen.takes):
        return "person"
    if of == "task" and identity.task & (seen.tasks | seen.takes):
        return "task"
    return ""


class _Simulated(NamedTuple):
    """What a manifest says the performances follow from."""

    seed: int
    midi: list[str]


def _simulated(root: Path) -> _Simulated | None:
    """Read a manifest as the simulator writes it; None if there is none."""
    try:
        content: Mapping[str, Any] = read_json(root / layout.MANIFEST)
        request = content["request"]
        midi = [str(one["sha256"]) for one in request["midi"]]
        # Another program's manifest says nothing of how our people are drawn.
        ours = (
            bool(content["persons"]) and isinstance(request["seed"], int) and request["seed"] >= 0
        )
        return _Simulated(request["seed"], midi) if ours else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _drawn(simulated: _Simulated | None, about: layout.PerformanceName) -> Identity:
    """Digests of what a simulated performance follows from; none for others."""
    nothing = Identity(frozenset(), frozenset(), frozenset())
    if simulated is None or not about.take.isdecimal():
        return nothing
    if about.task <= len(TASKS):
        task = built_in_task(about.task)
    elif about.task <= len(TASKS) + len(simulated.midi):
        task = digest("music", simulated.midi[about.task - len(TASKS) - 1])
    else:
        return nothing
    return simulated_identity(simulated.seed, about, task)
