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

"""What a container's dataset.json says, checked field by field; docs/datasets.md lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpm_ros.core.foreign_files import ForeignFileError, printable
from kpm_ros.core.stream_reading import read_camera
from kpm_ros.core.streams import IMAGE, Landmarks, Stream, Streams
from kpm_ros.models.card import MOST_MUSCLES

FORMAT, VERSION = "kpm-dataset", 1
MOST_RECORDINGS = 200_000
MOST_WORDS = 10_000
"""Characters of a text."""
NAMES = "a name is letters, digits, _, . and -, at most 100, and begins with a letter or digit"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True)
class StreamNotes:
    """What a container says of a stream besides what it is."""

    may_repeat: bool
    measured: str


@dataclass(frozen=True)
class Index:
    """What dataset.json says, checked."""

    name: str
    simulated: bool
    description: str
    origin: str
    licence: str
    streams: Streams
    notes: Mapping[str, StreamNotes]
    muscles: tuple[str, ...]
    unit: str
    rate_hz: float
    measured: str
    """How the effort was."""
    people: Mapping[str, str]
    """By name, as what the same person is known in other data sets; "" = in none."""
    tasks: Mapping[str, str]
    recordings: Mapping[str, Mapping[str, Any]]


def read_index(content: Any, source: str) -> Index:
    """Check what dataset.json says; a ForeignFileError names the field that is wrong."""
    fields = Fields(content, source)
    if fields.text("format") != FORMAT or fields.number("version") != VERSION:
        raise ForeignFileError(
            f"{source} must have the format {FORMAT!r} of version {VERSION}, not "
            f"{content.get('format')!r} of version {content.get('version')!r}"
        )
    truth = fields.inner("effort")
    muscles = truth.texts("muscles")
    if not 0 < len(muscles) <= MOST_MUSCLES or len(set(muscles)) < len(muscles):
        raise ForeignFileError(
            f"{source} must list 1 to {MOST_MUSCLES} muscles, each by a name of its own"
        )
    rate_hz = truth.number("rate_hz")
    if not 0 < rate_hz <= 100_000:
        raise ForeignFileError(
            f"{source}: effort has {rate_hz:g} samples a second, but 0 to 1e5 can be"
        )
    streams, notes = _streams(fields, source)
    people, tasks = (_known_as(fields.inner(what), what) for what in ("people", "tasks"))
    listed = fields.inner("recordings")
    if not 0 < len(listed.content) <= MOST_RECORDINGS:
        raise ForeignFileError(f"{source} must list 1 to {MOST_RECORDINGS} recordings")
    recordings = {
        name: _recording(listed.inner(name), name, streams, people, tasks)
        for name in listed.content
    }
    return Index(
        name=fields.text("name"),
        simulated=fields.flag("simulated"),
        description=fields.text("description", ""),
        origin=fields.text("origin", ""),
        licence=fields.text("licence", ""),
        streams=streams,
        notes=notes,
        muscles=muscles,
        unit=truth.text("unit"),
        rate_hz=rate_hz,
        measured=truth.text("measured", ""),
        people=people,
        tasks=tasks,
        recordings=recordings,
    )


def _streams(fields: Fields, source: str) -> tuple[Streams, dict[str, StreamNotes]]:
    entries = fields.content.get("streams")
    if not isinstance(entries, list) or not entries:
        raise ForeignFileError(f"{source} must list at least one stream")
    described, notes = [], {}
    for entry in entries:
        own = Fields(entry, f"{source}: a stream")
        kept = {k: v for k, v in own.content.items() if k not in ("measured", "may_repeat")}
        described.append(kept)
        notes[str(kept.get("name"))] = StreamNotes(
            own.flag("may_repeat", False), own.text("measured", "")
        )
    return Streams.from_plain(described, source), notes


def _known_as(table: Fields, what: str) -> dict[str, str]:
    found = {}
    for name in table.content:
        if not _NAME.fullmatch(name):
            raise ForeignFileError(f"{table.source} names {name!r}: {NAMES}")
        found[name] = table.inner(name).text("known_as", "")
    if not found:
        raise ForeignFileError(f"{table.source} must name at least one of the {what}")
    return found


def _recording(
    fields: Fields,
    name: str,
    streams: Streams,
    people: Mapping[str, str],
    tasks: Mapping[str, str],
) -> dict[str, Any]:
    check_name(name, fields.source)
    person, task = fields.text("person"), fields.text("task")
    for word, table, what in ((person, people, "people"), (task, tasks, "tasks")):
        if word not in table:
            raise ForeignFileError(f"{fields.source}: {word!r} is none of the {what}")
    own = fields.inner("streams")
    described = {}
    for stream in own.content:
        if stream not in streams.names:
            raise ForeignFileError(
                f"{fields.source}: {stream!r} is none of the streams: {', '.join(streams.names)}"
            )
        about = own.inner(stream)
        described[stream] = {
            "start_s": about.number("start_s", 0.0),
            "stamped": about.flag("stamped", False),
            "known": about.flag("known", False),
            "camera": _camera(about, streams[stream]),
        }
    return {
        "person": person,
        "task": task,
        "take": fields.text("take"),
        "streams": described,
        "effort_start_s": fields.number("effort_start_s", 0.0),
        "notes": fields.text("notes", ""),
        "session": fields.text("session", ""),
    }


def _camera(about: Fields, stream: Stream) -> dict[str, list[float]] | None:
    """Give the camera of a recording's picture; None where nobody told where it stood."""
    told = about.content.get("camera")
    if told is None:
        return None
    if not isinstance(stream, Landmarks) or stream.coordinates != IMAGE:
        raise ForeignFileError(f"{about.source} has a camera, but is no picture's")
    return read_camera(told, about.source).as_plain()


