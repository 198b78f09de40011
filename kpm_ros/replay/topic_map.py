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

"""Topics of bags that others have recorded: which carries what, and in which fields.

A file of them:

    emg: raw
    channels:
      raw: {topic: /amplifier, samples: data, channels: [FDI, ADM], unit: uV, rate_hz: 2000}
      glove: {topic: /glove, samples: position, channels: [mcp, pip], unit: rad, rate_hz: 100}
    views:
      top: {topic: /hand, points: points, skeleton: mediapipe-hand, width: 640, height: 480}
    keys:
      piano: {topic: /midi/notes, note: note, velocity: velocity}
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from kpm_ros.core.foreign_files import reading
from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.plain_data import from_plain
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.wire.decode import RefusedMessageError

Convert = Callable[[Any, int], Any]
"""Makes a sample of a message and its time of receipt."""


@dataclass(frozen=True)
class ChannelsTopic:
    """A topic of sampled channels, such as EMG, a data glove or force sensors."""

    topic: str
    samples: str
    """The field of numbers, of one sample or of several one after the other."""
    channels: tuple[str, ...]
    unit: str
    rate_hz: float
    stamp: str = "header.stamp"
    """The field of the first sample's instant; empty for the time of receipt."""

    def converter(self, name: str) -> Convert:
        """Count samples on, since others' messages seldom do."""
        counted = 0

        def convert(message: Any, received_ns: int) -> ChannelChunk:
            nonlocal counted
            values = np.asarray(_field(message, self.samples), np.float32).reshape(-1)
            width = len(self.channels)
            if not len(values) or len(values) % width:
                raise RefusedMessageError(
                    f"{self.samples} holds {len(values)} values, not rows of {width}"
                )
            first, counted = counted, counted + len(values) // width
            stamp_ns = _stamp(message, self.stamp, received_ns)
            rows = values.reshape(-1, width)
            return ChannelChunk(name, stamp_ns, first, self.rate_hz, self.channels, self.unit, rows)

        return convert


@dataclass(frozen=True)
class ViewTopic:
    """A topic of landmarks as one camera sees them."""

    topic: str
    points: str = "points"
    """The field: messages with x and y (and z), or numbers one after the other."""
    skeleton: str = "mediapipe-hand"
    dimensions: int = 3
    """Numbers of each point, where they follow each other."""
    width: float = 1.0
    """What x is divided by to be a fraction of the picture's width."""
    height: float = 1.0
    stamp: str = "header.stamp"

    def converter(self, name: str) -> Convert:
        """Make frames of messages."""
        skeleton = find_skeleton(self.skeleton)
        counted = 0

        def convert(message: Any, received_ns: int) -> LandmarkFrame:
            nonlocal counted
            told = _field(message, self.points)
            points = None
            if len(told):
                points = np.zeros((len(skeleton), 3), np.float32)
                rows = _points(told, self.dimensions)
                if len(rows) != len(skeleton):
                    raise RefusedMessageError(
                        f"{self.points} holds {len(rows)} points, but {skeleton.name} has "
                        f"{len(skeleton)}"
                    )
                points[:, : rows.shape[1]] = rows
                points /= np.array([self.width, self.height, self.width], np.float32)
            counted += 1
            stamp_ns = _stamp(message, self.stamp, received_ns)
            size = (round(self.width), round(self.height))
            return LandmarkFrame(
                stamp_ns,
                name,
                counted - 1,
                points,
                float(points is not None),
                skeleton.name,
                image_size=size if min(size) > 1 else (0, 0),
                processed_ns=received_ns,
            )

        return convert


@dataclass(frozen=True)
class KeysTopic:
    """A topic of notes: a velocity of 0 ends one."""

    topic: str
    note: str = "note"
    velocity: str = "velocity"
    stamp: str = "header.stamp"

    def converter(self, name: str) -> Convert:
        """Make key events of messages."""
        counted = 0

        def convert(message: Any, received_ns: int) -> KeyEvent:
            nonlocal counted
            note, velocity = (int(_field(message, one)) for one in (self.note, self.velocity))
            if not (0 <= note < 128 and 0 <= velocity < 128):
                raise RefusedMessageError(f"note {note} of velocity {velocity} is none of MIDI")
            counted += 1
            kind = KeyEventKind.NOTE_ON if velocity else KeyEventKind.NOTE_OFF
            stamp_ns = _stamp(message, self.stamp, received_ns)
            return KeyEvent(stamp_ns, counted - 1, kind, note, velocity)

        return convert


@dataclass(frozen=True)
class TopicMap:
    """What each topic of a bag carries."""

    channels: Mapping[str, ChannelsTopic] = field(default_factory=dict)
    views: Mapping[str, ViewTopic] = field(default_factory=dict)
    keys: Mapping[str, KeysTopic] = field(default_factory=dict)
    emg: str = ""
    """Which of the channels is the EMG."""

    @classmethod
    def read(cls, path: Path) -> TopicMap:
        """Read a file of topics; a ForeignFileError says what is wrong with it."""
        with reading(path, "a table of topics"):
            found = from_plain(cls, read_yaml(path), str(path))
            if found.emg not in found.channels:
                raise ValueError(
                    f"emg is {found.emg!r}, but must name one of the channels: "
                    f"{', '.join(found.channels) or 'none are listed'}"
                )
            for one in found.channels.values():
                if not one.channels or not 0 < one.rate_hz <= 1e5:
                    raise ValueError(
                        f"{one.topic} must name its channels and have a rate_hz of 0 to 1e5"
                    )
            for view in found.views.values():
                find_skeleton(view.skeleton)
        return found


def _field(message: Any, words: str) -> Any:
    """Follow names with dots between them into a message."""
    for word in words.split("."):
        if not hasattr(message, word):
            raise RefusedMessageError(f"the message has no field {words!r}")
        message = getattr(message, word)
    return message


def _stamp(message: Any, words: str, received_ns: int) -> int:
    if not words:
        return received_ns
    told = _field(message, words)
    return int(told.sec) * NS_PER_S + int(told.nanosec)


def _points(told: Any, dimensions: int) -> Any:
    if hasattr(told[0], "x"):
        return np.array([[one.x, one.y, getattr(one, "z", 0.0)] for one in told], np.float32)
    values = np.asarray(told, np.float32)
    if not 2 <= dimensions <= 3 or len(values) % dimensions:
        raise RefusedMessageError(f"{len(values)} values are no points of {dimensions} numbers")
    return values.reshape(-1, dimensions)
