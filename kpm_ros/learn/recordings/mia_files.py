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
"""The files of one window of Muscles in Action's layout, checked."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MB, read_bytes, reading
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.models.mia.published import WINDOW, joints

EFFORT = "emgvalues.npy"
JOINTS = {3: "joints3d.npy", 2: "joints2d.npy"}
"""By the number of dimensions."""
CHANNELS = 8
PICTURE = (1080, 1920)
"""Width and height of the published pictures, in pixels."""

_POINTS = len(joints(3).skeleton)
_VIBE_POINTS = 49
"""What VIBE gives: OpenPose's 25 points, then others."""
_MOST_BYTES = 1 * MB
_MOST_COUNTS = 5_000.0
"""Published counts reach 473."""
_LEAST_COUNT = 1.0
"""A window in which nothing passes one count is in another unit: the sensor's noise does."""
_LOWEST = -1.0
_FARTHEST_M = 5.0
"""No joint is so far from the middle of its own body."""
_FARTHEST_PICTURES = 2.0
"""So far outside the picture, in its own sizes, a joint may be told."""
_FRACTIONS = 3.0
"""Pixels of a whole body that are all below this are fractions of the picture."""

Array = NDArray[np.float32]


def read_effort(path: Path) -> Array:
    """Read the EMG of a window (30, 8), in counts."""
    values = _read(path)
    if values.shape != (WINDOW, CHANNELS):
        raise RecordingError(
            f"{path} is {_shape(values)}, but must be ({WINDOW}, {CHANNELS}): {CHANNELS} channels "
            f"of {WINDOW} samples at 10 Hz"
        )
    if not np.isfinite(values).all():
        raise RecordingError(f"{path} holds values that are not numbers")
    low, high = float(values.min()), float(values.max())
    if low < _LOWEST:
        raise RecordingError(
            f"{path} goes down to {low:.3g}, but must hold the sensor's counts, which are never "
            "negative: it looks like EMG that was not rectified, or was standardised"
        )
    if 0 < high <= _LEAST_COUNT:
        raise RecordingError(
            f"{path} reaches {high:.3g} at most, but must hold the sensor's counts, some tens to "
            "hundreds: it looks like volts, or fractions of a maximum"
        )
    if high > _MOST_COUNTS:
        raise RecordingError(
            f"{path} reaches {high:.3g}, but must hold the sensor's counts, some hundreds at most: "
            "it looks like microvolts, or raw readings of a converter"
        )
    return values


def read_joints(path: Path, dimensions: int) -> Array:
    """Read OpenPose's 25 joints of a window (30, 25 x dimensions).

    In metres where they have three dimensions, else as fractions of the picture.
    """
    values = _read(path)
    if values.ndim != 3 or values.shape[2] != dimensions:
        raise RecordingError(
            f"{path} is {_shape(values)}, but must be ({WINDOW}, {_POINTS}, {dimensions}) or "
            f"({WINDOW}, {_VIBE_POINTS}, {dimensions})"
        )
    if values.shape[1] not in (_POINTS, _VIBE_POINTS):
        raise RecordingError(
            f"{path} has {values.shape[1]} joints, so it is of another skeleton: OpenPose's "
            f"BODY_25 has {_POINTS}, and VIBE gives {_VIBE_POINTS} that begin with them"
        )
    if len(values) != WINDOW:
        raise RecordingError(
            f"{path} has {len(values)} frames, but a window has {WINDOW}, 3 s at 10 Hz"
        )
    rows = values[:, :_POINTS].reshape(WINDOW, -1)
    known = np.isfinite(rows)
    if (known.any(axis=1) & ~known.all(axis=1)).any():
        raise RecordingError(
            f"{path} holds some values that are not numbers in a frame: a frame is whole, or all "
            "NaN where nobody was seen"
        )
    if not known.any():
        raise RecordingError(f"{path} saw nobody in any frame")
    farthest = float(np.nanmax(np.abs(rows)))
    if dimensions == 3:
        if farthest > _FARTHEST_M:
            raise RecordingError(
                f"{path} reaches {farthest:.3g}, but must be metres from the middle of the body: "
                "it looks like millimetres or pixels"
            )
        return rows
    if farthest < _FRACTIONS:
        raise RecordingError(
            f"{path} reaches {farthest:.3g} at most, but must be pixels of a picture of "
            f"{PICTURE[0]} x {PICTURE[1]}: it looks like fractions of the picture"
        )
    fractions = rows / np.tile(np.asarray(PICTURE, np.float32), _POINTS)
    if float(np.nanmax(np.abs(fractions))) > _FARTHEST_PICTURES:
        raise RecordingError(
            f"{path} reaches {farthest:.3g}, but must be pixels of a picture of {PICTURE[0]} x "
            f"{PICTURE[1]}"
        )
    return fractions


def _read(path: Path) -> Array:
    """Read an array of numbers, of no more bytes than a window may have."""
    with reading(path, "an array of numbers", RecordingError):
        array = np.load(io.BytesIO(read_bytes(path, _MOST_BYTES)), allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise RecordingError(f"{path} holds something else than an array of numbers")
        with np.errstate(over="ignore"):
            return np.asarray(array, np.float32)


def _shape(array: Array) -> str:
    return f"({', '.join(str(size) for size in array.shape)})"
