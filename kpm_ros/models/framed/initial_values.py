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

"""What networks over frames begin with before training: usual sizes of features, mean effort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import NO_EXAMPLES, PIECE, Example, pieces

_SMALLEST_SIZE = 1e-3
"""Of a feature that hardly ever changes; it is not blown up beyond that."""
_RIDGE = 1e-3
"""Of the features' variance, added so that no direction among them is blown up."""

Array = NDArray[np.float64]


class FrameFeatures(Protocol):
    """What makes features of a network's frames."""

    offset: Tensor
    gain: Tensor

    def raw(self, values: Tensor, first_index: int) -> tuple[Tensor, Tensor]:
        """Give features (1, frames, ..., F) of values, and which of them say something."""
        ...


def whiten(
    features: FrameFeatures,
    inlet: nn.Linear,
    card: ModelCard,
    stride: int,
    examples: Sequence[Example],
    *,
    behind: int = 1,
    ridge: float = _RIDGE,
) -> None:
    """Bring features to their usual size, and the first layer's random weights to their directions.

    Those are turned to weigh all directions in which the features vary alike: effort shows in what
    little is left of a movement when the place of a hand or body is known. Features look at so many
    frames `behind` the present one.
    """
    measured = len(features.offset)
    moments = _moments(_rows(features, card, stride, examples, behind))
    variance = np.maximum(np.diag(moments.covariance), 0)
    gain = 1 / np.maximum(np.sqrt(variance), _SMALLEST_SIZE)
    gain[measured:] = 1.0
    scaled = moments.covariance * gain[:, None] * gain
    size, directions = np.linalg.eigh(scaled)
    whitening = (directions / np.sqrt(np.maximum(size, 0) + ridge)) @ directions.T
    with torch.no_grad():
        features.offset.copy_(torch.from_numpy(moments.mean[:measured]))
        features.gain.copy_(torch.from_numpy(gain[:measured]))
        weight = inlet.weight.double()
        turned = weight[:, : len(whitening)] @ torch.from_numpy(whitening)
        inlet.weight.copy_(torch.cat((turned, weight[:, len(whitening) :]), dim=1))


class _Moments(NamedTuple):
    """Averages over all frames."""

    mean: Array
    covariance: Array


def _moments(features: Iterable[Array]) -> _Moments:
    """Average features and their products."""
    count, total, square = 0, np.zeros(1), np.zeros((1, 1))
    for rows in features:
        count += len(rows)
        total = total + rows.sum(axis=0)
        square = square + rows.T @ rows
    if not count:
        raise ValueError(NO_EXAMPLES)
    mean = total / count
    return _Moments(mean, square / count - np.outer(mean, mean))


def _rows(
    features: FrameFeatures,
    card: ModelCard,
    stride: int,
    examples: Sequence[Example],
    behind: int,
) -> Iterator[Array]:
    """Features of each example's frames, senses that are missing left as zeros."""
    for one in examples:
        whole = len(one.effort) // stride * stride
        for piece in pieces(one, PIECE // stride * stride):
            stop = min(piece.stop, whole)
            if stop <= piece.start:
                continue
            # So much is seen of what comes before and after.
            begin = max(0, piece.start - behind * stride)
            values = one.values(begin, min(len(one.effort), stop + card.lookahead))
            found = _features_of(features, values, begin)
            # The frame that begins with sample k ends with sample k + look-ahead.
            first = (piece.start - begin) // stride + card.lookahead // stride
            chosen = found[first : first + (stop - piece.start) // stride]
            yield np.asarray(chosen.reshape(-1, chosen.shape[-1]), np.float64)


def _features_of(features: FrameFeatures, values: NDArray[np.float32], begin: int) -> Array:
    with torch.inference_mode():
        rows = torch.from_numpy(np.ascontiguousarray(values.T, np.float32))
        found, present = features.raw(rows[None], begin)
        found[..., : present.shape[-1]] *= present
        return np.asarray(found[0].numpy())
