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

"""Estimates of recordings that were measured: whose, of what, by which model, and how near."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kpm_ros.learn.scores.take_figures import TakeFigures

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.recording import Recording


@dataclass(frozen=True)
class Take:
    """One model's estimate of one recording, measured."""

    model: str
    test_set: str
    recording: str
    person: str
    task: str
    figures: TakeFigures
    valid: tuple[float, ...] = ()
    """Of each second, the share in which the senses saw, or the effort was valid."""

    def as_plain(self) -> dict[str, Any]:
        """Put it in the form of JSON."""
        return {**vars(self), "figures": self.figures.as_plain(), "valid": list(self.valid)}

    @classmethod
    def from_plain(cls, raw: Mapping[str, Any]) -> Take:
        """Read back what `as_plain` gave and JSON kept."""
        figures, valid = TakeFigures.from_plain(raw["figures"]), tuple(raw["valid"])
        return cls(**{**raw, "figures": figures, "valid": valid})


def seen_by_second(recording: Recording) -> tuple[float, ...]:
    """Of each second of the truth, the share that the stream saw which saw least."""
    truth = recording.truth
    edges = truth.start_s + np.arange(int(truth.duration_s) + 1)
    if len(edges) < 2 or not recording.series:
        return ()
    shares = []
    for series in recording.series:
        seen_s = series.stamps_ns[series.seen] / 1e9
        counts, _ = np.histogram(seen_s, edges)
        shares.append(np.clip(counts / series.stream.rate_hz, 0, 1))
    # A frame more or less in a second is no loss.
    least = np.min(shares, axis=0)
    return tuple(float(round(x, 2)) for x in np.where(least > 0.95, 1.0, least))


def people_of(takes: Sequence[Take]) -> tuple[str, ...]:
    """Whoever was recorded, in order."""
    return tuple(dict.fromkeys(take.person for take in takes))
