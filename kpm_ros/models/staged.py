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

"""Networks that are taught in two stages, by losses of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor


@runtime_checkable
class StagedNetwork(Protocol):
    """A network whose effort means nothing before the first of its two stages is over."""

    losses: tuple[str, ...]
    """Names of what its losses are made of."""
    first_share: float
    """Share of a training that the first stage takes."""

    def first_losses(self, values: Tensor, effort: Tensor) -> dict[str, Tensor]:
        """Losses of a batch in the first stage, by name, with their sum as "loss"."""

    def second_losses(self, values: Tensor, effort: Tensor) -> dict[str, Tensor]:
        """The same of the second stage."""
