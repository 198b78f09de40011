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

"""What TouchNet begins with before training: where fingers are on the keyboard, usual sizes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Example, mean_effort, pieces
from kpm_ros.models.framed.initial_values import whiten
from kpm_ros.models.touchnet.network import TouchNet
from kpm_ros.models.touchnet.shapes import STRIDE, inputs_of, key_places

_PRESSED = 0.5
"""Depth at which a key counts as struck."""
_FITS = 20
_STROKES_A_NUMBER = 10
"""Fewest strokes for each number that says where on the keyboard a fingertip is."""
_KEPT = 0.7
"""Share of the strokes that a map is fitted to: the best; the others are the other hand's."""

Array = NDArray[np.float64]


def suit(network: TouchNet, examples: Sequence[Example]) -> None:
    """Fit everything that training leaves alone, and begin with the mean effort."""
    given = network.features.inputs
    if given.touches and not given.in_space:
        place = keyboard_map(network.card, examples)
        network.features.place.copy_(torch.from_numpy(place))
    whiten(network.features, network.inlet, network.card, STRIDE, examples)
    with torch.no_grad():
        if given.in_space:
            # Where along the keyboard the hand is says nothing of its effort, but that it moves.
            network.features.gain[given.views[0].points * given.views[0].dimensions] = 0
        network.outlet.weight.zero_()
        network.outlet.bias.copy_(torch.from_numpy(np.tile(mean_effort(examples), STRIDE)))


def keyboard_map(card: ModelCard, examples: Sequence[Example]) -> Array:
    """Find where on the keyboard a fingertip is from where the views see it.

    Fitted to which key went down while the tips were where: first with the middle of all tips for
    the one that struck, then with the tip that comes nearest, over and over. Strokes that fit worst
    are left out: other fingers than those in sight play too.
    """
    tips, struck = _strokes(card, examples)
    fewest = _STROKES_A_NUMBER * tips.shape[-1]
    if len(struck) < fewest:
        raise ValueError(
            f"{len(struck)} key strokes are too few to learn where the fingers are: "
            f"{fewest} or more are needed"
        )
    place = _fit(tips.mean(axis=1), struck, np.ones(len(struck), bool))
    for _ in range(_FITS):
        away = tips @ place - struck[:, None]
        nearest = np.abs(away).argmin(axis=1)
        chosen = tips[np.arange(len(tips)), nearest]
        error = np.abs(away).min(axis=1)
        place = _fit(chosen, struck, error <= np.quantile(error, _KEPT))
    return place


def _fit(seen: Array, struck: Array, kept: NDArray[np.bool_]) -> Array:
    return np.linalg.lstsq(seen[kept], struck[kept], rcond=None)[0]


def _strokes(card: ModelCard, examples: Sequence[Example]) -> tuple[Array, Array]:
    """Where every tip was seen when a key went down, (strokes, tips, places); and which key."""
    given = inputs_of(card)
    keys = key_places(given.first_note, given.keys.stop - given.keys.start).astype(np.float64)
    tips: list[Array] = [np.zeros((0, given.tips, given.places))]
    struck: list[Array] = [np.zeros(0)]
    for one in examples:
        for piece in pieces(one):
            # One row more, since a key that goes down was up before.
            rows = one.values(max(0, piece.start - 1), piece.stop)
            down = rows[:, given.keys] > _PRESSED
            at, key = np.nonzero(down[1:] & ~down[:-1])
            pose = rows[at + 1, given.pose].astype(np.float64)
            parts = [
                pose[:, view.start : view.start + view.width].reshape(
                    len(at), view.points, view.dimensions
                )[:, view.tips, :]
                for view in given.views
            ]
            tips.append(np.concatenate([*parts, np.ones((len(at), given.tips, 1))], axis=-1))
            struck.append(keys[key])
    return np.concatenate(tips), np.concatenate(struck)
