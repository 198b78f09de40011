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

"""Goes on teaching a whole network, from where training left it, by one person's recordings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kpm_ros.learn.training.augment import augment
from kpm_ros.models.examples import Array, Example
from kpm_ros.models.trained import Trained

STEPS, RATE = 80, 3e-4
"""More of either gained nothing on other takes of SIMULATED people."""
WINDOWS, COMPARED_S = 8, 0.75
"""Windows a step, and seconds of each in which effort is compared."""
KEPT = 0.97
"""Of the weights' running mean at each step, which is what is kept in the end."""
GRADIENT_LIMIT = 1.0

Start = tuple[int, int]
"""A recording's number, and a sample of it."""


def taught(model: Trained, examples: Sequence[Example], efforts: Sequence[Array]) -> Trained:
    """Give the model that a person's recordings make of one; `efforts` is NaN where left out.

    Bodies and cameras are shown a little different each time, as in training.
    """
    network = model.architecture.network(model.card)
    network.load_state_dict(
        {name: torch.from_numpy(np.array(each)) for name, each in model.tensors.items()}
    )
    mean = {name: each.clone() for name, each in network.state_dict().items()}
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    generator = torch.Generator().manual_seed(0)
    for values, effort in _batches(model, examples, efforts):
        seen = augment(values, model.card.streams, generator=generator)
        known = effort.isfinite()
        loss = (network(seen) - effort)[known].square().mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
        optimizer.step()
        for name, each in network.state_dict().items():
            mean[name].lerp_(each, 1 - KEPT)
    return Trained(model.card, {name: each.numpy() for name, each in mean.items()})


def _batches(
    model: Trained, examples: Sequence[Example], efforts: Sequence[Array]
) -> Iterator[tuple[Tensor, Tensor]]:
    """Give values (B, W, T) and effort (B, M, T), which is NaN where it is not compared."""
    card = model.card
    span = model.architecture.span(card)
    compared = round(COMPARED_S * card.rate_hz)
    length = -(-(span.settling + compared + card.lookahead) // span.stride) * span.stride
    starts = _starts(efforts, span.settling, compared, length, span.stride)
    if not starts:
        raise ValueError(f"no {COMPARED_S:g} s of the person's effort are known on end")
    draw = np.random.default_rng(0)
    for _ in range(STEPS):
        values, effort = [], []
        for choice in draw.integers(len(starts), size=WINDOWS):
            number, start = starts[choice]
            told = np.full((length, len(card.muscles)), np.nan, np.float32)
            some = slice(span.settling, span.settling + compared)
            told[some] = efforts[number][start : start + length][some]
            values.append(examples[number].values(start, start + length).T)
            effort.append(told.T)
        yield torch.from_numpy(np.stack(values)), torch.from_numpy(np.stack(effort))


def _starts(
    efforts: Sequence[NDArray[np.float32]], settling: int, compared: int, length: int, stride: int
) -> list[Start]:
    """List where windows may begin: with a frame, and effort known in most of what is compared."""
    starts = []
    for number, effort in enumerate(efforts):
        known = np.concatenate([[0], np.cumsum(np.isfinite(effort).any(axis=1))])
        for start in range(0, len(effort) - length + 1, stride):
            first = start + settling
            if 2 * (known[first + compared] - known[first]) > compared:
                starts.append((number, start))
    return starts
