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

"""TouchNet among the architectures: whole, and a quarter as wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import Architecture, BatchEstimator, Shapes, Span, check_lookahead
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.recipe import QUICK
from kpm_ros.models.framed.shapes import frame_ends
from kpm_ros.models.pianokpm.published import LOOKAHEAD, RATE_HZ
from kpm_ros.models.touchnet.shapes import (
    LONGEST_LOOKAHEAD,
    STRIDE,
    inputs_of,
    structure_of,
    tensor_shapes,
)

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.models.examples import Example
    from kpm_ros.models.readout import Readout
    from kpm_ros.models.streaming_network import StreamingNetwork
    from kpm_ros.models.touchnet.network import TouchNet


@dataclass(frozen=True, kw_only=True)
class Touch(Architecture):
    """Hand and keys seen from the hand itself, a small network over frames behind them."""

    live: bool = True
    lookahead_s: float = LOOKAHEAD / RATE_HZ

    def check(self, card: ModelCard) -> None:
        """Refuse a card without a hand that has a palm, or a piano, or that waits for too long."""
        inputs_of(card)
        check_lookahead(card, LONGEST_LOOKAHEAD)

    def usual_lookahead(self, rate_hz: float) -> int:
        """Samples of the future that a model waits for, as far as any may."""
        return min(super().usual_lookahead(rate_hz), LONGEST_LOOKAHEAD)

    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name."""
        return tensor_shapes(card)

    def looks_at(self, card: ModelCard, samples: int) -> NDArray[np.int64]:
        """Say with which samples frames end."""
        return np.unique(frame_ends(samples, card, STRIDE))

    def span(self, card: ModelCard) -> Span:
        """Run once a frame.

        An output sees its frames, one more for how features have changed, and part of another
        where the stream begins between two frames.
        """
        behind = (structure_of(card).reach + 2) * STRIDE - 1
        return Span(STRIDE, max(0, behind - card.lookahead))

    def stream(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""
        from kpm_ros.models.touchnet.stream import TouchNetStream

        return TouchNetStream(card, tensors)

    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates a model on whole recordings, on a device of torch."""
        from kpm_ros.models.framed.batch import FramedBatch

        return FramedBatch(card, tensors, device)

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with."""
        from kpm_ros.models.touchnet.network import TouchNet

        self.check(card)
        return TouchNet(card)

    def readout(self, card: ModelCard, tensors: Tensors) -> Readout:
        """Give the layer behind the convolutions."""
        from kpm_ros.models.framed.readout import FramedReadout

        return FramedReadout(card, tensors)

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Find where fingers are on the keyboard, and usual sizes; begin with the mean effort."""
        from kpm_ros.models.touchnet.initial_values import suit

        suit(cast("TouchNet", network), examples)


_QUICK = {
    # It remembers half a second, which a window of 256 samples does not hold.
    "window": 1024,
    **QUICK,
}

ARCHITECTURES: tuple[Architecture, ...] = (
    Touch(
        name="touchnet",
        description="ours: what each finger touches, in the hand's own frame",
        quick=_QUICK,
    ),
    Touch(
        name="touchnet-light",
        description="ours, a quarter as wide and with one layer",
        quick=_QUICK,
    ),
)
