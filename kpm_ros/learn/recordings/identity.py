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

"""Who does what in a data set, told so that the same is known again in any other.

A take is known by how it begins, and people and tasks by their takes, since a folder may say no
more of them than a number. A reader may know more: the seeds that simulated people are drawn from,
or the name by which a laboratory knows somebody in all of its data sets.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import PianoKeys
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.models.seen import Seen, digest

HEAD = 8192
"""Samples at a take's beginning by which it is known."""

Digests = frozenset[str]


class Identity(NamedTuple):
    """The digests by which one recording's person, task and take may be known."""

    person: Digests = frozenset()
    task: Digests = frozenset()
    take: Digests = frozenset()


def identify(recordings: Mapping[str, tuple[Recording, Identity]]) -> dict[str, Identity]:
    """Identify all recordings of a data set, given what else each is known by."""
    takes: dict[str, str] = {}
    by_person: dict[str, set[str]] = defaultdict(set)
    by_task: dict[str, set[str]] = defaultdict(set)
    for name, (recording, _) in recordings.items():
        takes[name] = content_digest(recording)
        by_person[recording.person].add(takes[name])
        by_task[recording.task].add(takes[name])
    return {
        name: Identity(
            known.person | by_person[recording.person],
            known.task | by_task[recording.task],
            known.take | {takes[name]},
        )
        for name, (recording, known) in recordings.items()
    }


def content_digest(recording: Recording) -> str:
    """Tell a take by how its effort begins, and its keys, or whatever else was recorded first."""
    content = hashlib.sha256()
    keys = [one for one in recording.series if isinstance(one.stream, PianoKeys)]
    arrays: list[NDArray[np.floating]] = [one.values for one in (keys or recording.series)[:1]]
    for array in (*arrays, recording.truth.values):
        content.update(np.ascontiguousarray(array[:HEAD], np.float32).tobytes())
    return digest("take", content.hexdigest())


def seen_of(met: Iterable[Identity]) -> Seen:
    """Put together what a training on some recordings has met."""
    met = list(met)
    takes = frozenset[str]().union(*(one.take for one in met))
    people = frozenset[str]().union(*(one.person for one in met))
    tasks = frozenset[str]().union(*(one.task for one in met))
    # A take that was met tells its person and task as well; there is no need to say it twice.
    return Seen(people - takes, tasks - takes, takes)


def what_was_met(identity: Identity, seen: Seen, of: str) -> str:
    """Say what of a recording a model has met: the take, or what a test set is new in.

    `of` is "person", "task", or nothing where other takes of known ones are expected.
    """
    if identity.take & seen.takes:
        return "take"
    if of == "person" and identity.person & (seen.people | seen.takes):
        return "person"
    if of == "task" and identity.task & (seen.tasks | seen.takes):
        return "task"
    return ""
