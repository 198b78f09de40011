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

"""What TouchNet is given of each frame: the hand from its own palm, the keys from its fingertips.

Nothing here is learnt in training. Where on the keyboard a fingertip in the pictures is (`place`),
and the usual size of each feature (`offset`, `gain`), are found before it and come with the
weights. Where a fingertip in the keyboard's frame is, it says itself.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from kpm_ros.core.keyboard import BLACK_FRONT_M, TRAVEL_M
from kpm_ros.models.card import ModelCard
from kpm_ros.models.framed.blocks import ends_of_frames
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.touchnet.shapes import (
    BENEATH,
    BLACK_SOFT_M,
    CHORD,
    LIMIT,
    OFFSETS,
    SMALL,
    SMALLEST_SPREAD_M,
    STRIDE,
    View,
    feature_span,
    inputs_of,
)


class Features(nn.Module):
    """Values on the grid to normalised features of frames."""

    offset: Tensor
    gain: Tensor
    place: Tensor
    neutral: Tensor
    keys_at: Tensor
    tops: Tensor
    knots: Tensor
    hats: Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.card = card
        self.span = feature_span(card)
        self.inputs = inputs_of(card)
        self.register_buffer("offset", torch.zeros(self.span.absent.start))
        self.register_buffer("gain", torch.ones(self.span.absent.start))
        if self.inputs.in_space:
            place = torch.from_numpy(self.inputs.place_in_space)
            self.register_buffer("place", place, persistent=False)
        elif self.inputs.touches:
            self.register_buffer("place", torch.zeros(self.inputs.places))
        neutral = torch.from_numpy(neutral_row(card))
        self.register_buffer("neutral", neutral, persistent=False)
        for name, values in (("keys_at", self.inputs.key_places), ("tops", self.inputs.key_tops)):
            self.register_buffer(name, torch.from_numpy(values), persistent=False)
        # What keys do near a place is a broken line along the keyboard, which turns at these.
        turns = torch.cat([self.keys_at - 1, self.keys_at, self.keys_at + 1]).unique()
        self.register_buffer("knots", turns, persistent=False)
        hats = (1 - (self.keys_at[:, None] - turns).abs()).clamp(min=0)
        self.register_buffer("hats", hats, persistent=False)

    def forward(self, values: Tensor, first_index: int) -> Tensor:
        """Turn values (B, W, T) into features (B, frames, F): see `ends_of_frames`."""
        # Places on the keyboard need more digits than training otherwise does.
        with torch.no_grad(), torch.autocast(values.device.type, enabled=False):
            features, present = self.raw(values, first_index)
        known, absent = features.tensor_split((self.span.absent.start,), dim=-1)
        scaled = ((known - self.offset) * self.gain).clamp(-LIMIT, LIMIT)
        return torch.cat((scaled * present, absent), dim=-1)

    def raw(self, values: Tensor, first_index: int) -> tuple[Tensor, Tensor]:
        """Give features before they are normalised, and 1 or 0 for what is there or missing.

        Those that say what is missing always mean what they say: they have no second number.
        """
        frames = ends_of_frames(values, self.card, STRIDE, first_index)
        there = {sense: self._there(sense, frames) for sense in self.inputs.senses}
        return self._described(frames, there)

    def _described(self, frames: Tensor, there: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
        hand_there = there.get(self.inputs.pose_sense)
        keys_there = there.get(self.inputs.keys_sense)
        features: list[Tensor] = []
        masks: list[Tensor] = []

        def put(part: Tensor, mask: Tensor) -> None:
            features.append(part)
            masks.append(mask.expand_as(part))

        if hand_there is not None:
            views = [self._hand(frames, view) for view in self.inputs.views]
            hand = torch.cat(views, dim=-1)
            put(hand, hand_there)
            put(_change(hand), hand_there * _before(hand_there))
        if keys_there is not None:
            depth = frames[..., self.inputs.keys].clamp(min=0)
            motion = torch.stack((depth, _change(depth)), dim=-1)
            if hand_there is not None:
                both = hand_there * keys_there
                at = self._tips_at(frames)
                depths, speeds = self._touch(at, motion)
                put(depths, both)
                if self.inputs.in_space:
                    put(self._heights(frames, at, depth), both)
                put(speeds, both * _before(keys_there))
            put(self._chord(motion), keys_there)
        features += [1 - mask for mask in there.values()]
        return torch.cat(features, dim=-1), torch.cat(masks, dim=-1)

    def _there(self, sense: str, frames: Tensor) -> Tensor:
        """Say 0 of frames in which a sense is blank that the model can do without: (B, J, 1)."""
        if sense not in self.card.optional:
            return torch.ones_like(frames[..., :1])
        columns = self.card.streams.senses[sense]
        blank = frames[..., columns] == self.neutral[columns]
        return 1 - blank.all(dim=-1, keepdim=True).to(frames.dtype)

    def _points(self, frames: Tensor, view: View) -> Tensor:
        """Points of one view: (B, J, points, dimensions)."""
        start = self.inputs.pose.start
        points = frames[..., start + view.start : start + view.end]
        return points.unflatten(-1, (view.points, view.dimensions))

    def _hand(self, frames: Tensor, view: View) -> Tensor:
        """Landmarks from the palm's middle in units of its size, then the palm itself.

        And what is said of them all: their age, and the logarithm of their spread.
        """
        points = self._points(frames, view)
        palm = points[..., view.palm, :]
        middle = palm.mean(dim=-2, keepdim=True)
        away = (palm - middle) * points.new_tensor((1.0, view.aspect, 1.0)[: view.dimensions])
        square = away.square().sum(dim=(-1, -2), keepdim=True)
        size = (square / len(view.palm) + SMALL).sqrt()
        local = ((points - middle) / size).flatten(-2)
        palm_itself = (middle.flatten(-2), size.log().flatten(-2))
        start = self.inputs.pose.start
        measures = frames[..., start + view.end : start + view.start + view.width]
        age, spread = measures[..., :1], measures[..., 1:].clamp(min=SMALLEST_SPREAD_M).log()
        return torch.cat((local, *palm_itself, age, spread), dim=-1)

    def _tips_at(self, frames: Tensor) -> Tensor:
        """Where on the keyboard each fingertip is, in white keys: (B, J, tips)."""
        views = self.inputs.views
        seen = torch.cat([self._points(frames, view)[..., view.tips, :] for view in views], dim=-1)
        return seen @ self.place[:-1] + self.place[-1]

    def _heights(self, frames: Tensor, at: Tensor, depth: Tensor) -> Tensor:
        """Where each fingertip is along its key, how high, and how high over the key beneath it.

        Gives (B, J, tips x 3). Keys beneath are those around the place, nearer ones more.
        """
        (view,) = self.inputs.views
        _, along, up = self._points(frames, view)[..., view.tips, :].unbind(dim=-1)
        near = (self.keys_at - at[..., None]).abs_().mul_(-BENEATH).add_(1).clamp_(min=0).square_()
        beneath = near.sum(dim=-1) + SMALL
        top = (near @ self.tops) / beneath
        down = (near @ depth[..., None]).squeeze(-1) / beneath
        black = ((along - BLACK_FRONT_M) / BLACK_SOFT_M + 0.5).clamp(0, 1)
        over = up - top * black + TRAVEL_M * down
        return torch.stack((along, up, over), dim=-1).flatten(-2)

    def _touch(self, tips: Tensor, motion: Tensor) -> tuple[Tensor, Tensor]:
        """Add up depth and speed of the keys around each fingertip: (B, J, tips x places) each.

        The keys' motion is (B, J, K, 2): depth and speed.
        """
        places = (tips[..., None] + tips.new_tensor(OFFSETS)).flatten(-2)
        depths, speeds = self._sum_near_keys(places, motion).unbind(dim=-1)
        return depths, speeds

    def _chord(self, motion: Tensor) -> Tensor:
        """Picture the keys that are down around their own middle; and how much is down, and goes.

        Gives depths and speeds of (2 CHORD + 1) white keys' widths, and the two sums.
        """
        depth, speed = motion.unbind(dim=-1)
        total = depth.sum(dim=-1, keepdim=True)
        middle = (depth @ self.keys_at)[..., None] / (total + SMALL)
        places = middle + torch.arange(-CHORD, CHORD + 1, device=depth.device)
        picture = self._sum_near_keys(places, motion).transpose(-1, -2).flatten(-2)
        return torch.cat((picture, total, speed.clamp(min=0).sum(dim=-1, keepdim=True)), dim=-1)

    def _sum_near_keys(self, places: Tensor, motion: Tensor) -> Tensor:
        """Add up what keys do within a white key's width of places, nearer ones more.

        Of places (B, J, P) and motion (B, J, K, 2) it gives (B, J, P, 2).
        """
        at_knots = motion.transpose(-1, -2) @ self.hats
        right = torch.searchsorted(self.knots, places).clamp(1, len(self.knots) - 1)
        left = right - 1
        start = self.knots[left]
        share = ((places - start) / (self.knots[right] - start)).clamp(0, 1)
        before, after = (
            at_knots.gather(-1, side[..., None, :].expand(-1, -1, 2, -1)) for side in (left, right)
        )
        return torch.lerp(before, after, share[..., None, :]).transpose(-1, -2)


def _before(frames: Tensor) -> Tensor:
    """Each frame's predecessor; the first one's is itself."""
    return torch.cat((frames[:, :1], frames[:, :-1]), dim=1)


def _change(frames: Tensor) -> Tensor:
    """How each frame differs from the one before it."""
    return frames - _before(frames)
