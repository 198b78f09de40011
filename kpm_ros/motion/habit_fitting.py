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

"""Fits the weights of `simulate.finger_habits` to published fingerings, and judges them on others.

    python -m kpm_ros.motion.habit_fitting FOLDER    # with scales/ and arpeggios/ in it

Weights start at what ergonomics suggests, and some way from it, and are changed one at a time while
more fingers become right on the tonics fitted to; scales and arpeggios count the same.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hands import mirrored_note
from kpm_ros.core.piano import FIRST_NOTE, OCTAVE
from kpm_ros.core.sides import LEFT
from kpm_ros.motion.published_fingerings import PublishedFingering, read_fingerings
from kpm_ros.simulate.finger_habits import HabitWeights, note_features, step_features

KINDS = ("scales", "arpeggios")
FITTED_TONICS = (0, 3, 6, 9)
"""C, E flat, F sharp and A: diminished chords on other tonics share no note with them."""
_LETTERS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_FIXED = ("same_finger", "same_finger_far", "same_key", "crossing")
"""Scales and arpeggios do not tell what never happens in them."""
_START = HabitWeights(
    thumb_stretch=0.6,
    stretch=1.5,
    thumb_cramp=0.7,
    cramp=2.0,
    passing=3.0,
    passing_far=1.0,
    passing_index=0.5,
    passing_ring=0.2,
    passing_little=6.0,
    passing_black_thumb=3.0,
    passing_black_finger=-0.2,
    middle=0.3,
    ring=0.3,
    little=0.4,
    black_thumb=2.0,
    black_little=1.0,
)
_TRIED: tuple[Callable[[float], float], ...] = (
    lambda w: 0.5 * w,
    lambda w: 0.8 * w,
    lambda w: 1.25 * w,
    lambda w: 2.0 * w,
    lambda w: w + 0.2,
    lambda w: w - 0.2,
    lambda w: w + 1.0,
    lambda _: 0.0,
)
_ROUNDS = 3
_STARTS = 6
_SPREAD = 0.4
"""How far other starts are from the first: standard deviation of each weight's logarithm."""
_SEED = 0


class Phrases(NamedTuple):
    """Phrases of a right hand, or seen in the mirror, side by side."""

    first: NDArray[np.float64]
    """(phrases, fingers, weights): features of first notes."""
    steps: NDArray[np.float64]
    """(phrases, longest - 1, old finger, new finger, weights)"""
    fingers: NDArray[np.int64]
    """(phrases, longest): the printed fingers from 1 on; 0 where none is, or nothing is left."""


def tonic(name: str) -> int:
    """Semitones above C of the tonic that a page is named after.

    >>> tonic("common_bflat_minor"), tonic("c_major"), tonic("dim7_fsharp")
    (10, 0, 6)
    """
    found = re.search(r"(?:^|_)([a-g])(flat|sharp)?(?:_|$)", name)
    if found is None:
        raise ValueError(f"the page {name!r} does not name its tonic")
    shift = {"flat": -1, "sharp": 1}.get(found[2], 0)
    return (_LETTERS[found[1]] + shift) % OCTAVE


def fitted(page: PublishedFingering) -> bool:
    """Whether the weights were fitted to a page."""
    return tonic(page.name) in FITTED_TONICS


def phrases_of(pages: Iterable[PublishedFingering]) -> Phrases:
    """Lay out both hands' phrases with their usual fingers."""
    found = []
    for page in pages:
        for side, printed in page.fingers.items():
            usual = printed[0] if printed else ((),) * len(page.phrases[side])
            for notes, fingers in zip(page.phrases[side], usual, strict=True):
                if not fingers:
                    continue
                seen = [mirrored_note(note) if side == LEFT else note for note in notes]
                found.append((np.array(seen) - FIRST_NOTE, np.array(fingers)))
    longest = max(len(keys) for keys, _ in found)
    # A phrase that is over stays on its last key, where nothing costs anything.
    keys = np.array([np.pad(keys, (0, longest - len(keys)), "edge") for keys, _ in found])
    over = np.array([np.arange(longest) >= len(keys) for keys, _ in found])
    steps = step_features(keys[:, :-1], keys[:, 1:])
    steps += note_features(keys[:, 1:])[:, :, None]
    steps[over[:, 1:]] = 0.0
    printed_fingers = np.array([np.pad(f, (0, longest - len(f))) for _, f in found])
    return Phrases(note_features(keys[:, 0]), steps, printed_fingers)


def match_rate(phrases: Phrases, weights: NDArray[np.float64]) -> float:
    """Share of printed fingers that the cheapest fingers are."""
    cost = phrases.first @ weights
    steps = phrases.steps @ weights
    came_from = []
    for step in range(steps.shape[1]):
        through = cost[:, :, None] + steps[:, step]
        came_from.append(through.argmin(axis=1))
        cost = through.min(axis=1)
    rows = np.arange(len(cost))
    finger = cost.argmin(axis=1)
    same = 0
    for place in range(steps.shape[1], -1, -1):
        same += int((finger + 1 == phrases.fingers[:, place]).sum())
        if place:
            finger = came_from[place - 1][rows, finger]
    return same / int((phrases.fingers > 0).sum())


def fit(kinds: Iterable[Phrases]) -> HabitWeights:
    """Find weights for some phrases of each kind."""
    of_each = list(kinds)
    start = np.array(list(asdict(_START).values()))
    fixed = np.array([field.name in _FIXED for field in fields(HabitWeights)])

    def worth(weights: NDArray[np.float64]) -> float:
        right = sum(match_rate(phrases, weights) for phrases in of_each) / len(of_each)
        return right - 1e-4 * float(np.abs(weights - start).sum())

    draw = np.random.default_rng(_SEED)
    found = [_climbed(start, worth, draw)]
    for _ in range(_STARTS - 1):
        other = start * np.exp(draw.normal(0.0, _SPREAD, len(start)))
        found.append(_climbed(np.where(fixed, start, other), worth, draw))
    best, _ = max(found, key=lambda one: one[1])
    return HabitWeights(*(round(float(weight), 3) for weight in best))


def _climbed(
    start: NDArray[np.float64],
    worth: Callable[[NDArray[np.float64]], float],
    draw: np.random.Generator,
) -> tuple[NDArray[np.float64], float]:
    """Change one weight after another while that is worth it."""
    names = [field.name for field in fields(HabitWeights)]
    best, best_worth = start, worth(start)
    for _ in range(_ROUNDS):
        for place in draw.permutation(len(names)):
            if names[place] in _FIXED:
                continue
            for change in _TRIED:
                tried = best.copy()
                tried[place] = change(best[place])
                found = worth(tried)
                if found > best_worth + 1e-9:
                    best, best_worth = tried, found
    return best, best_worth


def main() -> None:
    """Fit, and print weights and match rates of what they were fitted to and of the rest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with the folders scales and arpeggios")
    pages = {kind: read_fingerings(parser.parse_args().folder / kind) for kind in KINDS}
    parts = {
        (kind, own): phrases_of(page for page in pages[kind] if fitted(page) == own)
        for kind in KINDS
        for own in (True, False)
    }
    weights = fit(parts[kind, True] for kind in KINDS)
    print(weights)
    values = np.array(list(asdict(weights).values()))
    for (kind, own), phrases in parts.items():
        where = "fitted to" if own else "others"
        print(f"{kind}, {where}: {match_rate(phrases, values):.3f} of {len(phrases.fingers)}")


if __name__ == "__main__":
    main()
