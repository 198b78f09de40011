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

"""What TouchNet is told of each frame: the hand from its own palm, the keys from its fingertips.

Nothing here is learnt in training. Where on the keyboard a fingertip in the pictures is (`place`),
and the usual size of each feature (`offset`, `gain`), are found before it and come with the
weights.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from kpm_ros.align.sampled import NOT_SENSED
from kpm_ros.estimate.touch.layout import (
    ASPECT,
    CHORD,
    LANDMARKS,
    LIMIT,
    OFFSETS,
    PALM,
    SMALL,
    STRIDE,
    TIPS,
    feature_span,
    first_end,
    key_places,
)
from kpm_ros.models.card import ModelCard


class Features(nn.Module):
    """Pose and keys on the grid to normalised features of frames."""

    offset: Tensor
    gain: Tensor
    place: Tensor
    neutral: Tensor
    keys_at: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.span = feature_span(card)
        self.register_buffer("offset", torch.zeros(self.span.absent.start))
        self.register_buffer("gain", torch.ones(self.span.absent.start))
        if {"pose", "keys"} <= set(card.inputs):
            self.register_buffer("place", torch.zeros(2 * len(card.views) + 1))
        neutral = torch.tensor(card.pose_offset or (0.0,) * card.pose_channels)
        self.register_buffer("neutral", neutral.float(), persistent=False)
        self.register_buffer("keys_at", torch.from_numpy(key_places(card)), persistent=False)

    def forward(self, pose: Tensor | None, keys: Tensor | None, first_index: int) -> Tensor:
        """Turn pose (B, P, T) and keys (B, K, T) into features (B, frames, F).

        `first_index` is the grid index of the first sample. The grid's frame k ends with sample
        8 k + look-ahead; those are here that end within the signal, and those that begin within it
        and end after it, where its last sample stands still.
        """
        device = next(x.device.type for x in (pose, keys) if x is not None)
        # Places on the keyboard need more digits than training otherwise does.
        with torch.no_grad(), torch.autocast(device, enabled=False):
            values, present = self.raw(pose, keys, first_index)
        known, absent = values.tensor_split((self.span.absent.start,), dim=-1)
        scaled = ((known - self.offset) * self.gain).clamp(-LIMIT, LIMIT)
        return torch.cat((scaled * present, absent), dim=-1)

    def raw(
        self, pose: Tensor | None, keys: Tensor | None, first_index: int
    ) -> tuple[Tensor, Tensor]:
        """Give features before they are normalised, and 1 or 0 for what is there or missing.

        Those that say what is missing always mean what they say: they have no second number.
        """
        given = {"pose": pose, "keys": keys}
        senses = {
            sense: self._frames(sense, given[sense], first_index) for sense in self.card.inputs
        }
        there = {sense: self._there(sense, frames) for sense, frames in senses.items()}
        values: list[Tensor] = []
        masks: list[Tensor] = []

        def put(part: Tensor, mask: Tensor) -> None:
            values.append(part)
            masks.append(mask.expand_as(part))

        if "pose" in senses:
            hand = self._hand(senses["pose"])
            put(hand, there["pose"])
            put(_change(hand), there["pose"] * _before(there["pose"]))
        if "keys" in senses:
            depth = senses["keys"].clamp(min=0)
            motion = torch.stack((depth, _change(depth)), dim=-1)
            if "pose" in senses:
                both = there["pose"] * there["keys"]
                depths, speeds = self._touch(self._tips_at(senses["pose"]), motion)
                put(depths, both)
                put(speeds, both * _before(there["keys"]))
            put(self._chord(motion), there["keys"])
        values += [1 - mask for mask in there.values()]
        return torch.cat(values, dim=-1), torch.cat(masks, dim=-1)

    def _frames(self, sense: str, signal: Tensor | None, first_index: int) -> Tensor:
        """Pick the last sample of each frame: (B, C, T) to (B, frames, C)."""
        if signal is None:
            raise ValueError(f"the model {self.card.name!r} needs {sense}, and none was given")
        samples, end = signal.shape[-1], first_end(self.card, first_index)
        count = max(1, -(-(samples + self.card.lookahead - end) // STRIDE))
        at = torch.arange(count, device=signal.device) * STRIDE + end
        return signal[..., at.clamp(max=samples - 1)].transpose(1, 2)

    def _there(self, sense: str, frames: Tensor) -> Tensor:
        """Say 0 of frames in which a sense is blank that the model can do without: (B, J, 1)."""
        if sense not in self.card.optional:
            return torch.ones_like(frames[..., :1])
        blank = frames == (self.neutral if sense == "pose" else NOT_SENSED)
        return 1 - blank.all(dim=-1, keepdim=True).to(frames.dtype)

    def _hand(self, frames: Tensor) -> Tensor:
        """Landmarks from the palm's middle in units of its size, then the palm itself, a view."""
        points = frames.unflatten(-1, (len(self.card.views), LANDMARKS, 2))
        palm = points[..., PALM, :]
        middle = palm.mean(dim=-2, keepdim=True)
        away = (palm - middle) * points.new_tensor((1.0, ASPECT))
        size = (away.square().sum(dim=(-1, -2), keepdim=True) / len(PALM) + SMALL).sqrt()
        local = ((points - middle) / size).flatten(-2)
        return torch.cat((local, middle.flatten(-2), size.log().flatten(-2)), dim=-1).flatten(-2)

    def _tips_at(self, frames: Tensor) -> Tensor:
        """Where on the keyboard each fingertip is, in white keys: (B, J, 5)."""
        points = frames.unflatten(-1, (len(self.card.views), LANDMARKS, 2))[..., TIPS, :]
        seen = points.transpose(-2, -3).flatten(-2)
        return cast(Tensor, seen @ self.place[:-1] + self.place[-1])

    def _touch(self, tips: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Add up depth and speed of the keys around each fingertip: (B, J, 5 x places) each.

        The keys' motion is (B, J, K, 2): depth and speed.
        """
        places = (tips[..., None] + tips.new_tensor(OFFSETS)).flatten(-2)
        depths, speeds = self._felt(places, motion).unbind(dim=-1)
        return depths, speeds

    def _chord(self, motion: Tensor) -> Tensor:
        """Picture the keys that are down around their own middle; and how much is down, and goes.

        Gives depths and speeds of (2 CHORD + 1) white keys' widths, and the two sums.
        """
        depth, speed = motion.unbind(dim=-1)
        total = depth.sum(dim=-1, keepdim=True)
        middle = (depth @ self.keys_at)[..., None] / (total + SMALL)
        places = middle + torch.arange(-CHORD, CHORD + 1, device=depth.device)
        picture = self._felt(places, motion).transpose(-1, -2).flatten(-2)
        return torch.cat((picture, total, speed.clamp(min=0).sum(dim=-1, keepdim=True)), dim=-1)

    def _felt(self, places: Tensor, motion: Tensor) -> Tensor:
        """Add up what keys do within a white key's width of places, nearer ones more."""
        near = (1 - (self.keys_at - places[..., None]).abs()).clamp(min=0)
        return near @ motion


def _before(frames: Tensor) -> Tensor:
    """Each frame's predecessor; the first one's is itself."""
    return torch.cat((frames[:, :1], frames[:, :-1]), dim=1)


def _change(frames: Tensor) -> Tensor:
    """How each frame differs from the one before it."""
    return frames - _before(frames)
