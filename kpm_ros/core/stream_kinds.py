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

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.core.skeletons import Skeleton, SkeletonError, read_written, written

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

MOST_RATE_HZ = 100_000.0
MIDI_NOTES = 128

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")


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
    """In image coordinates: the camera in the keyboard's frame whose picture it is meant to be, as
    in training; where the cameras in use are registered, they are seen through that one."""

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

KINDS: Mapping[str, type[Landmarks] | type[PianoKeys] | type[Channels]] = {
    kind.kind: kind for kind in (Landmarks, PianoKeys, Channels)
}


def read_stream(entry: Any, source: str) -> Stream:
    """Read what a stream's `as_plain` wrote; a StreamError says what is wrong with it."""
    kind = entry.get("kind") if isinstance(entry, dict) else entry
    if not isinstance(entry, dict) or not isinstance(kind, str) or kind not in KINDS:
        raise StreamError(
            f"{source} lists a stream of the kind {kind!r}, but must be one of: {', '.join(KINDS)}"
        )
    given = {name: value for name, value in entry.items() if name != "kind"}
    where = f"{source}: the stream {given.get('name')!r}"
    try:
        if entry["kind"] == Landmarks.kind:
            given["skeleton"] = read_written(given.get("skeleton"), where)
            if given.get("camera") is not None:
                given["camera"] = _read_camera(given["camera"], where)
        if entry["kind"] == Channels.kind:
            columns = given.pop("channels", None)
            if not isinstance(columns, list):
                raise StreamError(f"{where} must list the names of its channels")
            given["columns"] = tuple(columns)
        return KINDS[entry["kind"]](**given)
    except SkeletonError as error:
        raise StreamError(f"{where}: {error}") from None
    except TypeError:
        raise StreamError(
            f"{where} has a field too many or too few for the kind {entry['kind']!r}: "
            f"{', '.join(map(repr, given))}"
        ) from None


def _read_camera(told: Any, where: str) -> Camera:
    from kpm_ros.core.camera_model import SIZES, Camera, CameraError

    if not isinstance(told, dict) or set(told) != set(SIZES):
        raise StreamError(f"{where} has a camera that is no table of {', '.join(SIZES)}")
    try:
        return Camera.from_plain(told, f"{where}: its camera")
    except CameraError as error:
        raise StreamError(str(error)) from None


def check_stream(stream: Stream) -> None:
    """Refuse a stream that cannot be, in a sentence."""
    where = f"the stream {stream.name!r}"
    for what, word in (("name", stream.name), ("sense", stream.sense)):
        if not isinstance(word, str) or not _NAME.fullmatch(word):
            raise StreamError(
                f"a stream's {what} is {word!r}, but must be letters, digits and _, as in a topic"
            )
    rate = stream.rate_hz
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate):
        raise StreamError(f"{where} has the rate {rate!r}, which is no number")
    if not 0 < rate <= MOST_RATE_HZ:
        raise StreamError(f"{where} has {rate:g} samples a second: 0 to {MOST_RATE_HZ:g} can be")
    if isinstance(stream, Landmarks):
        _check_landmarks(stream, where)
    elif isinstance(stream, PianoKeys):
        whole = all(type(n) is int for n in (stream.first_note, stream.count))
        if not whole or not (
            stream.first_note >= 0
            and stream.count >= 1
            and stream.first_note + stream.count <= MIDI_NOTES
        ):
            raise StreamError(
                f"{where} has {stream.count!r} keys from note {stream.first_note!r} on, but MIDI "
                f"has notes 0 to {MIDI_NOTES - 1}"
            )
    else:
        words = (*stream.columns, stream.unit)
        if not stream.columns or not all(
            isinstance(word, str) and 0 < len(word) <= 100 and word.isprintable() for word in words
        ):
            raise StreamError(f"{where} must name each of its channels, and their unit")
        if len(set(stream.columns)) < len(stream.columns):
            raise StreamError(f"{where} names a channel twice")


def _check_landmarks(stream: Landmarks, where: str) -> None:
    if stream.dimensions not in (2, 3):
        raise StreamError(f"{where} has {stream.dimensions!r} dimensions, but must have 2 or 3")
    if stream.coordinates not in (IMAGE, METRIC, KEYBOARD):
        raise StreamError(
            f"{where} has {stream.coordinates!r} coordinates, but must have {IMAGE}, {METRIC} or "
            f"{KEYBOARD}"
        )
    if stream.coordinates == KEYBOARD and stream.dimensions != 3:
        raise StreamError(f"{where} is in the keyboard's frame, which has 3 dimensions")
    if stream.timing not in (JOINED, NEWEST):
        raise StreamError(
            f"{where} has the timing {stream.timing!r}, but must have {JOINED} or {NEWEST}"
        )
    if stream.side not in ("", *SIDES):
        raise StreamError(
            f"{where} is of the side {stream.side!r}, but must be {' or '.join(SIDES)}"
        )
    if stream.camera is not None and stream.coordinates != IMAGE:
        raise StreamError(f"{where} has a camera, but is no picture's")
    if stream.skeleton is None or not len(stream.skeleton):
        raise StreamError(f"{where} has no skeleton")
