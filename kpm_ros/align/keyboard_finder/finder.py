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

"""From pictures of a piano to where the camera stands: found, or said why not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.keyboard_finder.black_keys import Pattern, find_patterns
from kpm_ros.align.keyboard_finder.borders import Picture, look
from kpm_ros.align.keyboard_finder.camera_fit import Fit, improved
from kpm_ros.align.keyboard_finder.extent import (
    Ends,
    black_support,
    extended,
    layout,
    mirrored_layout,
    with_ends,
)
from kpm_ros.align.keyboard_finder.first_guess import LOWEST_M, cameras_of
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.align.keyboard_finder.outline import Kind
from kpm_ros.core.keyboard import OCTAVE_M, WHITE_WIDTH_M, Keyboard
from kpm_ros.core.piano import OCTAVE
from kpm_ros.sense.camera.opencv import load_opencv

Image = NDArray[np.uint8]

FEWEST_KEYS = 7
"""Black keys that must be seen: fewer may be a pattern of anything."""
LEAST_SUPPORT = 0.55
"""Fraction of the borders in the picture that must be found where they should be."""
LEAST_LEAD = 0.12
"""How much less of them may be found with the keyboard moved by some keys."""
WORST_PX = 1.2
"""Root mean square of how far they may be off."""
WORST_MM = 5.0
"""The same on the keys, of 95 in 100."""
PATTERN = (Kind.BLACK_SIDE, Kind.BLACK_FRONT)
INNER = (*PATTERN, Kind.GAP)
"""What does not depend on where the keyboard ends."""
ROUGH_REACHES_PX = (8.0, 6.0, 4.0)
MOST_PLACES = 2
"""From which one pattern may be seen, that are looked into."""
WIDER = 14
"""Black keys by which a fit goes on to either side at a time."""


class NoKeyboardError(ValueError):
    """No keyboard that one can be sure of: a sentence says why."""


@dataclass(frozen=True)
class FoundKeyboard:
    """A keyboard in a picture, and the camera that sees it so."""

    fit: Fit
    ends: Ends
    upside_down: bool

    @property
    def octave_known(self) -> bool:
        """Whether its keys are those of a usual piano with both ends in the picture."""
        return self.ends.left and self.ends.right and layout(self.fit.keyboard) is not None


def find_keyboard(
    images: Sequence[Image], lens: Lens, usual: Keyboard | None = None
) -> FoundKeyboard:
    """Find the keyboard in pictures that one camera took from one place.

    Several are taken together: hands are elsewhere in each. Which octave it is in is known only
    where both its ends are seen; `octaves_moved` puts it into another. `usual` has the measures to
    begin with. NoKeyboardError says why there is none.
    """
    calm = middle_of(images)
    found = _find(calm, lens, usual or Keyboard())
    if isinstance(found, FoundKeyboard):
        return found
    cv2 = load_opencv()
    turned = _find(np.ascontiguousarray(cv2.flip(calm, 1)), lens, usual or Keyboard())
    if isinstance(turned, FoundKeyboard) and turned.octave_known:
        raise NoKeyboardError(MIRRORED)
    raise NoKeyboardError(found)


LOW = (
    "; along the keys from less than 45 degrees above them each black key hides the gap to the "
    "next, so such a camera is placed by playing (--from, --listen) or by --corners"
)
MIRRORED = (
    "the picture is a mirror image: its keys begin and end as a piano's do in a mirror; turn "
    "mirroring off in the camera, or set its `flip` to horizontal"
)


def middle_of(images: Sequence[Image]) -> Image:
    """Take the median of pictures of one size: what moves across it is gone."""
    sizes = {image.shape[:2] for image in images}
    if len(sizes) != 1:
        shown = ", ".join(f"{width}x{height}" for height, width in sorted(sizes)) or "none"
        raise NoKeyboardError(f"all pictures of a camera must be of one size, not {shown}")
    if len(images) == 1:
        return images[0]
    return np.median(np.stack(images), axis=0).astype(np.uint8)


def _find(image: Image, lens: Lens, usual: Keyboard) -> FoundKeyboard | str:
    cv2 = load_opencv()
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) if image.ndim == 3 else image
    picture = Picture.of(grey)
    patterns = _different(find_patterns(grey, 24))
    if not patterns:
        return f"no keyboard is seen: no row of black keys in groups of two and three{LOW}"
    fits = [fit for pattern in patterns for fit in _grown(picture, pattern, lens, usual)]
    if not fits:
        return "no keyboard is seen: what looks like black keys lies as no piano's do"
    best = max(fits, key=_weight)
    keyboard, ends = with_ends(picture, best.camera, best.keyboard)
    fit = improved([picture], lens, best.camera, keyboard)
    fit = _in_usual_octave(fit, ends)
    if ends.left and ends.right and layout(keyboard) is None and mirrored_layout(keyboard):
        return MIRRORED
    if doubt := _doubt(picture, fit):
        return doubt
    across = fit.camera.pixels(
        np.array([[x, 0.0, 0.0] for x in (keyboard.left_m, keyboard.right_m)])
    )
    return FoundKeyboard(fit, ends, bool(across[0, 0] > across[1, 0]))


def _different(patterns: Sequence[Pattern], most: int = 4) -> list[Pattern]:
    """Keep the best of those that lie at one place the same way round."""
    kept: list[Pattern] = []
    for pattern in patterns:
        if not any(_alike(pattern, other) for other in kept):
            kept.append(pattern)
    return kept[:most]


def _alike(one: Pattern, other: Pattern) -> bool:
    size = np.linalg.norm(other.ends[:, 1] - other.ends[:, 0], axis=-1).mean()
    apart = np.linalg.norm(one.ends[:, None, 0] - other.ends[:, 0], axis=-1).min(axis=1)
    return bool(np.median(apart) < 0.3 * size)


def _grown(picture: Picture, pattern: Pattern, lens: Lens, usual: Keyboard) -> Iterator[Fit]:
    """Fit to a pattern's keys, then to ever more of their neighbours."""
    low, high = (int(note) for note in (pattern.notes.min(), pattern.notes.max()))
    keyboard = replace(usual, first_note=low - 1, keys=high - low + 3)
    places = list(cameras_of(pattern, lens.camera, usual))
    reach = ROUGH_REACHES_PX[0]
    places.sort(key=lambda place: -look(picture, place, keyboard, reach).support(*INNER))
    for camera in places[:MOST_PLACES]:
        fit = improved([picture], lens, camera, keyboard, ROUGH_REACHES_PX, INNER)
        for _ in range(8):
            fit = octaves_moved(fit, _octaves_to_middle(fit.keyboard))
            wider = extended(picture, fit.camera, fit.keyboard, WIDER)
            same = (wider.first_note, wider.keys) == (fit.keyboard.first_note, fit.keyboard.keys)
            fit = improved([picture], lens, fit.camera, wider, ROUGH_REACHES_PX[1:], INNER)
            if same:
                break
        if fit.camera.position[2] > LOWEST_M:
            yield fit


