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

"""PianoKPM Net among the architectures: as published, and half as wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from kpm_ros.models.architecture import Architecture, BatchEstimator, Shapes, Span, check_lookahead
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.pianokpm.published import LOOKAHEAD, RATE_HZ
from kpm_ros.models.pianokpm.shapes import check_senses, structure_of, tensor_table

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.models.examples import Example
    from kpm_ros.models.pianokpm.network import PianoKPMNet
    from kpm_ros.models.streaming_network import StreamingNetwork


@dataclass(frozen=True, kw_only=True)
class PianoKPM(Architecture):
    """Convolutions in time over all senses, and a decoder that is fed its own output."""

    live: bool = True
    fed_back: bool = True
    lookahead_s: float = LOOKAHEAD / RATE_HZ

    def check(self, card: ModelCard) -> None:
        """Refuse a card without senses, or that waits for more than the kernels reach."""
        check_senses(card)
        check_lookahead(card, structure_of(card).reach)

    def usual_lookahead(self, rate_hz: float) -> int:
        """As much of the future as the published network waits for, or the kernels reach."""
        return min(super().usual_lookahead(rate_hz), LOOKAHEAD)

    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name."""
        return {name: spec.shape for name, spec in tensor_table(card).items()}

    def reach(self, card: ModelCard) -> int:
        """Add up what all kernels that span time see beside an instant."""
        return sum(kernel - 1 for kernel in structure_of(card).kernels)

    def span(self, card: ModelCard) -> Span:
        """Run at every sample; an output sees as far as all kernels together."""
        return Span(1, self.reach(card) - card.lookahead)

    def stream(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""
        from kpm_ros.models.pianokpm.stream import PianoKPMStream

        return PianoKPMStream(card, tensors)

    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates a model on whole recordings, on a device of torch."""
        from kpm_ros.models.pianokpm.batch import PianoKPMBatch

        return PianoKPMBatch(card, tensors, device)

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with."""
        from kpm_ros.models.pianokpm.network import PianoKPMNet

        self.check(card)
        return PianoKPMNet(card)

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Begin with the mean effort, and with layers that see small movements."""
        from kpm_ros.models.pianokpm.initial_values import suit

        suit(cast("PianoKPMNet", network), examples)


_LAST_LAYER = {"decoder.linear3": 50.0}

ARCHITECTURES: tuple[Architecture, ...] = (
    PianoKPM(
        name="pianokpm",
        card_name="pianokpm-net",
        description="PianoKPM Net as published",
        # Of 1e-4, 3e-4 and 1e-3, the best after 8 minutes.
        quick={"learning_rate": 1e-4},
        random_gain=_LAST_LAYER,
    ),
    PianoKPM(
        name="pianokpm-light",
        description="PianoKPM Net, half as wide",
        random_gain=_LAST_LAYER,
    ),
)
