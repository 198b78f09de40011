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

"""How a model of each architecture lies on the grid, and how far back it looks."""

from __future__ import annotations

from typing import NamedTuple

from kpm_ros.estimate import layout
from kpm_ros.estimate.touch import layout as touch_layout
from kpm_ros.models.card import ModelCard


class Span(NamedTuple):
    """What a stream's beginning means to a model."""

    stride: int
    """Grid samples a frame: the network runs once for so many. A frame begins at every grid index
    that is a multiple of it, wherever the stream begins."""
    settling: int
    """So many of a stream's first outputs may depend on where it began; those after them do not,
    but for what a decoder that is fed its own output has not yet forgotten."""


def stride_of(card: ModelCard) -> int:
    """Grid samples a frame, of a model of any kind."""
    return touch_layout.STRIDE if card.architecture in touch_layout.ARCHITECTURES else 1


def span_of(card: ModelCard) -> Span:
    """Look up how a live model lies on the grid."""
    stride = stride_of(card)
    if card.architecture in touch_layout.ARCHITECTURES:
        # The frames that an output sees, one more for how features have changed, and part of
        # another where the stream begins between two frames.
        behind = (touch_layout.structure_of(card).reach + 2) * stride - 1
        return Span(stride, max(0, behind - card.lookahead))
    return Span(stride, 2 * layout.structure_of(card).reach - card.lookahead)
