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

"""CodeTalker among the architectures: as wide as published, and narrow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from kpm_ros.models.architecture import Architecture
from kpm_ros.models.card import ModelCard
from kpm_ros.models.windowed import WindowedArchitecture

SMALLEST_VARIANCE = 1e-12
"""Of a muscle that moves: others are left at their size."""

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.models.codetalker.network import CodeTalker
    from kpm_ros.models.examples import Example


@dataclass(frozen=True, kw_only=True)
class CodeTalkerArchitecture(WindowedArchitecture):
    """A decoder that is fed its own output, in codes that were learnt of true effort before."""

    network_class: str = "kpm_ros.models.codetalker.network:CodeTalker"

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Begin with the mean effort, and with each muscle's deviations from it at one size."""
        import torch

        from kpm_ros.models.examples import effort_variances, mean_effort

        talker = cast("CodeTalker", network)
        talker.template.copy_(torch.from_numpy(mean_effort(examples)))
        variance = effort_variances(examples)
        moving = variance > SMALLEST_VARIANCE
        talker.size.copy_(torch.from_numpy(np.sqrt(np.where(moving, variance, 1.0))))


_OWN_LOSSES: dict[str, Any] = {"sinkhorn": 0.0, "schedule": "constant", "gradient_limit": 0.0}
_PUBLISHED = _OWN_LOSSES | {
    "epochs": 300.0,
    "batch": 1,
    "overlap": 0,
    "pose_timing": "stamps",
    "weight_decay": 0.0,
}
"""200 epochs of codes and 100 of the decoder, by Adam, which is AdamW without decay, at 1e-4."""
_QUICK = _OWN_LOSSES | {"adam_epsilon": 1e-8, "average": 0.99, "check_minutes": 0.5}
"""A check decodes frame after frame, which takes long."""

ARCHITECTURES: tuple[Architecture, ...] = (
    CodeTalkerArchitecture(
        name="codetalker",
        description="CodeTalker, from what is seen to codes of effort, as wide as published",
        published=_PUBLISHED,
        quick=_QUICK | {"learning_rate": 1e-4},
    ),
    CodeTalkerArchitecture(
        name="codetalker-light",
        description="CodeTalker, from what is seen to codes of effort, an eighth as wide",
        published=_PUBLISHED,
        quick=_QUICK,
    ),
)
