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

"""Views, keys and effort of one performance in PianoKPM's files, checked."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.pickle_limits import PickleError
from kpm_ros.learn.recordings.pickles import read_array
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.simulate.release.release_layout import FRAME_RATE_HZ, SAMPLE_RATE_HZ

_UNIT = Fraction(FRAME_RATE_HZ) / Fraction(SAMPLE_RATE_HZ)
UNIT_FRAMES, UNIT_SAMPLES = _UNIT.numerator, _UNIT.denominator
"""A quarter of a second: the shortest time that is a whole number of frames and of samples."""
_FARTHEST_FRACTION = 2.0
"""Landmarks may be seen a little outside an image; beyond this they are pixels."""
_MOST_APART_UNITS = 4
_FEWEST_UNITS = 4

Array = NDArray[np.float32]


class Length(NamedTuple):
    """How much of a performance all of its streams have."""

    frames: int
    samples: int


def common_length(name: str, views: Mapping[str, int], keys: int, effort: int) -> Length:
    """Cut streams to the quarters of a second that all of them have.

    They must agree to within a second: recordings may end a little apart, but not more.
    """
    frames = min(views.values())
    if max(views.values()) - frames > _MOST_APART_UNITS * UNIT_FRAMES:
        lengths = ", ".join(f"{count} in {view}" for view, count in views.items())
        raise RecordingError(f"{name}: the views have different numbers of frames: {lengths}")
    units = (frames // UNIT_FRAMES, keys // UNIT_SAMPLES, effort // UNIT_SAMPLES)
    counts = f"{frames} pose frames, {keys} samples of keys and {effort} of EMG"
    if max(units) - min(units) > _MOST_APART_UNITS:
        raise RecordingError(
            f"{name} has {counts}, which do not belong together: there must be {SAMPLE_RATE_HZ} "
            f"samples for every {FRAME_RATE_HZ} frames"
        )
    if min(units) < _FEWEST_UNITS:
        raise RecordingError(f"{name} has {counts}, but at least a second of all is needed")
    return Length(min(units) * UNIT_FRAMES, min(units) * UNIT_SAMPLES)


def read_view(path: Path, landmarks: int, image_size: tuple[int, int] | None) -> Array:
    """Read a view's landmarks: (frames, landmarks x 2), each one's x, then its y."""
    points = _numbers(path)
    if points.ndim != 3 or points.shape[1] != landmarks or points.shape[2] < 2:
        raise RecordingError(
            f"{path} is {_shape(points)}, but must be (frames, {landmarks}, 2 or more): the "
            "coordinates of the hand's landmarks"
        )
    flat = points[:, :, :2]
    _all_finite(path, flat)
    if np.abs(flat).max(initial=0.0) > _FARTHEST_FRACTION:
        if image_size is None:
            raise RecordingError(
                f"{path} holds coordinates up to {np.abs(flat).max():g}, so they are pixels: give "
                "the image size, such as 1280x720, so that they can be made fractions of it"
            )
        flat = flat / np.asarray(image_size, np.float32)
    return flat.reshape(len(flat), landmarks * 2)


def read_keys(path: Path, keys: int) -> Array:
    """Read the depth of all keys: (samples, keys); -1 where a key is not sensed."""
    return _table(path, keys, "the depth of each key")


def read_effort(path: Path, muscles: int) -> Array:
    """Read the EMG envelopes: (samples, muscles)."""
    return _table(path, muscles, "the envelope of each muscle")


def _table(path: Path, columns: int, meaning: str) -> Array:
    table = _numbers(path)
    if table.ndim != 2 or table.shape[1] != columns:
        raise RecordingError(
            f"{path} is {_shape(table)}, but must be (samples, {columns}): {meaning}"
        )
    _all_finite(path, table)
    return table


def _numbers(path: Path) -> Array:
    """Read a pickle file's array."""
    try:
        return np.asarray(read_array(path), dtype=np.float32)
    except PickleError as error:
        raise RecordingError(f"{path} {error}") from None
    except FileNotFoundError:
        raise RecordingError(f"{path} is missing") from None


def _all_finite(path: Path, values: Array) -> None:
    good = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
    if not good.all():
        first = int(np.argmin(good))
        raise RecordingError(
            f"{path} holds {int((~good).sum())} rows with values that are not numbers (NaN or "
            f"infinite), the first of them row {first}: fill or cut these"
        )


def _shape(array: Array) -> str:
    return f"({', '.join(str(size) for size in array.shape)})"
