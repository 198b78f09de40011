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

"""Streams as others wrote them: read, checked, and refused in a sentence."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kpm_ros.core.skeletons import SkeletonError, read_written
from kpm_ros.core.stream_kinds import (
    IMAGE,
    JOINED,
    KEYBOARD,
    METRIC,
    MIDI_NOTES,
    NEWEST,
    SIDES,
    Channels,
    Landmarks,
    PianoKeys,
    Stream,
    StreamError,
)

if TYPE_CHECKING:
    from kpm_ros.core.camera_model import Camera

MOST_RATE_HZ = 100_000.0

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")

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
                given["camera"] = read_camera(given["camera"], where)
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


def read_camera(told: Any, where: str) -> Camera:
    """Read what a camera's `as_plain` wrote; a StreamError says what is wrong with it."""
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
