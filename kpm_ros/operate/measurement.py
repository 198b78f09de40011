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

"""Effort as it arrived while a run was measured: flags, delays, and what these are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.chunks import EFFORT_RATE_HZ, Trace
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S

FAULTS = (
    Flag.WARMING_UP,
    Flag.POSE_LOST,
    Flag.CHANNELS_MISSING,
    Flag.UNREGISTERED,
    Flag.CAMERA_MOVED,
    Flag.STRANGE_ROOM,
    Flag.KEYS_APART,
)
"""What makes samples invalid and should not be, in a run."""
_CAUSES = FlagBits(Flag.HIDDEN | sum(FAULTS))

STAGES = {
    "tracking": ("input_ns", "processed_ns"),
    "transport": ("processed_ns", "received_ns"),
    "alignment": ("received_ns", "aligned_ns"),
    "estimation": ("aligned_ns", "estimated_ns"),
    "publishing": ("estimated_ns", "published_ns"),
    "compute": ("processed_ns", "published_ns"),
}
"""Stages of the live path, each between two instants of a chunk's latency trace.

"compute" is the four before it together, for the newest frame of each chunk: what is left without
camera, tracker, frame interval and look-ahead."""


PARTS = ("look_ahead", "together", "inputs", "network", "sending")
"""What the delay of effort consists of: see `Made.parts_ms`."""


class Made(NamedTuple):
    """Samples of effort that were made together."""

    trace: Trace
    stamp_ns: int
    """Of the first of them."""
    samples: int
    lookahead_s: float
    """Of their model."""

    def parts_ms(self, delay_ms: float) -> tuple[float, ...]:
        """Divide the first sample's delay.

        It lasts as long as the look-ahead; until the last one's instant, if that is later; until
        the inputs of that instant were on the grid; until the network was done; and until the
        sample was there.
        """
        ahead_ns = self.stamp_ns + round(self.lookahead_s * NS_PER_S)
        last_ns = self.stamp_ns + (self.samples - 1) * NS_PER_S // EFFORT_RATE_HZ
        trace, needed_ns = self.trace, max(ahead_ns, last_ns)
        ends = (self.stamp_ns, ahead_ns, needed_ns, trace.aligned_ns, trace.estimated_ns)
        parts = [(after - before) / 1e6 for before, after in pairwise(ends)]
        return (*parts, delay_ms - sum(parts))


@dataclass
class Measurement:
    """Effort as it arrived within the measured part of a run."""

    begin_ns: int
    end_ns: int
    messages: int = 0
    invalid: int = 0
    hidden: int = 0
    """Of the invalid samples, those for which nothing but hidden limbs is to blame."""
    flagged: dict[Flag, int] = field(default_factory=lambda: dict.fromkeys(Flag, 0))
    """Samples with each flag."""
    delays_ns: list[NDArray[np.int64]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)

    def add(
        self,
        stamps_ns: NDArray[np.int64],
        received_ns: NDArray[np.int64],
        valid: NDArray[np.bool_],
        flags: NDArray[FlagBits],
    ) -> None:
        """Count the samples that were received within the measured part."""
        within = (received_ns >= self.begin_ns) & (received_ns < self.end_ns)
        self.messages += int(within.sum())
        self.invalid += int((within & ~valid).sum())
        self.hidden += int((within & ((flags & _CAUSES) == Flag.HIDDEN)).sum())
        for flag in Flag:
            self.flagged[flag] += int((within & ((flags & flag) != 0)).sum())
        self.delays_ns.append((received_ns - stamps_ns)[within])

    def add_made(self, made: Made) -> None:
        """Keep samples that were published within the measured part."""
        if self.begin_ns <= made.trace.published_ns < self.end_ns:
            self.made.append(made)

    def share(self, flag: Flag) -> float:
        """Part of the samples that have this flag."""
        return self.flagged[flag] / max(self.messages, 1)

    @property
    def delays_ms(self) -> NDArray[np.float64]:
        """From the instant that each sample describes to its receipt."""
        return np.concatenate([*self.delays_ns, np.zeros(0, np.int64)]) / 1e6

    def stage_ms(self, stage: str) -> NDArray[np.float64]:
        """Durations of one stage, of the chunks whose trace has both of its ends."""
        first, last = STAGES[stage]
        ends = [(getattr(one.trace, first), getattr(one.trace, last)) for one in self.made]
        return np.array([(b - a) / 1e6 for a, b in ends if a and b])

    @property
    def parts_ms(self) -> dict[str, float | None]:
        """Median of each part of the delay that half of the samples exceed."""
        delays_ms = self.delays_ms
        if not self.made or not len(delays_ms):
            return dict.fromkeys(PARTS)
        usual_ms = float(np.median(delays_ms))
        parts = np.median([one.parts_ms(usual_ms) for one in self.made], axis=0)
        return {name: round(float(part), 3) for name, part in zip(PARTS, parts, strict=True)}
