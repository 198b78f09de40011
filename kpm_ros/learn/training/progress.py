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
