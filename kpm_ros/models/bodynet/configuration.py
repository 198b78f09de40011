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

"""BodyNet among the architectures: whole, and a quarter as wide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.architecture import Architecture, BatchEstimator, Shapes, Span, check_lookahead
from kpm_ros.models.bodynet.shapes import (
    LONGEST_LOOKAHEAD_S,
    body_of,
    motion_frames,
    stride_of,
    structure_of,
    tensor_shapes,
)
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Tensors
from kpm_ros.models.framed.recipe import QUICK
from kpm_ros.models.framed.shapes import frame_ends

if TYPE_CHECKING:
    from torch import nn

    from kpm_ros.models.bodynet.network import BodyNet
    from kpm_ros.models.examples import Example
    from kpm_ros.models.streaming_network import StreamingNetwork


@dataclass(frozen=True, kw_only=True)
class Body(Architecture):
    """A body seen from itself, left and right alike, a small network over frames behind it."""

    live: bool = True

    def check(self, card: ModelCard) -> None:
        """Refuse a card without one body in metres, or that waits for too long."""
        body_of(card)
        check_lookahead(card, round(LONGEST_LOOKAHEAD_S * card.rate_hz))

    def shapes(self, card: ModelCard) -> Shapes:
        """List the shape of every tensor by its name."""
        return tensor_shapes(card)

    def looks_at(self, card: ModelCard, samples: int) -> NDArray[np.int64]:
        """Say with which samples frames end."""
        return np.unique(frame_ends(samples, card, stride_of(card)))

    def span(self, card: ModelCard) -> Span:
        """Run once a frame.

        An output sees its frames, those that motion is told from, the one whose end it goes on
        from, and part of another where the stream begins between two frames.
        """
        stride = stride_of(card)
        frames = structure_of(card).reach + max(motion_frames(card)) - 1
        return Span(stride, max(0, (frames + 1) * stride - 1 - card.lookahead))

    def stream(self, card: ModelCard, tensors: Tensors) -> StreamingNetwork:
        """Make what evaluates a model sample by sample."""
        from kpm_ros.models.bodynet.stream import BodyNetStream

        return BodyNetStream(card, tensors)

    def batch(self, card: ModelCard, tensors: Tensors, device: str = "cpu") -> BatchEstimator:
        """Make what evaluates a model on whole recordings, on a device of torch."""
        from kpm_ros.models.framed.batch import FramedBatch

        return FramedBatch(card, tensors, device)

    def network(self, card: ModelCard) -> nn.Module:
        """Make the card's network with whatever weights its layers begin with."""
        from kpm_ros.models.bodynet.network import BodyNet

        self.check(card)
        return BodyNet(card)

    def suit(self, network: nn.Module, card: ModelCard, examples: Sequence[Example]) -> None:
        """Find the usual sizes of all features; begin with the mean effort."""
        from kpm_ros.models.bodynet.initial_values import suit

        suit(cast("BodyNet", network), examples)


_QUICK = {
    # It remembers two seconds.
    "window": 768,
    **QUICK,
}

ARCHITECTURES: tuple[Architecture, ...] = (
    Body(
        name="bodynet",
        description="ours for bodies: posture, motion and load, left and right alike",
        lookahead_s=0.2,
        quick=_QUICK,
    ),
    Body(
        name="bodynet-light",
        description="ours for bodies, a quarter as wide and with a short memory",
        lookahead_s=0.2,
        quick=_QUICK,
    ),
)
