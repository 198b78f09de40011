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

"""Which keys a piano has: how far they go on in the picture, where they end, what that makes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.borders import Found, Picture, look
from kpm_ros.align.keyboard_finder.outline import Kind
from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import Keyboard, is_black
from kpm_ros.core.piano import OCTAVE

LAYOUTS = {88: 21, 85: 21, 76: 28, 73: 28, 61: 36, 49: 36, 37: 48, 25: 48}
"""Lowest notes of keyboards by the number of their keys, as makers have them."""
REACH_PX = 3.0
SEEN = 0.5
"""Fraction of a key's borders that must be found for it to be there."""
HIDDEN_KEYS = 8
"""Black keys in a row that hands may hide."""
END_SEEN = 0.6
DARK_OUTSIDE = 0.75
"""How bright it may be beside a keyboard's end, against its last white key."""


@dataclass(frozen=True)
class Ends:
    """Whether a keyboard's ends are in the picture."""

    left: bool
    right: bool


def black_support(found: Found, keyboard: Keyboard) -> NDArray[np.float64]:
    """Fraction that was found of each black key's borders, of that side which was found least.

    Not a number where none can be seen. One side alone is no key: it may be the piano's end.
    """
    expected = found.outline
    black = np.isin(expected.kind, (Kind.BLACK_SIDE, Kind.BLACK_FRONT))
    side = 1 + np.sign(expected.bright[:, 0]).astype(int)
    least = np.full(len(keyboard.blacks_m), np.inf)
    for part in range(3):
        ours = black & (side == part)
        keys = expected.key[ours]
        count = np.bincount(keys, minlength=len(least))
        hits = np.bincount(keys, found.hit[ours], minlength=len(least))
        enough = count >= 3
        least[enough] = np.minimum(least[enough], hits[enough] / count[enough])
    return np.where(np.isfinite(least), least, np.nan)


def extended(picture: Picture, camera: Camera, keyboard: Keyboard, by: int) -> Keyboard:
    """Go on with the keys to both sides, `by` black keys at most, as far as they are seen."""
    low = max(0, keyboard.first_note - 3 * by)
    high = min(127, keyboard.notes[-1] + 3 * by)
    wider = _of(keyboard, low, high)
    found = look(picture, camera, wider, REACH_PX)
    support = black_support(found, wider)
    notes = wider.black_notes
    own = [note for note in keyboard.notes if is_black(note)]
    first = _last_seen(notes[::-1], support[::-1], own[0], by)
    last = _last_seen(notes, support, own[-1], by)
    return _of(keyboard, _white_beside(first, -1), _white_beside(last, 1))


def _last_seen(notes: NDArray[np.int64], support: NDArray[np.float64], start: int, by: int) -> int:
    """Go along the keys from one of them; a few that hands hide are passed over."""
    place = int(np.flatnonzero(notes == start)[0])
    last = place
    for at in range(place + 1, min(place + by + 1, len(notes))):
        if support[at] >= SEEN:
            gap = at - last - 1
            beyond = support[at : at + 3]
            if gap == 0 or (len(beyond) == 3 and (beyond >= SEEN).all()):
                last = at
        if at - last > HIDDEN_KEYS:
            break
    return int(notes[last])


def with_ends(picture: Picture, camera: Camera, keyboard: Keyboard) -> tuple[Keyboard, Ends]:
    """Find where the last white key ends on either side of the outermost black ones."""
    first, left = _end(picture, camera, keyboard, -1)
    last, right = _end(picture, camera, keyboard, 1)
    return _of(keyboard, first, last), Ends(left, right)


def _end(picture: Picture, camera: Camera, keyboard: Keyboard, side: int) -> tuple[int, bool]:
    blacks = [note for note in keyboard.notes if is_black(note)]
    if side > 0:
        blacks.reverse()
    # The outermost black key may be the case beside the last white one.
    for black in reversed(blacks[:2]):
        best, best_seen = _end_beyond(picture, camera, keyboard, black, side)
        if best_seen >= END_SEEN:
            return best, True
    return _white_beside(blacks[0], side), False


def _end_beyond(
    picture: Picture, camera: Camera, keyboard: Keyboard, black: int, side: int
) -> tuple[int, float]:
    """Find the white key beyond a black one that ends best, and how much of its end is seen."""
    white = _white_beside(black, side)
    kind = Kind.RIGHT if side > 0 else Kind.LEFT
    best, best_seen = white, 0.0
    while 0 <= white <= 127:
        low, high = (keyboard.first_note, white) if side > 0 else (white, keyboard.notes[-1])
        found = look(picture, camera, _of(keyboard, low, high), REACH_PX)
        ours = found.outline.kind == kind
        points = found.outline.points[ours]
        before = points[:, 1] < keyboard.black_front_m
        # What the picture cuts off is no end; beside black keys their own borders are seen.
        if before.sum() >= 3 and ours.sum() >= 8:
            hit = found.hit[ours]
            seen = float(min(hit.mean(), hit[before].mean()))
            inwards = found.outline.bright[ours][0]
            if seen > best_seen and _ends_in_dark(picture, camera, points[before], inwards):
                best, best_seen = white, seen
        if is_black(white + side):
            break
        white += side
    return best, best_seen


def _ends_in_dark(
    picture: Picture, camera: Camera, points: NDArray[np.float64], inwards: NDArray[np.float64]
) -> bool:
    """Whether it is white inside and darker outside, unlike on both sides of a gap."""
    inside, outside = (
        float(np.median(picture.at(camera.pixels(points + millimetres * inwards))))
        for millimetres in (5.0, -5.0)
    )
    return outside < DARK_OUTSIDE * inside


def layout(keyboard: Keyboard) -> int | None:
    """Lowest note of the usual piano that begins and ends on these keys; None for no usual one."""
    first = LAYOUTS.get(keyboard.keys)
    if first is None or (keyboard.first_note - first) % OCTAVE:
        return None
    return first


def mirrored_layout(keyboard: Keyboard) -> int | None:
    """Keys of the usual piano whose mirror image begins and ends on these keys."""
    # In a mirror, D and G sharp stay; C becomes E, A becomes G.
    last = (4 - keyboard.first_note) % OCTAVE
    first = (4 - keyboard.notes[-1]) % OCTAVE
    for keys, usual in LAYOUTS.items():
        if keys == keyboard.keys and first == usual % OCTAVE:
            return keys if last == (usual + keys - 1) % OCTAVE else None
    return None


def _white_beside(note: int, side: int) -> int:
    return note if not is_black(note) else note + side


def _of(keyboard: Keyboard, low: int, high: int) -> Keyboard:
    low, high = max(0, low), min(127, high)
    return replace(keyboard, first_note=low, keys=high - low + 1)
