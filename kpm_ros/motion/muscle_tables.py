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

"""What came of a movement's muscles, as tables, arrays and sentences: all of it SIMULATED."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.motion.muscle_use import MuscleUse
from kpm_ros.simulate.anatomy.muscle_meanings import meaning, short_name

Array = NDArray[np.float64]

NOTICE = (
    "SIMULATED: activations of an anatomical model by static optimisation; no muscle was measured"
)
MOST_RESIDUAL = 0.25
"""Share of the torque that muscles leave over, from which on the model does not hold a pose."""
LEAST_RESIDUAL_N_M = 0.05
"""Less than this, however large its share, is of no account: a fingertip lifts 0.5 N with it."""
MOST_POSE_ERROR_M = 0.010
"""How far its landmarks may be from those seen."""
BRIDGED_S = 0.1
"""Lapses nearer to each other are one."""


class Lapse(NamedTuple):
    """A stretch in which the model does not hold what was recorded."""

    start_s: float
    end_s: float
    why: str


def as_csv(
    motion: HandMotion, uses: Mapping[str, MuscleUse], forces: Mapping[str, Array] | None
) -> str:
    """Write a line for each frame and hand; an empty field is not known."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    some = next(iter(uses.values()))
    muscles = [f"simulated_{short_name(name)}" for name in some.muscles]
    head = ("time_s", "hand", "force_n", "torque_nm", "residual_nm", "pose_error_mm")
    writer.writerow((*head, *muscles))
    times_s = motion.times_s
    for side, use in uses.items():
        torque, residual = (np.abs(one).sum(axis=1) for one in (use.torque, use.residual))
        # Not known is something else than none.
        pressed = np.full(len(motion), np.nan) if forces is None else forces[side].sum(axis=1)
        columns = (pressed, torque, residual, 1000.0 * use.pose_error_m)
        rows = np.column_stack([*columns, use.activation])
        for at, row in zip(times_s.tolist(), rows.tolist(), strict=True):
            writer.writerow((f"{at:.4f}", side, *map(_written, row)))
    return text.getvalue()


def as_arrays(
    motion: HandMotion, uses: Mapping[str, MuscleUse], forces: Mapping[str, Array] | None
) -> dict[str, Any]:
    """Give everything as arrays, with what they are."""
    some = next(iter(uses.values()))
    arrays: dict[str, Any] = {
        "notice": np.array(NOTICE),
        "source": np.array(motion.source),
        "times_s": motion.times_s,
        "muscles": np.array(some.muscles),
        "meanings": np.array([meaning(name) for name in some.muscles]),
        "joints": np.array(some.joints),
    }
    for side, use in uses.items():
        arrays |= {
            f"{side}.activation": use.activation.astype(np.float32),
            f"{side}.torque_nm": use.torque.astype(np.float32),
            f"{side}.residual_nm": use.residual.astype(np.float32),
            f"{side}.pose_error_m": use.pose_error_m.astype(np.float32),
        }
        if forces is not None:
            arrays[f"{side}.force_n"] = forces[side].astype(np.float32)
    return arrays


def lapses(motion: HandMotion, use: MuscleUse) -> list[Lapse]:
    """List the stretches in which the model does not hold what was recorded, in order of time."""
    residual = np.abs(use.residual).sum(axis=1)
    weak = (use.residual_share > MOST_RESIDUAL) & (residual > LEAST_RESIDUAL_N_M)
    off = use.pose_error_m > MOST_POSE_ERROR_M
    found = [
        *_stretches(motion, weak, "no muscles of the model give the torque"),
        *_stretches(motion, off, "the model's hand is more than 10 mm from the landmarks"),
    ]
    return sorted(found)


def strongest(use: MuscleUse, count: int = 6) -> list[tuple[str, float, float]]:
    """List the muscles that work most: name, mean and peak of what is known."""
    if not use.known.any():
        return []
    known = use.activation[use.known]
    mean, peak = known.mean(axis=0), known.max(axis=0)
    order = np.argsort(-mean, kind="stable")[:count]
    return [(use.muscles[k], float(mean[k]), float(peak[k])) for k in order.tolist()]


def _stretches(motion: HandMotion, where: NDArray[np.bool_], why: str) -> list[Lapse]:
    found: list[Lapse] = []
    step_s = 1.0 / motion.rate_hz
    for at in motion.times_s[where].tolist():
        if found and at - found[-1].end_s <= BRIDGED_S:
            found[-1] = found[-1]._replace(end_s=at + step_s)
        else:
            found.append(Lapse(at, at + step_s, why))
    return found


def _written(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4g}"
