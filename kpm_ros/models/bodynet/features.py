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

"""What BodyNet is given of each frame, normalised.

Nothing here is learnt in training. The usual size of each feature (`offset`, `gain`) is found
before it and comes with the weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from kpm_ros.models.bodynet import posture
from kpm_ros.models.bodynet.shapes import LIMIT, body_of, motion_filters, stride_of
from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.blocks import ends_of_frames


class Features(nn.Module):
    """Values on the grid to normalised features of frames, of either side of the body."""

    offset: Tensor
    gain: Tensor
    speed: Tensor
    acceleration: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        *self._sides, self._head = body_of(card)
        self.register_buffer("offset", torch.zeros(posture.FEATURES))
        self.register_buffer("gain", torch.ones(posture.FEATURES))
        filters = motion_filters(card)
        self.frames_seen = filters.frames
        for name, values in filters._asdict().items():
            self.register_buffer(name, torch.from_numpy(values), persistent=False)

    def forward(self, values: Tensor, first_index: int) -> Tensor:
        """Turn values (B, W, T) into features (B, frames, 2, F); see `ends_of_frames`.

        The last one says whether there is no body.
        """
        # Accelerations need more digits than training otherwise does.
        with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
            features, present = self.raw(values, first_index)
            scaled = ((features - self.offset) * self.gain).clamp(-LIMIT, LIMIT)
            return torch.cat((scaled * present, 1 - present), dim=-1)

    def raw(self, values: Tensor, first_index: int) -> tuple[Tensor, Tensor]:
        """Give features before they are normalised, and 1 or 0 for a body or none."""
        frames = ends_of_frames(values, self.card, stride_of(self.card), first_index)
        points = self._points(frames.float())
        present = (posture.size_of(torch, points) > posture.SMALLEST_SIZE_M).float()
        moving = self._moving(present)
        motion = posture.Motion(
            points, self._filtered(points, self.speed, moving),
            self._filtered(points, self.acceleration, moving),
        )  # fmt: skip
        seen = present[..., None, None].expand(*present.shape, 2, 1)
        return posture.describe(torch, motion), seen

    def _points(self, frames: Tensor) -> Tensor:
        """Pick points out of rows (B, frames, W): (B, frames, 17, 3)."""
        points = frames.unflatten(-1, (-1, 3))
        sides = points[..., [place for (place,) in self._sides], :]
        return torch.cat((sides, points[..., self._head, :].mean(-2, keepdim=True)), dim=-2)

    def _moving(self, present: Tensor) -> Tensor:
        """Say 1 where there was a body in all frames that its motion is told from."""
        whole = present
        for behind in range(1, self.frames_seen):
            whole = whole * _before(present, behind)
        return whole

    def _filtered(self, points: Tensor, taps: Tensor, moving: Tensor) -> Tensor:
        """Multiply each point's last frames by a filter; what was before the first stands still."""
        last = len(taps) - 1
        found = sum(taps[k] * _before(points, last - k) for k in range(last + 1))
        return torch.as_tensor(found) * moving[..., None, None]


def _before(frames: Tensor, behind: int) -> Tensor:
    """Frames so many earlier; before the first one is the first one."""
    if not behind:
        return frames
    held = min(behind, frames.shape[1])
    first = frames[:, :1].expand(-1, held, *frames.shape[2:])
    return torch.cat((first, frames[:, : frames.shape[1] - held]), dim=1)
