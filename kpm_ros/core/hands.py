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

"""Either hand, or both: models know a right hand, and take a left one by its mirror image.

The mirror stands on a D, where the pattern of a keyboard's keys is its own mirror image: there a
left hand at its keys is exactly a right hand at the mirrored keys. Of 88 keys, the five highest
have no mirror image and are not seen by a left hand's model; the five that would lie beyond the
lowest one are at rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import INVALID_SIDE, Flag, FlagBits
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.core.registered_streams import is_virtual
from kpm_ros.core.settings import check_choice
from kpm_ros.core.sides import BOTH, HANDS, LEFT, RIGHT
from kpm_ros.core.streams import (
    KEYBOARD,
    Landmarks,
    PianoKeys,
    Stream,
    StreamError,
    Streams,
)

if TYPE_CHECKING:
    from kpm_ros.core.registration import Registration

MIRROR_NOTE = 62
"""The D next to middle C, on which the mirror stands."""
MIRROR_X_M = float(KEY_X_M[MIRROR_NOTE - FIRST_NOTE])
"""The same in the keyboard's frame."""

_INITIAL = {LEFT: "L_", RIGHT: "R_"}


def sides_of(hand: str) -> tuple[str, ...]:
    """List the sides that are looked for, in the order of their muscles.

    >>> sides_of("both"), sides_of("right")
    (('left', 'right'), ('right',))
    """
    check_choice("hand", hand, HANDS)
    return (LEFT, RIGHT) if hand == BOTH else (hand,)


def mirrored_note(note: int) -> int:
    """The note whose key is another's mirror image.

    >>> mirrored_note(64), mirrored_note(63)
    (60, 61)
    """
    return 2 * MIRROR_NOTE - note