def _octaves_to_middle(keyboard: Keyboard) -> int:
    """How many octaves away from the middle of MIDI's notes keys are: there both ends are free."""
    return round((64 - (keyboard.notes[0] + keyboard.notes[-1]) / 2) / OCTAVE)


def _weight(fit: Fit) -> float:
    """How much of a keyboard a fit explains: black keys that are there, less those that are not."""
    support = black_support(fit.found, fit.keyboard)
    gaps = fit.found.outline.kind == Kind.GAP
    lines = fit.found.hit[gaps].mean() if gaps.any() else 0.0
    return float(np.nansum(np.clip(support - 0.3, 0, None)) * (0.5 + lines))


def octaves_moved(fit: Fit, octaves: int) -> Fit:
    """Call the same keys by notes that many octaves higher; the camera stays where it is."""
    shift = np.array([octaves * OCTAVE_M, 0.0, 0.0])
    moved = fit.camera.shifted(shift)
    keyboard = replace(fit.keyboard, first_note=fit.keyboard.first_note + octaves * OCTAVE)
    points = fit.found.outline.points + shift
    found = replace(fit.found, outline=replace(fit.found.outline, points=points))
    return replace(fit, camera=moved, keyboard=keyboard, found=found)


def _in_usual_octave(fit: Fit, ends: Ends) -> Fit:
    first = layout(fit.keyboard)
    if not (ends.left and ends.right) or first is None:
        return fit
    return octaves_moved(fit, (first - fit.keyboard.first_note) // OCTAVE)


def _doubt(picture: Picture, fit: Fit) -> str:
    """Say why a fit is not to be relied on; empty when it is."""
    support = black_support(fit.found, fit.keyboard)
    seen = int((support >= 0.5).sum())
    if seen < FEWEST_KEYS:
        return f"only {seen} of its black keys are seen, but {FEWEST_KEYS} must be, to be sure{LOW}"
    whole = fit.found.support()
    if whole < LEAST_SUPPORT:
        return (
            f"only {100 * whole:.0f} % of the keys' borders are where a keyboard would have them, "
            f"but {100 * LEAST_SUPPORT:.0f} % are needed to be sure"
        )
    off_px = float(np.sqrt((fit.errors_px() ** 2).mean()))
    off_mm = float(np.percentile(fit.errors_mm(), 95))
    if off_px > WORST_PX or off_mm > WORST_MM:
        return (
            f"the keys' borders are off by {off_px:.1f} pixels and {off_mm:.1f} mm on the keys, "
            f"but at most {WORST_PX} and {WORST_MM} are sure: is the lens what was said"
        )
    rival = max(_support_moved(picture, fit, keys) for keys in (-3, -2, -1, 1, 2, 3))
    own = fit.found.support(*PATTERN)
    if own - rival < LEAST_LEAD:
        return (
            f"the keyboard moved by a few keys fits nearly as well ({100 * rival:.0f} % against "
            f"{100 * own:.0f} % of the black keys' borders)"
        )
    return ""


def _support_moved(picture: Picture, fit: Fit, whites: int) -> float:
    """Find what a keyboard moved by white keys explains, without the lines between those."""
    moved = fit.camera.shifted(np.array([-whites * WHITE_WIDTH_M, 0.0, 0.0]))
    return look(picture, moved, fit.keyboard, 2.0).support(*PATTERN)
