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

"""What simulated recordings are drawn from: the same whatever their number, length or order.

The simulator's manifest holds the seed that its people, tasks and takes follow from.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kpm_ros.core.foreign_files import printable, read_json
from kpm_ros.learn.recordings.identity import Identity
from kpm_ros.models.seen import digest
from kpm_ros.simulate.release import release_layout as layout
from kpm_ros.simulate.release.request import person_seed, take_seed
from kpm_ros.simulate.tasks import TASKS


class Manifest(NamedTuple):
    """What a manifest says that everything follows from."""

    seed: int
    midi: list[str]


def read_manifest(root: Path) -> Manifest | None:
    """Read a manifest as the simulator writes it; None if there is none."""
    try:
        content: Mapping[str, Any] = read_json(root / layout.MANIFEST)
        request = content["request"]
        midi = [str(one["sha256"]) for one in request["midi"]]
        # Another program's manifest says nothing of how our people are drawn.
        ours = (
            bool(content["persons"]) and isinstance(request["seed"], int) and request["seed"] >= 0
        )
        return Manifest(request["seed"], midi) if ours else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def describe_manifest(root: Path) -> str:
    """Say in one line what a simulated data set was asked to be."""
    try:
        request = read_json(root / layout.MANIFEST)["request"]
        words = [f"{name.replace('_', ' ')} {_plain(value)}" for name, value in request.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return f"simulated, as {layout.MANIFEST} says, which cannot be read"
    return printable(f"simulated: {'; '.join(words)}")


def _plain(value: object) -> str:
    return ", ".join(str(one) for one in value) or "none" if isinstance(value, list) else str(value)


def drawn_from(manifest: Manifest | None, about: layout.PerformanceName) -> Identity:
    """Digests of what a simulated performance follows from; none for others."""
    if manifest is None or not about.take.isdecimal():
        return Identity()
    if about.task <= len(TASKS):
        known = simulated_identity(manifest.seed, about, built_in_task(about.task))
        same = digest("known task", known_task(about.task))
    elif about.task <= len(TASKS) + len(manifest.midi):
        music = digest("music", manifest.midi[about.task - len(TASKS) - 1])
        known, same = simulated_identity(manifest.seed, about, music), music
    else:
        return Identity()
    # Data sets of rooms name the same people and tasks in words.
    person = digest("known person", known_person(person_seed(manifest.seed, about.pianist)))
    return Identity(known.person | {person}, known.task | {same}, known.take)


def simulated_identity(seed: int, about: layout.PerformanceName, task: str) -> Identity:
    """Identify a simulated performance by what it is drawn from."""
    take = take_seed(seed, about.task, about.pianist, int(about.take))
    return Identity(
        frozenset({digest("simulated person", person_seed(seed, about.pianist))}),
        frozenset({task}),
        frozenset({digest("simulated take", task, take)}),
    )


def known_person(seed: int) -> str:
    """As what a simulated pianist is known in data sets that name people in words."""
    return f"SIMULATED pianist {seed}"


def known_task(number: int) -> str:
    """As what one of the simulator's own tasks is known in such data sets."""
    return f"SIMULATED task {TASKS[number - 1].name}"


def built_in_task(number: int) -> str:
    """Tell one of the simulator's own tasks, which all data sets share."""
    return digest("simulated task", number)
