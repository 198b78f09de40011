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

"""When muscles begin to work, in what was measured and in what was estimated, and how they agree.

An onset is found by one rule in both: each signal's own rest and range set its threshold, so that
an estimate of the wrong size is not taken for a late one; its size is told by the calibration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.floating]
Instants = NDArray[np.float64]


@dataclass(frozen=True)
class OnsetRule:
    """How onsets are found, and which of two signals belong together."""

    rest_share: float = 0.1
    """The quietest samples of a recording, of which rest is taken."""
    deviations: float = 3.0
    """An onset is above rest by so many of rest's standard deviations, and by..."""
    range_share: float = 0.2
    """...this share of the way from rest to the 99th percentile."""
    falls_to: float = 0.5
    """The muscle is off again below this share of the threshold's height above rest."""
    least_on_s: float = 0.05
    """What is above for a shorter time is no onset."""
    refractory_s: float = 0.2
    """After an onset, the time in which there is no other."""
    match_s: float = 0.2
    """An estimated onset within this time of a measured one is that one."""

    @property
    def words(self) -> str:
        """Say it in a sentence."""
        return (
            f"an onset rises above rest by {self.deviations:g} standard deviations of rest and by "
            f"{self.range_share:.0%} of the way to the 99th percentile, each signal's own; rest: "
            f"the quietest {self.rest_share:.0%} of its samples; on for at least "
            f"{self.least_on_s * 1000:g} ms, off below {self.falls_to:.0%} of that height, "
            f"{self.refractory_s * 1000:g} ms from one to the next; an estimated onset within "
            f"{self.match_s * 1000:g} ms of a measured one is that one, the nearest first"
        )


USUAL_RULE = OnsetRule()


@dataclass(frozen=True)
class OnsetScore:
    """How one muscle's onsets were met in one recording."""

    measured: int
    missed: int
    false: int
    """Estimated where none was measured."""
    late_s: tuple[float, ...]
    """Of each that was met: by how much later it was estimated."""


def onsets(signal: Signal, rate_hz: float, rule: OnsetRule = USUAL_RULE) -> Instants:
    """Find the onsets of one muscle, in seconds from the first sample.

    One whose beginning was not seen, in front or behind samples that are no numbers, is none.

    >>> burst = np.r_[np.zeros(100), np.ones(50), np.zeros(100), np.ones(2), np.zeros(50)]
    >>> onsets(burst, rate_hz=100)
    array([1.])
    """
    known = np.isfinite(signal)
    if not known.any():
        return np.zeros(0)
    values = signal[known].astype(np.float64)
    quiet = np.sort(values)[: max(1, round(rule.rest_share * len(values)))]
    rest, top = quiet.mean(), np.quantile(values, 0.99)
    height = max(rule.deviations * quiet.std(), rule.range_share * (top - rest))
    if not height > 0:
        return np.zeros(0)
    filled = np.where(known, signal, -np.inf)
    on = _hysteresis(filled > rest + height, filled < rest + rule.falls_to * height)
    edges = np.flatnonzero(np.diff(on.astype(np.int8), prepend=0, append=0))
    starts, ends = edges[::2], edges[1::2]
    seen = (starts > 0) & known[starts - 1] & (ends - starts >= rule.least_on_s * rate_hz)
    return _apart(starts[seen] / rate_hz, rule.refractory_s)


def _hysteresis(rises: NDArray[np.bool_], falls: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """On from each rise to the next fall."""
    said = np.where(rises | falls, np.arange(len(rises)), -1)
    last = np.maximum.accumulate(said)
    return (last >= 0) & rises[np.maximum(last, 0)]


def _apart(times_s: Instants, least_s: float) -> Instants:
    kept: list[float] = []
    for time_s in times_s.tolist():
        if not kept or time_s - kept[-1] >= least_s:
            kept.append(time_s)
    return np.array(kept)


def score_onsets(
    truth: Signal, estimate: Signal, rate_hz: float, rule: OnsetRule = USUAL_RULE
) -> OnsetScore:
    """Pair the onsets of two signals, the nearest first, and count those left over."""
    both = np.isfinite(truth) & np.isfinite(estimate)
    measured, estimated = (
        onsets(np.where(both, one, np.nan), rate_hz, rule) for one in (truth, estimate)
    )
    late = _paired(measured, estimated, rule.match_s)
    return OnsetScore(
        len(measured), len(measured) - len(late), len(estimated) - len(late), tuple(late)
    )


def _paired(measured: Instants, estimated: Instants, within_s: float) -> list[float]:
    """By how much later each estimated onset is than the measured one it was paired with."""
    first = np.searchsorted(estimated, measured - within_s, side="left")
    last = np.searchsorted(estimated, measured + within_s, side="right")
    near = sorted(
        (abs(float(estimated[j] - measured[i])), i, j)
        for i, (low, high) in enumerate(zip(first.tolist(), last.tolist(), strict=True))
        for j in range(low, high)
    )
    late: dict[int, float] = {}
    taken: set[int] = set()
    for _, i, j in near:
        if i not in late and j not in taken:
            taken.add(j)
            late[i] = float(estimated[j] - measured[i])
    return [late[i] for i in sorted(late)]
