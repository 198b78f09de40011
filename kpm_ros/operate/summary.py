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

"""What a measured run came to: figures, and faults in words."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.flags import Flag, describe
from kpm_ros.core.provenance import processor
from kpm_ros.learn.scores.metrics import Scores
from kpm_ros.operate.measurement import FAULTS, STAGES, Measurement

RATE_TOLERANCE = 0.005
"""Share by which the measured rate may be off before the run is not healthy."""

MOST_INVALID = 0.01
MOST_STALE = 0.1
"""Shares of the samples that may be invalid, or rest on a stale pose, in a healthy run."""


@dataclass
class Result:
    """Everything that is known of a run once it has ended."""

    measurement: Measurement
    duration_s: float
    lost: int = 0
    out_of_order: int = 0
    estimator: Mapping[str, float] = field(default_factory=dict)
    cpu_cores: Mapping[str, float] = field(default_factory=dict)
    bag: Mapping[str, Any] | None = None
    errors: Sequence[str] = ()
    remarks: Sequence[str] = ()
    """What nodes said while it was measured of what keeps them from working well."""
    simulated: bool = True
    truth: Scores | None = None
    """Of somebody simulated: how far effort was from what their muscles did."""
    why_no_truth: str = ""

    start: Measurement | None = None
    """The first seconds of valid effort, before those that count."""

    @property
    def rate_hz(self) -> float:
        """Messages received over the wall time in which they were counted."""
        return self.measurement.messages / self.duration_s if self.duration_s > 0 else 0.0

    @property
    def invalid_fraction(self) -> float:
        """Share of the samples that were marked not to be acted on."""
        return self.measurement.invalid / max(self.measurement.messages, 1)

    @property
    def faulty_fraction(self) -> float:
        """Share of the samples that were not valid, but for limbs that were hidden."""
        measured = self.measurement
        return (measured.invalid - measured.hidden) / max(measured.messages, 1)

    @property
    def hints(self) -> list[str]:
        """What is no fault, but good to know."""
        share = self.measurement.hidden / max(self.measurement.messages, 1)
        if share <= MOST_INVALID:
            return []
        return [
            f"{share:.1%} of the effort was not valid because limbs were hidden from the camera "
            "(pose_hidden_below)"
        ]

    @property
    def faults(self) -> list[str]:
        """Why the run is not healthy, one sentence each; empty = it is."""
        found = list(self.errors)
        off = abs(self.rate_hz / EFFORT_RATE_HZ - 1)
        if self.duration_s > 0 and off > RATE_TOLERANCE:
            found.append(
                f"effort came at {self.rate_hz:.1f} messages a second, more than "
                f"{RATE_TOLERANCE:.1%} off {EFFORT_RATE_HZ}"
            )
        if self.lost:
            found.append(f"{self.lost} effort messages were lost on the way")
        if self.out_of_order:
            found.append(f"{self.out_of_order} effort messages were out of order")
        if self.faulty_fraction > MOST_INVALID:
            found.append(
                f"{self.faulty_fraction:.1%} of the effort was not valid{self._why_not_valid()}, "
                f"but no more than {MOST_INVALID:.0%} may be"
            )
        stale = self.measurement.share(Flag.POSE_STALE)
        if stale > MOST_STALE:
            found.append(
                f"{stale:.1%} of the effort rests on a stale pose, but no more than "
                f"{MOST_STALE:.0%} may: pictures, or who is in them, come too seldom or too late"
            )
        return found

    def _why_not_valid(self) -> str:
        """Name the flags that make samples invalid, with the share of each."""
        shares = ((describe(flag), self.measurement.share(flag)) for flag in FAULTS)
        words = ", ".join(f"{name} {share:.1%}" for name, share in shares if share)
        return f" ({words})" if words else ""


def summarise(result: Result) -> dict[str, Any]:
    """Put a result in the form of `summary.json`."""
    latency = {"exposure_to_effort": percentiles(result.measurement.delays_ms)}
    if result.start is not None:
        latency["first_seconds"] = percentiles(result.start.delays_ms)
    for stage in STAGES:
        latency[stage] = percentiles(result.measurement.stage_ms(stage))
    return {
        "duration_s": round(result.duration_s, 3),
        "effort": {
            "messages": result.measurement.messages,
            "rate_hz": round(result.rate_hz, 2),
            "lost": result.lost,
            "out_of_order": result.out_of_order,
            "invalid_fraction": round(result.invalid_fraction, 6),
            "flagged_fraction": {
                describe(flag): round(result.measurement.share(flag), 6)
                for flag in Flag
                if result.measurement.flagged[flag]
            },
        },
        "latency_ms": latency,
        "parts_ms": result.measurement.parts_ms,
        "estimator": dict(result.estimator),
        "cpu_cores": {name: round(cores, 4) for name, cores in result.cpu_cores.items()},
        "bag": dict(result.bag) if result.bag is not None else None,
        "errors": result.faults,
        "remarks": [*result.remarks, *result.hints],
        "machine": describe_machine(),
        "simulated": result.simulated,
        **_against_truth(result),
    }


def _against_truth(result: Result) -> dict[str, Any]:
    """Figures of the simulated truth; every name says that they are no more than that."""
    truth = result.truth
    if truth is None:
        nothing: dict[str, Any] = {
            "rmse_simulated": None,
            "correlation_simulated": None,
            "muscles_simulated": {},
        }
        return {**nothing, "not_scored": result.why_no_truth or "the truth is not known"}
    return {
        "rmse_simulated": round(truth.rmse, 4),
        "correlation_simulated": _finite(truth.correlation),
        "muscles_simulated": {
            name: {"rmse": round(error, 4), "correlation": _finite(correlation)}
            for name, error, correlation in zip(
                truth.muscles, truth.muscle_rmse, truth.muscle_correlation, strict=True
            )
        },
        "not_scored": "",
    }


def _finite(value: float) -> float | None:
    """What never changes has no correlation."""
    return round(value, 4) if math.isfinite(value) else None


def percentiles(values: NDArray[np.float64]) -> dict[str, float | None]:
    """Median and 99th percentile; nothing where there are no values."""
    if not len(values):
        return {"p50": None, "p99": None}
    p50, p99 = np.percentile(values, [50, 99])
    return {"p50": round(float(p50), 3), "p99": round(float(p99), 3)}


def describe_machine() -> dict[str, Any]:
    """Say what the figures were measured on."""
    return {
        "cpu": processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