def check_name(name: str, source: str) -> None:
    """Refuse a name that is none of a file or folder."""
    if not _NAME.fullmatch(name):
        raise ForeignFileError(f"{source}: {name!r} cannot be a name: {NAMES}")


class Fields:
    """A table of JSON whose fields are asked for by type; what is wrong is named."""

    def __init__(self, content: Any, source: str) -> None:
        """Refuse what is no table."""
        if not isinstance(content, dict):
            raise ForeignFileError(f"{source} is no table of fields")
        self.content: dict[str, Any] = content
        self.source = source

    def inner(self, name: str) -> Fields:
        """Give a field that is itself a table."""
        return Fields(self._get(name, None), f"{self.source}: {name}")

    def text(self, name: str, otherwise: str | None = None) -> str:
        """Give a field that is a text, in one line."""
        value = self._get(name, otherwise)
        if not isinstance(value, str) or not value.isprintable() or len(value) > MOST_WORDS:
            raise self._wrong(name, value, f"a text of one line and at most {MOST_WORDS} letters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a field that is a list of names."""
        value = self._get(name, None)
        if not isinstance(value, list) or not all(
            isinstance(word, str) and 0 < len(word) <= 100 and word.isprintable() for word in value
        ):
            raise self._wrong(name, value, "a list of names")
        return tuple(value)

    def number(self, name: str, otherwise: float | None = None) -> float:
        """Give a field that is a finite number."""
        value = self._get(name, otherwise)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e12:
            raise self._wrong(name, value, "a number")
        return value

    def flag(self, name: str, otherwise: bool | None = None) -> bool:
        """Give a field that is true or false."""
        value = self._get(name, otherwise)
        if not isinstance(value, bool):
            raise self._wrong(name, value, "true or false")
        return value

    def _get(self, name: str, otherwise: Any) -> Any:
        if name not in self.content and otherwise is None:
            raise ForeignFileError(f"{self.source} lacks the field {name!r}")
        return self.content.get(name, otherwise)

    def _wrong(self, name: str, value: Any, due: str) -> ForeignFileError:
        return ForeignFileError(
            f"{self.source}: {name!r} is {printable(repr(value), 80)}, but must be {due}"
        )
