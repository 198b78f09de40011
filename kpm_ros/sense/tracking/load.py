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

"""Whether a tracker keeps up with its camera on this machine, and which model would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

MOST_OF_GAP = 0.7
"""Tracking may take this part of the time between two pictures: the rest is for what comes late."""
MOST_OF_MACHINE = 0.3
"""One camera may take this part of all cores: there are two of them, and the rest of the graph."""
MOST_SKIPPED = 0.1
"""Where a larger part of the pictures is skipped, the tracker does not keep up."""
WINDOW = 30
"""Pictures that are looked at together."""
UNLOADED = 5
"""The first pictures take long because models are being loaded: they do not count."""
PATIENCE_S = 10.0
"""While the rest of the graph starts, everything is slow: so long the full model may have."""
LARGE_PIXELS = 640 * 480
"""The models see less than this; more is for reading and turning the picture alone."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one picture was, and took."""

    stamp_ns: int
    index: int
    spent_s: float
    """Time that it was tracked for."""
    cpu_s: float
    """CPU time of the whole process so far."""


@dataclass(frozen=True)
class Load:
    """What tracking costs, and what the camera asks for."""

    gap_s: float
    """Between two pictures of the camera."""
    spent_s: float
    """Tracking of one picture."""
    cpu_s: float
    """CPU time a picture."""
    skipped: float
    """Part of the pictures that nobody looked at."""

    def fits(self, cores: int) -> bool:
        """Whether the tracker keeps up, and leaves enough of the machine to the others."""
        return self.keeps_up and self.cpu_s <= MOST_OF_MACHINE * self.gap_s * cores

    @property
    def keeps_up(self) -> bool:
        """Whether the tracker keeps up."""
        return self.spent_s <= MOST_OF_GAP * self.gap_s and self.skipped <= MOST_SKIPPED

    def __str__(self) -> str:
        """Say it as people do."""
        return (
            f"tracking takes {1e3 * self.spent_s:.0f} ms ({1e3 * self.cpu_s:.0f} ms of CPU) a "
            f"picture, and pictures come every {1e3 * self.gap_s:.0f} ms"
        )


def load_of(tracked: Sequence[Tracked]) -> Load | None:
    """Work out the load from pictures in order; None where they are too few, or no camera's."""
    if len(tracked) < 3:
        return None
    first, last = tracked[0], tracked[-1]
    came = last.index - first.index
    if came < len(tracked) - 1 or last.stamp_ns <= first.stamp_ns:
        return None
    looked_at = len(tracked) - 1
    return Load(
        gap_s=(last.stamp_ns - first.stamp_ns) / 1e9 / came,
        spent_s=median(one.spent_s for one in tracked),
        cpu_s=(last.cpu_s - first.cpu_s) / looked_at,
        skipped=1.0 - looked_at / came,
    )


class ModelChoice:
    """Chooses between the full and the lite model by what the full one costs here.

    The full model stays as soon as it is seen to fit. If that does not happen for `PATIENCE_S` of
    the camera's time, the lite one is taken.
    """

    def __init__(self, cores: int) -> None:
        """Begin with the full model."""
        self.model: str = ""
        """What was chosen; empty = not known yet."""
        self.reason = ""
        """Why, in a sentence."""
        self._cores = cores
        self._seen: list[Tracked] = []
        self._unloaded = UNLOADED
        self._began_ns = 0

    def add(self, tracked: Tracked) -> bool:
        """Take a picture's cost in; True when that has decided the choice."""
        if self.model:
            return False
        if self._unloaded:
            self._unloaded -= 1
            self._began_ns = tracked.stamp_ns
            return False
        self._seen = [*self._seen[1 - WINDOW :], tracked]
        load = load_of(self._seen) if len(self._seen) == WINDOW else None
        if load is None:
            return False
        shared = f"{load}, on {self._cores} cores"
        if load.fits(self._cores):
            self.model, self.reason = "full", f"the full model is kept: {shared}"
        elif tracked.stamp_ns - self._began_ns >= PATIENCE_S * 1e9:
            self.model, self.reason = "lite", f"the lite model is used from now on: {shared}"
        return bool(self.model)


def advice(load: Load, cheaper: Sequence[str], size: tuple[int, int]) -> str:
    """What is wrong where a tracker does not keep up, and what would help, in a sentence.

    `cheaper` is what would make tracking itself cheaper.
    """
    helps = list(cheaper)
    helps += ["smaller pictures (width, height)"] if size[0] * size[1] > LARGE_PIXELS else []
    helps += ["fewer pictures (fps)", "a faster machine"]
    return f"{load.skipped:.0%} of the pictures are skipped: {load}; what helps: {', '.join(helps)}"
