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

"""Folders of gestures as arrays: one file a person and day, `person_P_day_D.npz`."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from kpm_ros.act.gestures.rules import NO_GESTURE
from kpm_ros.core.foreign_files import ForeignFileError, read_arrays, reading
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded

NAME = re.compile(r"person_(\w+?)_day_(\w+)\.npz")
RATE_HZ = 200.0
"""Of an armband, where a file has no `rate_hz`."""
REST = 1
"""Which motion is rest."""


def armband_files(folder: Path) -> list[Path]:
    """List a folder's files of gestures."""
    return sorted(path for path in folder.glob("*.npz") if NAME.fullmatch(path.name))


def read_armband(folder: Path, motions: int = 0) -> ExecutionSet:
    """Read a folder: `emg` (executions, samples, channels), `motion` and `trial` of each.

    Of the motions with the lowest numbers only, where `motions` says how many.
    """
    whole: ExecutionSet | None = None
    for path in armband_files(folder):
        part = _read(path, motions)
        whole = part if whole is None else whole.and_(part)
    if whole is None:
        raise ForeignFileError(f"{folder} has no file such as person_1_day_01.npz")
    return whole


def _read(path: Path, motions: int) -> ExecutionSet:
    with reading(path, "a file of gestures"):
        arrays = read_arrays(path)
    for name, dimensions in (("emg", 3), ("motion", 1), ("trial", 1)):
        if name not in arrays or arrays[name].ndim != dimensions:
            raise ForeignFileError(f"{path} has no array {name!r} of {dimensions} dimensions")
    emg, motion, trial = (arrays[name] for name in ("emg", "motion", "trial"))
    numbers = emg.dtype.kind == "f" and motion.dtype.kind in "iu" and trial.dtype.kind in "iu"
    if not numbers or not len(emg) == len(motion) == len(trial):
        raise ForeignFileError(
            f"{path} has {len(emg)} executions, {len(motion)} motions and {len(trial)} trials, "
            "which must be as many, numbers, and the latter two whole"
        )
    rate_hz = float(arrays["rate_hz"]) if "rate_hz" in arrays else RATE_HZ
    if not rate_hz > 0:
        raise ForeignFileError(f"{path} has a rate_hz of {rate_hz:g}, which must be above 0")
    count = emg.shape[1]
    stamps_ns = (np.arange(count) * NS_PER_S / rate_hz).astype(np.int64)
    named = NAME.fullmatch(path.name)
    person, day = named.groups() if named else ("", "")
    # Nothing says when an execution was: each begins once the one before has ended.
    length_ns = round((count + 1) * NS_PER_S / rate_hz)
    executions = tuple(
        Execution(
            NO_GESTURE if number == REST else f"motion {number}",
            int(trial[k]),
            {"emg": Recorded(stamps_ns + k * length_ns, emg[k].astype(np.float64))},
            person,
            day,
        )
        for k, number in enumerate(motion.tolist())
        if not motions or number <= motions
    )
    channels = tuple(f"{k + 1}" for k in range(emg.shape[2]))
    return ExecutionSet({"emg": channels}, {"emg": rate_hz}, executions, origin=str(path.parent))
