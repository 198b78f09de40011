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

"""NumPy archives of movement and EMG, as NinaPro's database 1 has them.

One archive is one person: `emg` and `glove` at 100 Hz, and for each sample which movement was asked
for (`stimulus`) and for which time (`repetition`), 0 at rest. Each repetition of each movement
becomes a recording, and the rest after it counts to it. A second before and half a second after are
in it, too, for models that look around; the effort there is another recording's, and unknown here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import ForeignFileError, read_arrays, reading
from kpm_ros.core.streams import Channels
from kpm_ros.learn.importing.source import Taken, file_facts
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth

RATE_HZ = 100.0
TEST_TAKES = ("2", "5", "7")
"""Repetitions that are tested where this database is used."""
SCALE_PERCENTILE = 99.0
SMALLEST_SCALE = 0.02
"""A channel that never rises above it has seen no muscle, and is not blown up."""
MOST = 1.5
BEFORE_S, AFTER_S = 1.0, 0.5
UNIT = "fraction of the 99th percentile"
MEASURED = (
    "rectified and smoothed by the amplifier; each channel divided by its 99th percentile in the "
    f"person's whole recording (at least {SMALLEST_SCALE:g}), at most {MOST:g}"
)
GLOVE_UNIT = "about 1 degree"
"""The sensors' values are proportional to joint angles, and not calibrated."""
_FIELDS = ("emg", "glove", "repetition", "stimulus")


class Stretch(NamedTuple):
    """Samples of one repetition of one movement, with the rest after it."""

    movement: int
    repetition: int
    start: int
    stop: int


@dataclass(frozen=True)
class Archive:
    """One archive, of one person."""

    path: Path
    person: str

    def as_plain(self) -> dict[str, Any]:
        """Tell which file it is, and of whom."""
        return {"kind": "archive", "person": self.person, **file_facts(self.path)}

    def take(self) -> Taken:
        """Cut it into a recording for each repetition."""
        with reading(self.path, "an archive of movement and EMG"):
            arrays = _checked(read_arrays(self.path), self.path)
        glove = np.array(arrays["glove"], np.float32)
        glove[~np.isfinite(glove).all(axis=1)] = np.nan
        effort, scale = normalised(arrays["emg"])
        silent = np.flatnonzero(np.nanmax(arrays["emg"], axis=0) <= 0)
        effort[:, silent] = np.nan
        said = [
            f"{self.path}: emg_{channel + 1} is never above 0, so its effort is not known"
            for channel in silent
        ]
        stream = Channels(
            "glove",
            tuple(f"sensor_{number}" for number in range(1, glove.shape[1] + 1)),
            GLOVE_UNIT,
            RATE_HZ,
        )
        notes = f"each channel was divided by {', '.join(f'{value:.4g}' for value in scale)}"
        recordings = []
        for name, part in _named(stretches(arrays["stimulus"], arrays["repetition"])):
            start = max(0, part.start - round(BEFORE_S * RATE_HZ))
            stop = min(len(glove), part.stop + round(AFTER_S * RATE_HZ))
            own = effort[start:stop].copy()
            own[: part.start - start] = np.nan
            own[part.stop - start :] = np.nan
            muscles = tuple(f"emg_{number}" for number in range(1, own.shape[1] + 1))
            recordings.append(
                Recording(
                    f"{self.person}_{name}",
                    self.person,
                    f"movement_{part.movement}",
                    str(part.repetition),
                    (TimeSeries(stream, glove[start:stop], may_repeat=True, measured=_GLOVE),),
                    Truth(muscles, UNIT, RATE_HZ, own, measured=MEASURED),
                    notes,
                )
            )
        return Taken(tuple(recordings), tuple(said))


_GLOVE = "data glove, resampled with the EMG; values are proportional to joint angles"


def is_archive(path: Path) -> bool:
    """Whether a file is one by its name."""
    return path.suffix == ".npz"


def normalised(
    emg: NDArray[np.floating],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Divide each channel by a scale of its own; gives the scales, too."""
    known = np.where(np.isfinite(emg), emg, np.nan)
    scale = np.maximum(np.nanpercentile(known, SCALE_PERCENTILE, axis=0), SMALLEST_SCALE)
    return np.clip(known / scale, 0.0, MOST).astype(np.float32), scale


def stretches(movements: NDArray[np.integer], repetitions: NDArray[np.integer]) -> list[Stretch]:
    """Find each repetition, which lasts until the next one begins; what is before all is none's."""
    asked = np.flatnonzero(repetitions > 0)
    if not len(asked):
        return []
    last_asked = np.maximum.accumulate(np.where(repetitions > 0, np.arange(len(repetitions)), -1))
    movement, repetition = movements[last_asked], repetitions[last_asked]
    new = np.ones(len(movements), np.bool_)
    new[1:] = (movement[1:] != movement[:-1]) | (repetition[1:] != repetition[:-1])
    starts = [int(asked[0]), *(int(at) for at in np.flatnonzero(new) if at > asked[0])]
    stops = [*starts[1:], len(movements)]
    return [
        Stretch(int(movement[start]), int(repetition[start]), start, stop)
        for start, stop in zip(starts, stops, strict=True)
    ]


def _named(found: list[Stretch]) -> Iterator[tuple[str, Stretch]]:
    """Name each; what comes twice is counted."""
    times: dict[str, int] = {}
    for part in found:
        name = f"m{part.movement}_r{part.repetition}"
        times[name] = times.get(name, 0) + 1
        yield name if times[name] == 1 else f"{name}_{times[name]}", part


def _checked(arrays: Mapping[str, NDArray[Any]], path: Path) -> dict[str, NDArray[Any]]:
    lacking = [name for name in _FIELDS if name not in arrays]
    if lacking:
        raise ForeignFileError(
            f"{path} has no array {lacking[0]!r}: movement and EMG are told by {', '.join(_FIELDS)}"
        )
    found = {name: arrays[name] for name in _FIELDS}
    for name in ("stimulus", "repetition"):
        found[name] = found[name].reshape(-1)
        if found[name].dtype.kind not in "iu":
            raise ForeignFileError(f"{path}: {name!r} holds {found[name].dtype}, not whole numbers")
    length = len(found["repetition"])
    for name in ("emg", "glove"):
        array = found[name]
        if array.ndim != 2 or array.dtype.kind != "f" or not array.shape[1]:
            raise ForeignFileError(f"{path}: {name!r} must be floats (samples, channels)")
    if not length or any(len(array) != length for array in found.values()):
        lengths = ", ".join(f"{name} {len(array)}" for name, array in found.items())
        raise ForeignFileError(f"{path} has arrays of different lengths: {lengths}")
    return found


def person_of(path: Path) -> str:
    """Make a person's code of a file's name."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", path.stem) or "person"