def mirrored(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Mirror points (..., 3) of the keyboard's frame."""
    return np.asarray(points * (-1.0, 1.0, 1.0) + (2 * MIRROR_X_M, 0.0, 0.0))


def muscles_of(muscles: Sequence[str], hand: str) -> tuple[str, ...]:
    """Name the muscles of a model's right hand as those of the hand, or hands, in use.

    >>> muscles_of(["ADM", "1DI"], "both")
    ('L_ADM', 'L_1DI', 'R_ADM', 'R_1DI')
    >>> muscles_of(["ADM", "1DI"], "left"), muscles_of(["ADM", "1DI"], "right")
    (('L_ADM', 'L_1DI'), ('ADM', '1DI'))
    """
    if hand == RIGHT:
        return tuple(muscles)
    bare = [name.removeprefix(_INITIAL[RIGHT]) for name in muscles]
    return tuple(f"{_INITIAL[side]}{name}" for side in sides_of(hand) for name in bare)


def side_of(muscle: str) -> str:
    """Which hand a muscle is of, by its name; empty where the name does not tell.

    >>> side_of("L_ADM"), side_of("ADM")
    ('left', '')
    """
    return next((side for side, letter in _INITIAL.items() if muscle.startswith(letter)), "")


def spoilt_by(muscle: str) -> Flag:
    """Under which flags nobody may act on a muscle's effort.

    >>> spoilt_by("L_ADM") == Flag.INVALID | Flag.LEFT_INVALID, spoilt_by("ADM") == Flag.INVALID
    (True, True)
    """
    return Flag.INVALID | INVALID_SIDE.get(side_of(muscle), Flag(0))


def where_valid(
    effort: NDArray[np.floating[Any]], flags: NDArray[FlagBits], muscles: Sequence[str]
) -> NDArray[np.floating[Any]]:
    """Effort (samples, muscles) that may be acted on; the rest of it is NaN.

    >>> flags = np.array([0, Flag.LEFT_INVALID], FlagBits)
    >>> where_valid(np.ones((2, 2)), flags, ["L_ADM", "R_ADM"]).tolist()
    [[1.0, 1.0], [nan, 1.0]]
    """
    spoilt = flags[:, None] & np.array([spoilt_by(name) for name in muscles], FlagBits)
    return np.where(spoilt, effort.dtype.type(np.nan), effort)


def without_side(muscle: str) -> str:
    """Name a muscle as it is called whichever hand it is of.

    >>> without_side("L_ADM"), without_side("ADM")
    ('ADM', 'ADM')
    """
    for letter in _INITIAL.values():
        muscle = muscle.removeprefix(letter)
    return muscle


def streams_of(streams: Streams, hand: str) -> Streams:
    """Turn what a model of a right hand is given into what the hand, or hands, in use give.

    A view of two hands has a stream for each, named after it: "top" becomes "top_left" and
    "top_right". Keys are shared.
    """
    if hand == RIGHT:
        return streams
    _check(streams)
    listed: list[Stream] = []
    for stream in streams:
        if not isinstance(stream, Landmarks):
            listed.append(stream)
        elif hand == BOTH:
            listed += [
                replace(stream, name=f"{stream.name}_{side}", side=side) for side in sides_of(hand)
            ]
        else:
            listed.append(replace(stream, side=hand))
    return Streams(tuple(listed))


def check_pictures(streams: Streams, hand: str, registration: Registration | None) -> None:
    """Refuse a left hand for a model of pictures, unless it is given views of the space itself.

    A picture's mirror image shows a hand in another room: cameras do not stand on a mirror's axis.
    """
    flat = [
        view
        for view in streams.landmarks
        if view.coordinates != KEYBOARD and not is_virtual(view, registration)
    ]
    if hand == RIGHT or not flat:
        return
    where = (
        f"hand is {hand!r}, but the model takes {flat[0].name} as a camera's picture, whose mirror "
        "image is of another room"
    )
    if flat[0].camera is None:
        raise StreamError(f"{where}: choose a model in the keyboard's frame")
    raise StreamError(
        f"{where}: register the cameras (kpm calibrate, then registration:=FILE), or choose a "
        "model in the keyboard's frame"
    )


def _check(streams: Streams) -> None:
    """Refuse a model that is of no hand, or takes what has no mirror image."""
    views = streams.landmarks
    if not views or any(view.skeleton.mirror for view in views):
        raise StreamError("hand is for models of one hand: this one is of none, or of a body")
    for stream in streams:
        if not isinstance(stream, (Landmarks, PianoKeys)):
            raise StreamError(
                f"a left hand's {stream.name} cannot be told by a model of a right hand's: only "
                "points and keys have a mirror image"
            )


class Mirror:
    """Turns rows of a left hand into rows of a right one, and back."""

    def __init__(self, streams: Streams) -> None:
        """Lay it out for the streams of a model.

        Points in the keyboard's frame are mirrored there. Others are taken to be mirrored already:
        a picture's mirror image would be of another room.
        """
        self._source = np.arange(streams.width)
        self._sign = np.ones(streams.width, np.float32)
        self._shift = np.zeros(streams.width, np.float32)
        self._points: list[slice] = []
        self._beyond: list[tuple[NDArray[np.int64], int]] = []
        for stream in streams:
            first = streams.columns[stream.name].start
            if isinstance(stream, PianoKeys):
                self._lay_keys(stream, first)
            elif isinstance(stream, Landmarks) and stream.coordinates == KEYBOARD:
                points = slice(first, first + stream.points_width)
                across = slice(points.start, points.stop, stream.dimensions)
                self._sign[across], self._shift[across] = -1, 2 * MIRROR_X_M
                self._points.append(points)

    def _lay_keys(self, keys: PianoKeys, first: int) -> None:
        source = np.array(
            [mirrored_note(keys.first_note + k) - keys.first_note for k in range(keys.count)]
        )
        there = (source >= 0) & (source < keys.count)
        if not there.any():
            raise StreamError(f"the keys {keys.name!r} do not reach their mirror image")
        nearest = first + int(source[there].min())
        self._source[first : first + keys.count] = first + np.where(there, source, 0)
        self._beyond.append((first + np.flatnonzero(~there), nearest))

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Mirror rows (n, W); what is given stays as it is."""
        mirrored: NDArray[np.float32] = values[:, self._source] * self._sign + self._shift
        for columns, nearest in self._beyond:
            # No such key: at rest, but not known where nothing is known of the others.
            mirrored[:, columns] = np.minimum(values[:, nearest, None], 0)
        for points in self._points:
            unknown = ~values[:, points].any(axis=1)
            mirrored[unknown, points] = 0
        return mirrored
