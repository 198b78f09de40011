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

"""Recordings of many sources as one data set: the same muscles, streams, unit and rate for all."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from kpm_ros.core.foreign_files import read_json
from kpm_ros.learn.recordings import container
from kpm_ros.learn.recordings.container_writer import Written

Described = dict[str, Any]
_KINDS = ("landmarks", "keys", "channels")
"""In which order streams are listed."""


class Part(NamedTuple):
    """What came out of one source and lies in the data set's folder."""

    source: str
    written: tuple[Written, ...]
    said: tuple[str, ...]
    marks: Mapping[str, str]
    simulated: bool = False

    def to_json(self) -> bytes:
        """Write it."""
        content = {
            "source": self.source,
            "written": [one._asdict() for one in self.written],
            "said": self.said,
            "marks": self.marks,
            "simulated": self.simulated,
        }
        return (json.dumps(content) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> Part:
        """Read what `to_json` wrote."""
        content = read_json(path)
        return cls(
            content["source"],
            tuple(Written(**one) for one in content["written"]),
            tuple(content["said"]),
            content["marks"],
            content["simulated"],
        )


class Merged(NamedTuple):
    """What the index says of all recordings together."""

    effort: Described
    streams: list[Described]
    recordings: dict[str, Any]
    said: list[str]


def merged(folder: Path, parts: Sequence[Part]) -> Merged:
    """Put all parts together; what does not fit the most is left out, and said.

    A muscle that a recording lacks is not known in it.
    """
    said = _two_people(parts)
    listed, twice = _by_name(folder, parts)
    said += twice
    kept, odd = _of_one_effort(folder, listed)
    said += odd
    if not kept:
        return Merged({}, [], {}, said)
    streams, gone = _of_like_streams(folder, kept)
    said += gone
    muscles = list(dict.fromkeys(name for one in kept for name in one.effort["muscles"]))
    for one in kept:
        if one.effort["muscles"] != muscles:
            _spread(folder / container.RECORDINGS / one.name / container.EFFORT, one, muscles)
    measured = list(dict.fromkeys(one.effort["measured"] for one in kept))
    if len(measured) > 1:
        for one in kept:
            _note(one.entry, f"effort: {one.effort['measured']}")
    effort = {
        **kept[0].effort,
        "muscles": muscles,
        "measured": measured[0] if len(measured) == 1 else "as each recording's notes say",
    }
    return Merged(effort, streams, {one.name: one.entry for one in kept}, said)


def _two_people(parts: Sequence[Part]) -> list[str]:
    """Say which codes seem to be of two people."""
    told: dict[tuple[str, str], dict[str, str]] = {}
    for part in parts:
        for person in dict.fromkeys(one.entry["person"] for one in part.written):
            for mark, value in part.marks.items():
                told.setdefault((person, mark), {}).setdefault(value, part.source)
    return [
        f"{person} has the {mark} {' and '.join(f'{v} in {s}' for v, s in values.items())}: are "
        "these two people under one code? Then give them codes of their own"
        for (person, mark), values in told.items()
        if len(values) > 1
    ]


def _by_name(folder: Path, parts: Sequence[Part]) -> tuple[list[Written], list[str]]:
    found: dict[str, tuple[Written, str]] = {}
    said = []
    for part in parts:
        for one in part.written:
            if one.name in found:
                said.append(
                    f"{one.name} of {part.source} is left out: {found[one.name][1]} has one of "
                    "that name"
                )
                continue
            found[one.name] = (one, part.source)
    return [one for one, _ in found.values()], said


def _of_one_effort(folder: Path, listed: Sequence[Written]) -> tuple[list[Written], list[str]]:
    """Keep the recordings of the most usual unit and rate."""
    kinds = Counter((one.effort["unit"], one.effort["rate_hz"]) for one in listed)
    if not kinds:
        return [], []
    usual = kinds.most_common(1)[0][0]
    kept, said = [], []
    for one in listed:
        if (one.effort["unit"], one.effort["rate_hz"]) == usual:
            kept.append(one)
            continue
        shutil.rmtree(folder / container.RECORDINGS / one.name)
        said.append(
            f"{one.name} is left out: its effort is in {one.effort['unit']} at "
            f"{one.effort['rate_hz']:g} Hz, that of most in {usual[0]} at {usual[1]:g} Hz"
        )
    return kept, said


def _of_like_streams(folder: Path, kept: Sequence[Written]) -> tuple[list[Described], list[str]]:
    """Describe each stream as most recordings have it, and take it from those that differ."""
    ways: dict[str, Counter[str]] = {}
    for one in kept:
        for stream in one.streams:
            ways.setdefault(stream["name"], Counter())[_essence(stream)] += 1
    chosen: dict[str, Described] = {}
    said = []
    for one in kept:
        for stream in one.streams:
            name = stream["name"]
            if _essence(stream) == ways[name].most_common(1)[0][0] and _rates_agree(
                chosen.setdefault(name, dict(stream)), stream, one.entry["streams"][name]
            ):
                if stream["measured"] != chosen[name]["measured"]:
                    _note(one.entry, f"{name}: {stream['measured']}")
                chosen[name]["may_repeat"] |= stream["may_repeat"]
                continue
            del one.entry["streams"][name]
            said.append(f"{one.name} goes without its stream {name!r}, which is not as in others")
            for part in (container.STREAMS, container.STAMPS, container.KNOWN):
                path = folder / container.RECORDINGS / one.name / part / f"{name}.npy"
                path.unlink(missing_ok=True)
    senses = list(dict.fromkeys(stream["sense"] for stream in chosen.values()))
    return (
        sorted(
            chosen.values(),
            key=lambda stream: (_KINDS.index(stream["kind"]), senses.index(stream["sense"])),
        ),
        said,
    )


def _essence(stream: Described) -> str:
    """What two streams of one name must have in common."""
    told = {k: v for k, v in stream.items() if k not in ("rate_hz", "measured", "may_repeat")}
    return json.dumps(told, sort_keys=True)


def _rates_agree(first: Described, other: Described, entry: Mapping[str, Any]) -> bool:
    """Frames with stamps of their own may come more or less often than usual."""
    return bool(first["rate_hz"] == other["rate_hz"] or entry["stamped"])


def _spread(path: Path, one: Written, muscles: Sequence[str]) -> None:
    """Write effort with columns for all muscles, of which those that it lacks are not known."""
    values = np.load(path, allow_pickle=False)
    wide = np.full((len(values), len(muscles)), np.nan, np.float32)
    wide[:, [muscles.index(name) for name in one.effort["muscles"]]] = values
    np.save(path, wide, allow_pickle=False)


def _note(entry: dict[str, Any], words: str) -> None:
    entry["notes"] = "; ".join(part for part in (entry["notes"], words) if part)
