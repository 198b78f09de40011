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

"""The same playing by another hand, in front of other cameras: training data made to differ more.

A data set holds few people, and a network soon tells them apart by the size of their hands and the
place of their cameras; it then remembers how strong each of them is instead of looking at what
they do. So each window is shown with a hand and cameras a little different from those it had.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import torch
from torch import Generator, Tensor

LANDMARKS = 21
_KNUCKLE = 9
"""The middle finger's, about which a hand is made larger or smaller."""


@dataclass(frozen=True, slots=True)
class Disguise:
    """How much hands and cameras are changed: standard deviations, anew for each window."""

    shift: float = 0.01
    """Of a whole view, in widths and heights of the picture: cameras that stand elsewhere."""
    nearness: float = 0.03
    """Of a whole view's size about the hand, relative: cameras that stand nearer."""
    turn_rad: float = 0.015
    """Of a view about the hand."""
    size: float = 0.04
    """Of the hand in all views, relative."""
    landmark: float = 0.002
    """Of each landmark, in widths: a tracker's taste."""

    def times(self, factor: float) -> Disguise:
        """So many times as much of everything."""
        return Disguise(*(factor * spread for spread in astuple(self)))


def augment(
    pose: Tensor,
    keys: Tensor,
    generator: Generator | None = None,
    *,
    neutral: Tensor | None = None,
    amount: Disguise | None = None,
) -> tuple[Tensor, Tensor]:
    """Change hands and cameras of a batch, pose (B, P, T) and keys (B, K, T); keys stay.

    Where the pose is `neutral` (P), and so stands for none, it is left so. What is drawn follows
    from the generator's state, torch's own if none is given.
    """
    amount = amount or Disguise()
    points = pose.unflatten(1, (-1, LANDMARKS, 2))
    batch, views = points.shape[:2]

    def draw(spread: float, *shape: int) -> Tensor:
        drawn = torch.randn(batch, *shape, generator=generator)
        return spread * drawn.to(pose.device, pose.dtype)

    middle = points[:, :, _KNUCKLE : _KNUCKLE + 1]
    size = torch.exp(draw(amount.nearness, views, 1, 1, 1) + draw(amount.size, 1, 1, 1, 1))
    turn = draw(amount.turn_rad, views, 1, 1)
    away = (points - middle) * size
    x, y = away.unbind(dim=3)
    turned = torch.stack((x - turn * y, y + turn * x), dim=3)
    moved = turned + draw(amount.landmark, views, LANDMARKS, 2, 1)
    shifted = moved + middle + draw(amount.shift, views, 1, 2, 1)
    changed = shifted.flatten(1, 3)
    if neutral is not None:
        blank = (pose == neutral.to(pose.device)[:, None]).all(dim=1, keepdim=True)
        changed = torch.where(blank, pose, changed)
    return changed, keys
