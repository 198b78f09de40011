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

"""What TouchNet is given before it is trained: where fingers are on the keyboard, usual sizes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.estimate.touch.layout import LANDMARKS, STRIDE, TIPS, key_places
from kpm_ros.estimate.touch.network import TouchNet
from kpm_ros.learn.models.rules import Performed

_PRESSED = 0.5
"""Depth at which a key counts as struck."""
_FITS = 20
_KEPT = 0.7
"""Share of the strokes that a map is fitted to: the best; the others are the other hand's."""
_SMALLEST_SIZE = 1e-3
"""Of a feature that hardly ever changes; it is not blown up beyond that."""
_RIDGE = 1e-3
"""Of the features' variance, added so that no direction among them is blown up."""

Array = NDArray[np.float64]


def suit(network: TouchNet, performances: Sequence[Performed]) -> None:
    """Fit everything that training leaves alone, and begin with the mean effort.

    The first layer's random weights are turned to weigh all directions in which the features vary
    alike: effort shows in what little is left of a hand's movement when its place is known.
    """
    card = network.card
    if {"pose", "keys"} <= set(card.inputs):
        place = keyboard_map(performances, len(card.views), card.first_note, card.keys)
        network.features.place.copy_(torch.from_numpy(place))
    moments = _moments(network, performances)
    measured = network.features.span.absent.start
    variance = np.maximum(np.diag(moments.covariance), 0)
    gain = 1 / np.maximum(np.sqrt(variance), _SMALLEST_SIZE)
    gain[measured:] = 1.0
    scaled = moments.covariance * gain[:, None] * gain
    size, directions = np.linalg.eigh(scaled)
    whitening = (directions / np.sqrt(np.maximum(size, 0) + _RIDGE)) @ directions.T
    with torch.no_grad():
        network.features.offset.copy_(torch.from_numpy(moments.mean[:measured]))
        network.features.gain.copy_(torch.from_numpy(gain[:measured]))
        network.inlet.weight.copy_(network.inlet.weight.double() @ torch.from_numpy(whitening))
        network.outlet.weight.zero_()
        network.outlet.bias.copy_(torch.from_numpy(moments.mean_effort))


class _Moments(NamedTuple):
    """Averages over all frames."""

    mean: Array
    covariance: Array
    mean_effort: Array


def _moments(network: TouchNet, performances: Sequence[Performed]) -> _Moments:
    """Average features, their products, and effort."""
    count, width = 0, network.features.span.width
    outputs = network.outlet.out_features
    total, total_effort = np.zeros(width), np.zeros(outputs)
    square = np.zeros((width, width))
    for features, effort in _rows(network, performances):
        count += len(features)
        total += features.sum(axis=0)
        total_effort += effort.sum(axis=0)
        square += features.T @ features
    mean = total / count
    return _Moments(mean, square / count - np.outer(mean, mean), total_effort / count)


def _rows(network: TouchNet, performances: Sequence[Performed]) -> Iterator[tuple[Array, Array]]:
    """Features and effort of each performance's frames, senses that are missing left as zeros."""
    ahead = network.card.lookahead // STRIDE
    for one in performances:
        whole = len(one.effort) // STRIDE * STRIDE
        pose, keys = (torch.from_numpy(np.array(x[:whole].T)) for x in (one.pose(), one.keys))
        with torch.inference_mode():
            values, present = network.features.raw(pose[None].float(), keys[None].float(), 0)
            values[..., : present.shape[-1]] *= present
        features = values[0, ahead:].double().numpy()
        yield features, one.effort[:whole].reshape(len(features), -1).astype(np.float64)


def keyboard_map(
    performances: Sequence[Performed], views: int, first_note: int = 21, keys: int = 88
) -> Array:
    """Find where on the keyboard a fingertip is from where the views see it.

    Fitted to which key went down while the tips were where: first with the middle of all tips for
    the one that struck, then with the tip that comes nearest, over and over. Strokes that fit worst
    are left out: other fingers than those in sight play too.
    """
    places = key_places_of(first_note, keys)
    tips, struck = _strokes(performances, views, places)
    if len(struck) < 10 * tips.shape[-1]:
        raise ValueError(
            f"{len(struck)} key strokes are too few to learn where the fingers are: "
            f"{10 * tips.shape[-1]} or more are needed"
        )
    place = _fit(tips.mean(axis=1), struck, np.ones(len(struck), bool))
    for _ in range(_FITS):
        away = tips @ place - struck[:, None]
        nearest = np.abs(away).argmin(axis=1)
        chosen = tips[np.arange(len(tips)), nearest]
        error = np.abs(away).min(axis=1)
        place = _fit(chosen, struck, error <= np.quantile(error, _KEPT))
    return place


def key_places_of(first_note: int, keys: int) -> Array:
    """Middle of each key, in white keys."""
    from dataclasses import replace

    from kpm_ros.models.card import ModelCard

    return key_places(replace(ModelCard(), first_note=first_note, keys=keys)).astype(np.float64)


def _fit(seen: Array, struck: Array, kept: NDArray[np.bool_]) -> Array:
    return np.linalg.lstsq(seen[kept], struck[kept], rcond=None)[0]


def _strokes(performances: Sequence[Performed], views: int, places: Array) -> tuple[Array, Array]:
    """Where every tip was seen when a key went down, (strokes, 5, 2 views + 1); and which key."""
    tips, struck = [], []
    for one in performances:
        down = np.asarray(one.keys) > _PRESSED
        at, key = np.nonzero(down[1:] & ~down[:-1])
        points = one.pose()[at + 1].reshape(len(at), views, LANDMARKS, 2)[:, :, TIPS]
        seen = points.transpose(0, 2, 1, 3).reshape(len(at), len(TIPS), 2 * views)
        tips.append(np.concatenate([seen, np.ones_like(seen[..., :1])], axis=-1))
        struck.append(places[key])
    return np.concatenate(tips).astype(np.float64), np.concatenate(struck)
