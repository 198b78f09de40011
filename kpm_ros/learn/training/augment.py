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

"""The same movement by another body, before other cameras: training data made to differ more.

A data set holds few people, and a network soon tells them apart by the size of their hands and the
place of their cameras; it then remembers how strong each of them is instead of looking at what
they do. So each window is shown with a hand, cameras and sensors a little different from those it
had. A piano's keys are the same for everybody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass

import torch
from torch import Generator, Tensor

from kpm_ros.core.streams import KEYBOARD, METRIC, Channels, Landmarks, Streams

_Draw = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much is changed: standard deviations, drawn anew for each window."""

    shift: float = 0.01
    """Of a whole view, in widths and heights of the picture: cameras that stand elsewhere."""
    nearness: float = 0.03
    """Of a whole view's size about its middle, relative: cameras that stand nearer."""
    turn_rad: float = 0.015
    """Of a view about its middle."""
    size: float = 0.04
    """Of the hand or body in all views, relative."""
    landmark: float = 0.002
    """Of each landmark, in widths: a tracker's taste."""
    gain: float = 0.03
    """Of each other channel, relative: sensors that are calibrated otherwise."""
    tilt_rad: float = 0.05
    """Of a view in metres, about each of the picture's axes: cameras that do not stand level."""
    depth: float = 0.05
    """Of what is told in metres, relative: a tracker that guesses depth otherwise."""
    landmark_m: float = 0.012
    """Of each landmark told in metres: bodies of other proportions, and a tracker's taste."""
    jitter_m: float = 0.002
    """Of each of them from sample to sample."""
    placed_m: float = 0.0015
    """Of a hand in the keyboard's frame, along each axis: cameras that are placed otherwise."""
    placed_rad: float = 0.02
    """The same, about each axis."""
    placed_landmark_m: float = 0.0015
    """Of each of its landmarks: hands of other proportions, and trackers' taste."""

    def times(self, factor: float) -> Augmentation:
        """So many times as much of everything."""
        return Augmentation(*(factor * spread for spread in astuple(self)))


def augment(
    values: Tensor,
    streams: Streams,
    missing: Tensor | None = None,
    generator: Generator | None = None,
    amount: Augmentation | None = None,
) -> Tensor:
    """Change the views and channels of a batch (B, W, T); other streams stay.

    So does a sense where one of its streams is missing, as bits of `missing` (B, T) say. What is
    drawn follows from the generator's state, torch's own if none is given.
    """
    amount = amount or Augmentation()
    batch = len(values)

    def draw(spread: float, *shape: int) -> Tensor:
        drawn = torch.randn(batch, *shape, generator=generator)
        return spread * drawn.to(values.device, values.dtype)

    size = draw(amount.size, 1, 1, 1)
    parts = []
    for stream in streams:
        own = values[:, streams.columns[stream.name]]
        if isinstance(stream, Landmarks) and stream.coordinates == KEYBOARD:
            changed = _another_hand_in_place(own, stream, size, amount, draw)
        elif isinstance(stream, Landmarks) and stream.coordinates == METRIC:
            changed = _another_body(own, stream, size, amount, draw)
        elif isinstance(stream, Landmarks):
            changed = _another_view(own, stream, size, amount, draw)
        elif isinstance(stream, Channels):
            changed = own * torch.exp(draw(amount.gain, stream.width, 1))
        else:
            changed = own
        if missing is not None and changed is not own:
            gone = (missing & streams.bits(stream.sense)) != 0
            changed = torch.where(gone[:, None], own, changed)
        parts.append(changed)
    return torch.cat(parts, dim=1) if parts else values


def _another_view(
    own: Tensor, view: Landmarks, size: Tensor, amount: Augmentation, draw: _Draw
) -> Tensor:
    """Show a view's landmarks (B, columns, T) of another hand or body, by another camera."""
    points = own[:, : view.points_width].unflatten(1, (-1, view.dimensions))
    scale = torch.exp(draw(amount.nearness, 1, 1, 1) + size)
    turn = draw(amount.turn_rad, 1, 1)
    middle = points.mean(dim=1, keepdim=True)
    away = (points - middle) * scale
    x, y, *depth = away.unbind(dim=2)
    turned = torch.stack((x - turn * y, y + turn * x, *depth), dim=2)
    moved = turned + draw(amount.landmark, *points.shape[1:3], 1) + middle
    shift = torch.zeros(len(own), 1, view.dimensions, 1, device=own.device, dtype=own.dtype)
    shift[:, :, :2] = draw(amount.shift, 1, 2, 1)
    return _with_measures((moved + shift).flatten(1, 2), own)


def _another_body(
    own: Tensor, view: Landmarks, size: Tensor, amount: Augmentation, draw: _Draw
) -> Tensor:
    """Show landmarks in metres of another body, by a camera that is tilted and turned otherwise."""
    points = own[:, : view.points_width].unflatten(1, (-1, view.dimensions)) * torch.exp(size)
    x, y, *depth = points.unbind(dim=2)
    roll = draw(amount.tilt_rad, 1, 1)
    x, y = x * roll.cos() - y * roll.sin(), y * roll.cos() + x * roll.sin()
    pitch, stretch = draw(amount.tilt_rad, 1, 1), torch.exp(draw(amount.depth, 1, 1))
    if depth:
        z = depth[0] * stretch
        y, depth = y * pitch.cos() - z * pitch.sin(), [z * pitch.cos() + y * pitch.sin()]
    turned = torch.stack((x, y, *depth), dim=2)
    moved = turned + draw(amount.landmark_m, *points.shape[1:3], 1)
    moved = moved + draw(amount.jitter_m, *points.shape[1:])
    return _with_measures(moved.flatten(1, 2), own)


def _another_hand_in_place(
    own: Tensor, view: Landmarks, size: Tensor, amount: Augmentation, draw: _Draw
) -> Tensor:
    """Show a hand in the keyboard's frame as another one, and as found a little elsewhere."""
    points = own[:, : view.points_width].unflatten(1, (-1, view.dimensions))
    middle = points.mean(dim=1, keepdim=True)
    away = (points - middle) * torch.exp(size)
    # Small turns about all axes at once.
    turn = draw(amount.placed_rad, 1, 3, 1).expand_as(away)
    away = away + torch.linalg.cross(turn, away, dim=2)
    moved = away + middle + draw(amount.placed_m, 1, 3, 1)
    moved = moved + draw(amount.placed_landmark_m, *points.shape[1:3], 1)
    return _with_measures(moved.flatten(1, 2), own)


def _with_measures(points: Tensor, own: Tensor) -> Tensor:
    """Put behind changed points what is said of them all, such as their age."""
    return torch.cat((points, own[:, points.shape[1] :]), dim=1)
