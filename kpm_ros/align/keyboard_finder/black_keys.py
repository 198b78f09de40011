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

"""The pattern of black keys in a picture: dark bars in a row, in groups of two and three."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Floats
from kpm_ros.core.keyboard import centre_m, is_black
from kpm_ros.sense.camera.opencv import load_opencv

KERNELS = (7, 11)
"""Black keys are looked for that are thinner than this, in pixels of each level of the pyramid."""
LEVELS = 4
LARGEST = 1600
"""A picture is not looked at more finely than with this many pixels along its longer side."""
DARKER = 0.35
"""Than the white around it, as a fraction, is a black key at least."""
FEWEST = 5
"""Bars that make a pattern; fewer may be anything."""
ON_KEY_M = 0.006
"""A bar is that key whose middle is no farther off."""
MIDDLE_NOTES = range(1, 127)
_NOTES = np.array([note for note in MIDDLE_NOTES if is_black(note)])
_X = np.array([centre_m(int(note)) for note in _NOTES])
_START = 25
"""Index into these lists, in the middle, from where on a pattern is numbered before it is known
which octave it is in."""


@dataclass(frozen=True)
class Bars:
    """Dark bars of a picture, in its pixels."""

    middle: NDArray[np.float64]
    ends: NDArray[np.float64]
    """(n, 2 ends, 2)"""
    width: NDArray[np.float64]

    @property
    def length(self) -> NDArray[np.float64]:
        """Of each."""
        return np.asarray(np.linalg.norm(self.ends[:, 1] - self.ends[:, 0], axis=-1))

    def taken(self, which: Any) -> Bars:
        """Keep some, or bring them in order."""
        return Bars(self.middle[which], self.ends[which], self.width[which])


@dataclass(frozen=True)
class Pattern:
    """Bars that lie as black keys do; which octave they are in is not known."""

    notes: NDArray[np.int64]
    ends: NDArray[np.float64]
    """(n, 2, 2), front and back, in pixels."""

    @property
    def count(self) -> int:
        """How many keys."""
        return len(self.notes)


def find_patterns(grey: NDArray[np.uint8], most: int = 6) -> list[Pattern]:
    """Find what may be the black keys of a piano, the best first, either side as the front."""
    found: list[Pattern] = []
    for bars in _bars(grey):
        for row in _rows(bars):
            found += _matched(row)
    found.sort(key=lambda pattern: -pattern.count)
    return found[:most]


def _bars(grey: NDArray[np.uint8]) -> Iterator[Bars]:
    """Find dark bars of every size."""
    cv2 = load_opencv()
    shrink = max(1.0, max(grey.shape) / LARGEST)
    if shrink > 1:
        grey = cv2.resize(grey, None, fx=1 / shrink, fy=1 / shrink, interpolation=cv2.INTER_AREA)
    for _ in range(LEVELS):
        for kernel in KERNELS:
            yield _bars_at(grey, kernel, shrink)
        if min(grey.shape) < 120:
            return
        grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        shrink *= 2


def _bars_at(grey: NDArray[np.uint8], kernel: int, shrink: float) -> Bars:
    cv2 = load_opencv()
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (kernel, kernel))
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc)
    dark = (closed - grey > DARKER * closed) & (closed > 50)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8))
    middles, ends, widths = [], [], []
    for label in range(1, min(count, 4000)):
        left, top, width, height, area = stats[label]
        if area < 8 or max(width, height) > 15 * kernel:
            continue
        part = labels[top : top + height, left : left + width] == label
        ys, xs = np.nonzero(part)
        points = np.stack((xs, ys), axis=-1).astype(np.float64)
        middle = points.mean(axis=0)
        spread = np.cov((points - middle).T) + np.eye(2) / 12
        values, vectors = np.linalg.eigh(spread)
        short, long = np.sqrt(12 * values)
        if long < 1.7 * short or not 0.25 * kernel <= short <= kernel or area < 0.6 * short * long:
            continue
        axis = vectors[:, 1]
        along = (points - middle) @ axis
        low, high = np.percentile(along, (1, 99))
        middle = np.add(middle, (left, top))
        middles.append(middle)
        ends.append([middle + (low - 0.5) * axis, middle + (high + 0.5) * axis])
        widths.append(short)
    if not middles:
        return Bars(np.zeros((0, 2)), np.zeros((0, 2, 2)), np.zeros(0))
    scale = lambda pixels: (np.array(pixels) + 0.5) * shrink - 0.5  # noqa: E731
    return Bars(scale(middles), scale(ends), np.array(widths) * shrink)


def _rows(bars: Bars, most: int = 3) -> Iterator[Bars]:
    """Find bars that stand side by side along a line, in their order along it."""
    left = bars
    for _ in range(most):
        if len(left.width) < FEWEST:
            return
        best = _best_row(left)
        if best.sum() < FEWEST:
            return
        row = left.taken(best)
        along = np.linalg.svd(row.middle - row.middle.mean(axis=0))[2][0]
        yield row.taken(np.argsort(row.middle @ along))
        left = left.taken(~best)


def _best_row(bars: Bars) -> NDArray[np.bool_]:
    middle, length = bars.middle, bars.length
    axis = (bars.ends[:, 1] - bars.ends[:, 0]) / length[:, None]
    best = np.zeros(len(middle), bool)
    apart = np.linalg.norm(middle[:, None] - middle, axis=-1)
    near = np.argsort(apart, axis=1)[:, 1:5]
    for first in range(len(middle)):
        for second in near[first]:
            way = middle[second] - middle[first]
            if not 0.2 * length[first] < apart[first, second] < 8 * length[first]:
                continue
            if not 0.5 < length[second] / length[first] < 2:
                continue
            way = way / apart[first, second]
            off = np.abs((middle - middle[first]) @ np.array([-way[1], way[0]]))
            place = (middle - middle[first]) @ way
            # Black keys grow and turn evenly along the row, as perspective has it.
            slow = 1 + np.abs(place) / (12 * length[first])
            alike = np.abs(np.log(length / length[first])) < 0.35 * slow
            turned = np.abs(axis[:, 0] * axis[first, 1] - axis[:, 1] * axis[first, 0])
            alike &= (off < 0.22 * length) & (turned < 0.25 * slow)
            if alike.sum() > best.sum():
                best = alike
    return best


def _matched(row: Bars) -> list[Pattern]:
    """Number a row's bars as black keys, in each way round and for each side as the front."""
    way = np.linalg.svd(row.middle - row.middle.mean(axis=0))[2][0]
    found = []
    for sign in (1.0, -1.0):
        along = sign * way
        place = (row.middle - row.middle.mean(axis=0)) @ along
        order = np.argsort(place)
        numbered = _numbered(place[order])
        if numbered is None:
            continue
        index, good = numbered
        bars = row.taken(order[good])
        # Seen from above, with x to the right the fallboard is to the left of that direction.
        back = np.array([along[1], -along[0]])
        depth = (bars.ends - bars.middle[:, None]) @ back
        ends = np.where((depth[:, 0] < depth[:, 1])[:, None, None], bars.ends, bars.ends[:, ::-1])
        found.append(Pattern(_NOTES[index], ends))
    return found


