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

"""Whose muscles the pipeline estimates: a hand's, or a body's. What each is, is data.

`config/subjects` holds one file for each. No other file knows which model a subject usually has,
who simulates it, which points its muscles need, or which parameters suit it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from kpm_ros.core.resources import DEFAULT_MODEL, config_dir
from kpm_ros.core.streams import Landmarks, PianoKeys, Stream, Streams

DEFAULT_SUBJECT = "hand"


@dataclass(frozen=True)
class Subject:
    """Whose muscles they are.

    >>> from kpm_ros.core.skeletons import find_skeleton
    >>> body = find_subject("body")
    >>> front = Streams((Landmarks("front", find_skeleton(body.skeletons[0])),))
    >>> body.simulated, body.needed_points(front, ["LBicep"])
    ('exerciser', {'front': (11, 13, 15)})
    """

    name: str
    skeletons: tuple[str, ...]
    """Of its camera views; the first is the one that is tracked, and simulated."""
    simulated: str
    """Who stands in for a real one."""
    model: str = DEFAULT_MODEL
    """The model that runs where none is named."""
    room_model: str = ""
    """The same where it is known where the cameras stand; empty = no other."""
    has_keys: bool = False
    """Whether the simulated one plays a piano."""
    begins_anew: bool = False
    """Whether the network begins afresh after nobody was in sight."""
    muscles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Points that must be in sight for the effort of a muscle to be valid."""
    drawn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Between which points each muscle is drawn."""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Of nodes, by their executables, in the place of the usual ones."""

    def needed_points(self, streams: Streams, muscles: Iterable[str]) -> dict[str, tuple[int, ...]]:
        """Places of the points that some muscles need, for each view that shows the subject.

        Where one of the muscles is not known here, they are all that any muscle needs.
        """
        rows = [self.muscles.get(muscle, ()) for muscle in muscles]
        told = rows if all(rows) else list(self.muscles.values())
        points = {point for row in told for point in row}
        return {
            view.name: tuple(k for k, point in enumerate(view.skeleton.points) if point in points)
            for view in streams.landmarks
            if view.skeleton.name in self.skeletons
        }

    def is_seen_in(self, streams: Streams) -> bool:
        """Whether some view of these shows it."""
        return any(view.skeleton.name in self.skeletons for view in streams.landmarks)

    def can_simulate(self, stream: Stream) -> bool:
        """Whether a stream is one that the simulated subject gives."""
        if isinstance(stream, Landmarks):
            return stream.skeleton.name == self.skeletons[0]
        return self.has_keys and isinstance(stream, PianoKeys)


def subject_names() -> tuple[str, ...]:
    """List those there are; the default one comes first."""
    try:
        found = {path.stem for path in (config_dir() / "subjects").glob("*.yaml")}
    except FileNotFoundError:  # whoever needs the files is told of it then
        found = set()
    return (DEFAULT_SUBJECT, *sorted(found - {DEFAULT_SUBJECT}))


@lru_cache(maxsize=16)
def find_subject(name: str) -> Subject:
    """Find one by its name."""
    from kpm_ros.core.foreign_yaml import read_yaml

    told = read_yaml(config_dir() / "subjects" / f"{name}.yaml")
    lists = {key: tuple(value) for key, value in told.items() if isinstance(value, list)}
    points = {
        name: {muscle: tuple(points) for muscle, points in told.get(name, {}).items()}
        for name in ("muscles", "drawn")
    }
    return Subject(**{**told, **lists, **points})


def subject_of(streams: Streams) -> Subject | None:
    """Whom a model is for, by the skeletons of its views; None where nobody here is."""
    for name in subject_names():
        if find_subject(name).is_seen_in(streams):
            return find_subject(name)
    return None
