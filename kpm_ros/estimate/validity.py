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

"""What effort becomes while it is not to be believed: it decays to zero, and says so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class ValidityRules(CheckedSettings):
    """How effort leaves when it becomes invalid, and how it comes back."""

    decay_s: float = setting(0.05, "time constant of the decay", least=0.001, most=1.0)
    zero_after_s: float = setting(
        0.25, "time after which it is exactly zero", least=0.001, most=10.0
    )
    return_s: float = setting(
        0.05, "length of the straight line along which effort returns", least=0.0, most=10.0
    )


class ValidityGate:
    """Passes valid effort through; lets invalid effort decay from the last valid value to zero."""

    def __init__(self, muscles: int, rate_hz: int, rules: ValidityRules | None = None) -> None:
        """Start invalid: nothing has been believed yet."""
        rules = rules or ValidityRules()
        steps = max(1, round(rules.zero_after_s * rate_hz))
        fade = np.exp(-np.arange(1, steps + 1) / (rules.decay_s * rate_hz))
        fade[-1] = 0.0
        self._fade = fade.astype(np.float32)
        self._return_steps = max(1, round(rules.return_s * rate_hz))
        self._muscles = muscles
        self.reset()

    def reset(self) -> None:
        """Forget the last valid value; effort comes back from zero."""
        self._left_from = np.zeros(self._muscles, np.float32)
        self._output = np.zeros(self._muscles, np.float32)
        self._invalid_for = len(self._fade)
        self._valid_for = 0

    def apply(self, effort: NDArray[np.float32], flags: NDArray[FlagBits]) -> NDArray[np.float32]:
        """Effort (n, muscles) as it may be published; rows flagged INVALID are not looked at."""
        invalid = (flags & Flag.INVALID) != 0
        if not len(effort) or (self._valid_for >= self._return_steps and not invalid.any()):
            self._output = effort[-1].copy() if len(effort) else self._output
            return effort
        out = np.empty_like(effort)
        for i, bad in enumerate(invalid):
            out[i] = self._decayed(1) if bad else self._returned(effort[i])
        return out

    def skip(self, samples: int) -> None:
        """Let so many samples pass that nobody is given; effort decays meanwhile."""
        if samples > 0:
            self._decayed(samples)

    def _decayed(self, samples: int) -> NDArray[np.float32]:
        """Effort so many invalid samples later."""
        if self._valid_for:
            self._left_from = self._output
            self._invalid_for = self._valid_for = 0
        self._invalid_for = min(self._invalid_for + samples, len(self._fade))
        self._output = self._left_from * self._fade[self._invalid_for - 1]
        return self._output

    def _returned(self, effort: NDArray[np.float32]) -> NDArray[np.float32]:
        """Effort on its way back from where the decay had brought it."""
        if self._valid_for == 0:
            self._left_from = self._output
        self._valid_for = min(self._valid_for + 1, self._return_steps)
        if self._valid_for == self._return_steps:
            self._output = effort.copy()
        else:
            share = np.float32(self._valid_for / self._return_steps)
            self._output = self._left_from * (1 - share) + effort * share
        return self._output