def _numbered(place: Floats) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Say which black keys lie at these places of a line: index of key and of place."""
    best: tuple[float, Any] = (0.0, None)
    window = min(6, len(place))
    for begin in range(len(place) - window + 1):
        part = place[begin : begin + window]
        step = float(np.median(np.diff(part)))
        if step <= 0:
            continue
        for phase in range(5):
            x = _X[_START + phase : _START + phase + window]
            if (mapping := _line_map(part, x)) is None:
                continue
            off = np.abs(_mapped(mapping, part) - x)
            if not off.max() < ON_KEY_M:
                continue
            index, good, off = _extended(mapping, place)
            score = len(good) - float(np.sum(off / ON_KEY_M) / 2)
            if len(good) >= FEWEST and score > best[0]:
                best = (score, (index, good))
    return best[1] if best[1] is not None else None


def _extended(
    mapping: Floats, place: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Number further places, and fit to all of them."""
    index = good = np.zeros(0, np.int64)
    off = np.zeros(0)
    for _ in range(5):
        x = _mapped(mapping, place)
        nearest = np.abs(x[:, None] - _X).argmin(axis=1)
        off = np.abs(x - _X[nearest])
        fits = np.flatnonzero(np.isfinite(x) & (off < ON_KEY_M))
        # Two bars of one key: the nearer one is it.
        fits = np.array(
            [at for at in fits if off[at] == off[fits[nearest[fits] == nearest[at]]].min()],
            np.int64,
        )
        same = np.array_equal(fits, good)
        index, good = nearest[fits], fits
        off = off[fits]
        if same or len(good) < 4:
            break
        refitted = _line_map(place[good], _X[index])
        if refitted is None:
            break
        mapping = refitted
    return index, good, off


def _line_map(place: Floats, x: Floats) -> NDArray[np.float64] | None:
    """Fit x = (a p + b) / (c p + 1); None where it would turn over within the places."""
    middle, scale = float(np.mean(place)), float(np.ptp(place)) or 1.0
    p = (place - middle) / scale
    rows = np.stack((p, np.ones_like(p), -x * p), axis=-1)
    a, b, c = np.linalg.lstsq(rows, x, rcond=None)[0]
    if not (c * p + 1 > 0.1).all() or a - b * c <= 0:
        return None
    return np.array([a, b, c, middle, scale])


def _mapped(mapping: Floats, place: Floats) -> NDArray[np.float64]:
    a, b, c, middle, scale = mapping
    p = (place - middle) / scale
    below = c * p + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(below > 0.05, (a * p + b) / below, np.nan))
