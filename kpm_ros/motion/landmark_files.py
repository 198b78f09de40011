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

"""Hands' landmarks from tables and arrays that others have written, as a movement of hands.

A table (.csv) has a column `time_s` and, for each point of the skeleton "mediapipe-hand", columns
such as `index_tip_x`, `index_tip_y`, `index_tip_z` in metres; of two hands `left_index_tip_x` and
`right_index_tip_x`. An empty cell says that the hand was not seen. Arrays (.npz) are a movement
that this package has saved, or `right` and `left` (frames, 21, 3), with `times_s` (frames,) or
`rate_hz`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import CSV_BYTES, opened, printable, read_arrays, reading
from kpm_ros.core.hand_motion import POINTS, RATES_HZ, HandMotion, MotionError, OneHandMotion
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.simulate.hand import HAND_SKELETON

Array = NDArray[np.float64]

SUFFIXES = (".csv", ".npz")
TIME = "time_s"
FARTHEST_M = 5.0
"""Of a landmark from the origin: what is farther was not written in metres."""
LONGEST_GAP = 1.5
"""Intervals between two rows beyond which the hand counts as not seen between them."""


def read_motion(path: Path | str, usual_side: str = RIGHT) -> HandMotion:
    """Read a movement from a table or from arrays; a MotionError says what is wrong with a file.

    `usual_side` is the hand of a table whose columns name none.
    """
    path = Path(path).expanduser()
    if path.suffix == ".csv":
        return _read_table(path, usual_side)
    with reading(path, "a movement of hands", MotionError):
        arrays = read_arrays(path)
    if "about" in arrays:
        return HandMotion.load(path)
    hands = {side: arrays[side] for side in (RIGHT, LEFT) if side in arrays}
    if not hands:
        raise MotionError(
            f"{path} has the arrays {printable(', '.join(arrays)) or 'none'}, but must have "
            "'right' or 'left', or be a movement that `kpm annotate` or `kpm generate` has written"
        )
    with reading(path, "landmarks of hands", MotionError):
        frames = len(next(iter(hands.values())))
        if "times_s" in arrays:
            times_s = np.asarray(arrays["times_s"], np.float64).reshape(-1)
        elif "rate_hz" in arrays:
            times_s = np.arange(frames) / float(arrays["rate_hz"])
        else:
            raise MotionError(
                f"{path} has no array times_s, nor rate_hz, that says when frames are"
            )
        return steady_motion(path, times_s, {side: _points(path, hands[side]) for side in hands})


def _read_table(path: Path, usual_side: str) -> HandMotion:
    with reading(path, "a table of landmarks", MotionError):
        with opened(path, CSV_BYTES) as file:
            rows = csv.reader(io.TextIOWrapper(file, "utf-8-sig", newline=""))
            head = [name.strip() for name in next(rows, [])]
            places = _places(path, head, usual_side)
            table = np.array(
                [[_number(cell) for cell in row] for row in rows if len(row) == len(head)],
                np.float64,
            ).reshape(-1, max(len(head), 1))
        table = table[np.isfinite(table[:, head.index(TIME)])]
        hands = {side: table[:, columns].reshape(-1, POINTS, 3) for side, columns in places.items()}
        return steady_motion(path, table[:, head.index(TIME)], hands)


def _places(path: Path, head: list[str], usual_side: str) -> Mapping[str, list[int]]:
    """Where the columns of each hand are, point by point."""
    if TIME not in head:
        raise MotionError(f"{path} has no column {TIME!r} of seconds")
    wanted = [f"{point}_{axis}" for point in HAND_SKELETON.points for axis in "xyz"]
    found: dict[str, list[int]] = {}
    for side, prefix in ((RIGHT, "right_"), (LEFT, "left_"), (usual_side, "")):
        named = [f"{prefix}{name}" for name in wanted]
        lacking = [name for name in named if name not in head]
        if not lacking:
            found[side] = [head.index(name) for name in named]
        elif len(lacking) < len(named):
            raise MotionError(f"{path} lacks the column {lacking[0]!r} of its {len(named)}")
    if not found:
        raise MotionError(
            f"{path} has no landmarks: it must have columns such as {wanted[0]!r}, or "
            f"'left_{wanted[0]}' and 'right_{wanted[0]}' of two hands, in metres"
        )
    return found


def _points(path: Path, values: NDArray[Any]) -> Array:
    if values.ndim != 3 or values.shape[1:] != (POINTS, 3):
        raise MotionError(
            f"{path} has landmarks of the shape {values.shape}, but must have (frames, {POINTS}, 3)"
        )
    return np.asarray(values, np.float64)


def steady_motion(path: Path, times_s: Array, hands: Mapping[str, Array]) -> HandMotion:
    """Put rows at their times onto a steady rate, by straight lines."""
    order = np.argsort(times_s, kind="stable")
    times_s = times_s[order]
    hands = {side: points[order] for side, points in hands.items()}
    apart = np.diff(times_s)
    usual_s = float(np.median(apart)) if len(apart) else 0.0
    if not RATES_HZ[0] <= 1.0 / max(usual_s, 1e-9) <= RATES_HZ[1]:
        raise MotionError(
            f"{path} has {len(times_s)} rows, {usual_s:g} s apart, but must have several, "
            f"{1 / RATES_HZ[1]:g} to {1 / RATES_HZ[0]:g} s apart"
        )
    rate_hz = 1.0 / usual_s
    steady_s = times_s[0] + np.arange(round((times_s[-1] - times_s[0]) * rate_hz) + 1) / rate_hz
    # A rate that is a whole number is meant to be one.
    rate_hz = float(round(rate_hz)) if abs(rate_hz - round(rate_hz)) < 0.01 else rate_hz
    made = {side: _hand(path, times_s, points, steady_s) for side, points in hands.items()}
    return HandMotion(
        rate_hz,
        made,
        start_s=float(times_s[0]),
        title=printable(path.stem, 60),
        source=f"landmarks of {printable(path.name, 60)}",
    )


def _hand(path: Path, times_s: Array, points: Array, steady_s: Array) -> OneHandMotion:
    farthest = float(np.abs(points[np.isfinite(points)]).max(initial=0.0))
    if farthest > FARTHEST_M:
        raise MotionError(
            f"{path} has a landmark at {farthest:.4g}, but must have metres of at most "
            f"{FARTHEST_M:g}"
        )
    seen = np.isfinite(points).all(axis=(1, 2))
    if not seen.any():
        raise MotionError(f"{path} has no row in which all {POINTS} points of a hand are known")
    own_s, rows = times_s[seen], points[seen].reshape(seen.sum(), -1)
    usual_s = float(np.median(np.diff(own_s))) if len(own_s) > 1 else 0.0
    after = np.clip(np.searchsorted(own_s, steady_s), 0, len(own_s) - 1)
    before = np.maximum(after - 1, 0)
    away_s = np.minimum(np.abs(own_s[after] - steady_s), np.abs(steady_s - own_s[before]))
    between = (own_s[before] <= steady_s) & (steady_s <= own_s[after])
    short = between & (own_s[after] - own_s[before] <= LONGEST_GAP * usual_s)
    visible = short | (away_s <= usual_s / 4)
    drawn = np.stack([np.interp(steady_s, own_s, column) for column in rows.T], axis=1)
    drawn[~visible] = np.nan
    return OneHandMotion(visible, landmarks=drawn.reshape(-1, POINTS, 3).astype(np.float32))


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")
