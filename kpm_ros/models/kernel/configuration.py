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

"""Kernel regression among the architectures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kpm_ros.models.architecture import Architecture, Fit, Shapes, Span, check_lookahead
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.examples import Array, Tensors
from kpm_ros.models.kernel.shapes import (
    AHEAD_S,
    LONGEST_AHEAD_S,
    stride_of,
    tensor_shapes,
    timing_of,
)
from kpm_ros.models.streamed import StreamedArchitecture

if TYPE_CHECKING:
    from kpm_ros.models.examples import Example
    from kpm_ros.models.readout import Readout
    from kpm_ros.models.streaming_network import StreamingNetwork


def _fit(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> tuple[ModelCard, dict[str, Array]]:
    """Fit; the card comes back with people's usual scale and intervals."""
    from kpm_ros.models.kernel.fitting import fit_kernel

    return fit_kernel(card, training, choosing, seed)


@dataclass(frozen=True, kw_only=True)
class Kernel(StreamedArchitecture):
    """Random features of how somebody moved, and one linear layer that a person's own data turn."""

    fitting: Fit | None = _fit
    own_scale: bool = True
    lookahead_s: float = AHEAD_S

    def check(self, card: ModelCard) -> None:
        """Refuse a card without anything to look at, or that waits for too long."""
        if not card.streams:
            raise CardError(f"{self.name} needs a stream or more, and the card lists none")
        check_lookahead(card, round(LONGEST_AHEAD_S * card.rate_hz))

    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name."""
        return tensor_shapes(card)

    def span(self, card: ModelCard) -> Span:
        """Run once a frame; an output sees frames behind it, and the one that it begins from."""
        stride = stride_of(card)
        return Span(stride, max(0, (timing_of(card).seen + 2) * stride - 1 - card.lookahead))

    def streaming(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""
        from kpm_ros.models.kernel.stream import KernelStream

        return KernelStream(card, tensors)

    def readout(self, card: ModelCard, tensors: Tensors) -> Readout:
        """Give its last layer, which is all that is fitted."""
        from kpm_ros.models.kernel.readout import KernelReadout

        return KernelReadout(card, tensors)


ARCHITECTURES: tuple[Architecture, ...] = (
    Kernel(
        name="kernel",
        description="kernel regression on the last seconds of movement, which learns people fast",
    ),
)
