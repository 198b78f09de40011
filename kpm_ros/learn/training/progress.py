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

"""How far a training has come, for those who show or record it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

_SMOOTHING = 0.95
"""Share of the shown losses that stays at each step."""


@dataclass
class Progress:
    """How far training has come.

    Whoever is to hear of it is given it at every step: by a method `checked` if the network was
    checked after that step, by a method `stepped` otherwise.
    """

    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    elapsed_s: float = 0.0
    """Time spent in training, that before a resumption included."""
    left_s: float = math.nan
    """Time that the remaining steps will take at the pace of this run, or until the limit."""
    learning_rate: float = 0.0
    losses: dict[str, float] = field(default_factory=dict)
    """Of late, as running means."""
    checked_rmse: float = math.nan
    best_rmse: float = math.inf
    best_step: int = 0
    checks_since_best: int = 0

    def show(self, losses: Mapping[str, float]) -> None:
        """Let the running means follow a step's losses."""
        for name, value in losses.items():
            before = self.losses.get(name, value)
            self.losses[name] = _SMOOTHING * before + (1 - _SMOOTHING) * value

    def state_dict(self) -> dict[str, Any]:
        """Give what a checkpoint has of it."""
        return asdict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take it up again."""
        vars(self).update(state)
