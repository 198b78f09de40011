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

"""The kinds of streams: landmarks of a view, a piano's keys, and any other channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.skeletons import Skeleton, written

if TYPE_CHECKING:
    from kpm_ros.core.camera_model import Camera

POSE, KEYS = "pose", "keys"
"""Senses of landmarks and of a piano's keys, unless a stream says otherwise."""

IMAGE, METRIC, KEYBOARD = "image", "metric", "keyboard"
"""What landmarks are told in: fractions of a view's image, metres from their root, or metres in the
keyboard's frame."""

JOINED, NEWEST = "joined", "newest"
"""How frames become values on the grid: by straight lines between them, which waits for the frame
after each instant; or by the newest that is known, and how old it is."""

SIDES = ("left", "right")
"""Of a person."""

AGE, SPREAD = "age", "spread"
"""What stands behind points: seconds since they were seen, and their standard error in metres."""

KEY_NOT_SENSED = -1.0
"""Depth of a key of which nothing is known; no resting key has it."""

MIDI_NOTES = 128


class StreamError(ValueError):
    """A list of streams that cannot be used, said in a sentence."""


@dataclass(frozen=True)
class Landmarks:
    """Points of a hand or body as one camera view sees them."""

    kind: ClassVar[str] = "landmarks"

    name: str
    """The camera view."""
    skeleton: Skeleton
    dimensions: int = 2
    """2: x and y; 3: and depth."""
    coordinates: str = IMAGE
    """"image": x and y are fractions of the image's width and height, and depth is in x's scale;
    "metric": metres from the root, x to the image's right, y down, depth away from the camera;
    "keyboard": metres in the keyboard's frame (`core.keyboard`), out of all registered cameras."""
    rate_hz: float = 60.0
    """How often frames usually come."""
    sense: str = POSE
    timing: str = JOINED
    """"joined": straight lines between frames; "newest": the newest points known at each instant,
    with their age."""
    side: str = ""
    """Which hand is looked for, "left" or "right"; empty where any is taken, or nothing has sides.
    Models say nothing of it: it is chosen in use (`core.hands`)."""
    camera: Camera | None = field(default=None, compare=False)
    """In image coordinates: the camera in the keyboard's frame whose picture it is, in a recording,
    or is meant to be, as in training; registered cameras in use are seen through that one."""

    @property
    def view(self) -> str:
        """The camera view, of which either hand may have a stream."""
        return self.name.removesuffix(f"_{self.side}") if self.side else self.name

    @property
    def points_width(self) -> int:
        """Columns of points: point by point, x, y and perhaps z."""
        return len(self.skeleton) * self.dimensions

    @property
    def measures(self) -> tuple[str, ...]:
        """Name the columns behind those of points."""
        if self.timing == JOINED:
            return ()
        return (AGE, SPREAD) if self.coordinates == KEYBOARD else (AGE,)

    @property
    def width(self) -> int:
        """Columns of points, and behind them what is said of them all."""
        return self.points_width + len(self.measures)

    @property
    def columns(self) -> tuple[str, ...]:
        """Name each column."""
        axes = "xyz"[: self.dimensions]
        points = (f"{point}.{axis}" for point in self.skeleton.points for axis in axes)
        return (*points, *self.measures)

    @property
    def missing(self) -> float:
        """What stands in a column of which nothing is known."""
        return 0.0

    @property
    def description(self) -> str:
        """Say what it is, in a line."""
        frames = {METRIC: " in metres", KEYBOARD: " in the keyboard's frame"}
        return (
            f"{len(self.skeleton)} points of {self.skeleton.name} in {self.dimensions} dimensions"
            f"{frames.get(self.coordinates, '')}"
        )

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values, as cards and recordings hold it."""
        plain = {
            "kind": self.kind,
            "name": self.name,
            "sense": self.sense,
            "skeleton": written(self.skeleton),
            "dimensions": self.dimensions,
            "rate_hz": self.rate_hz,
        }
        # The usual ones go unsaid, as in what was written before there were others.
        if self.coordinates != IMAGE:
            plain["coordinates"] = self.coordinates
        if self.timing != JOINED:
            plain["timing"] = self.timing
        if self.camera is not None:
            plain["camera"] = self.camera.as_plain()
        return plain | {"side": self.side} if self.side else plain


@dataclass(frozen=True)
class PianoKeys:
    """How far each key of a piano is down: 0 at rest, 1 fully; -1 where that is not known."""

    kind: ClassVar[str] = "keys"

    name: str = KEYS
    first_note: int = FIRST_NOTE
    """MIDI note of the first key."""
    count: int = PIANO_KEYS
    rate_hz: float = 1000.0
    sense: str = KEYS

    @property
    def width(self) -> int:
        """Columns: one a key."""
        return self.count

    @property
    def columns(self) -> tuple[str, ...]:
        """Name each column."""
        return tuple(f"note{note}" for note in range(self.first_note, self.first_note + self.count))

    @property
    def missing(self) -> float:
        """What stands in a column of which nothing is known."""
        return KEY_NOT_SENSED

    @property
    def description(self) -> str:
        """Say what it is, in a line."""
        return f"{self.count} piano keys from MIDI note {self.first_note} on"

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values, as cards and recordings hold it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "sense": self.sense,
            "first_note": self.first_note,
            "count": self.count,
            "rate_hz": self.rate_hz,
        }


@dataclass(frozen=True)
class Channels:
    """Any other named channels of one rate and unit, such as force sensors."""

    kind: ClassVar[str] = "channels"

    name: str
    columns: tuple[str, ...]
    unit: str
    rate_hz: float
    sense: str = ""

    def __post_init__(self) -> None:
        """Be a sense of its own unless told otherwise."""
        if not self.sense:
            object.__setattr__(self, "sense", self.name)

    @property
    def width(self) -> int:
        """Columns: one a channel."""
        return len(self.columns)

    @property
    def missing(self) -> float:
        """What stands in a column of which nothing is known."""
        return 0.0

    @property
    def description(self) -> str:
        """Say what it is, in a line."""
        return f"{', '.join(self.columns)} in {self.unit}"

    def as_plain(self) -> dict[str, Any]:
        """Write it with plain values, as cards and recordings hold it."""
        return {
            "kind": self.kind,
            "name": self.name,
            "sense": self.sense,
            "channels": list(self.columns),
            "unit": self.unit,
            "rate_hz": self.rate_hz,
        }


Stream = Landmarks | PianoKeys | Channels
"""One stream of a list."""
