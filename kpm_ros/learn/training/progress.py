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
from dataclasses import dataclass, field
from typing import Protocol


@dataclass
class Progress:
    """How far training has come."""

    step: int = 0
    steps: int = 0
    epoch: float = 0.0
    elapsed_s: float = 0.0
    left_s: float = math.nan
    """Time that the remaining steps will take at the pace of this run, or until the limit."""
    learning_rate: float = 0.0
    losses: Mapping[str, float] = field(default_factory=dict)
    checked_rmse: float = math.nan
    best_rmse: float = math.inf
    best_step: int = 0


class Listener(Protocol):
    """Hears of every step: of one without a check by the one, of one with it by the other."""

    def stepped(self, progress: Progress) -> None:
        """Hear of a step."""
        ...

    def checked(self, progress: Progress) -> None:
        """Hear of a step and its check."""
        ...
