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

"""Models and signals small enough for quick tests; hands that touch the keys that go down."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.network import build_network
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.touchnet.network import build_network as build_touchnet
from kpm_ros.models.touchnet.shapes import ARCHITECTURES as TOUCH
from kpm_ros.models.touchnet.shapes import LANDMARKS, TIPS, key_places
from kpm_ros.models.weight_files import random_tensors

Array = NDArray[np.float32]
Signal = tuple[Array, Array]
Tensors = dict[str, Array]
WHITES = 50.0
"""White keys that the made-up top view is wide."""


@pytest.fixture(scope="session")
def light() -> Callable[..., tuple[ModelCard, dict[str, Array]]]:
    """Makes a small model with random weights; arguments are fields of its card."""

    def make(seed: int = 0, **fields: Any) -> tuple[ModelCard, dict[str, Array]]:
        card = published_card(name="light", architecture="pianokpm-light", **fields)
        return card, random_tensors(card, seed)

    return make


@pytest.fixture(scope="session")
def play() -> Callable[[ModelCard, int], Signal]:
    """Makes a signal as the grid carries it: pose by straight lines, keys that mostly rest."""

    def make(card: ModelCard, samples: int, seed: int = 1) -> Signal:
        random = np.random.default_rng(seed)
        knots = np.arange(0, samples + 18, 17)
        frames = random.uniform(0.2, 0.8, (len(knots), card.pose_channels))
        at = np.arange(samples)
        pose = np.stack([np.interp(at, knots, channel) for channel in frames.T], axis=1)
        keys = np.zeros((samples, card.keys))
        keys[:, -3:] = -1
        for key in range(0, card.keys - 3, 5):
            start, length = random.integers(0, samples, 2)
            keys[start : start + length, key] = np.linspace(0, 1, len(keys[start : start + length]))
        return pose.astype(np.float32), keys.astype(np.float32)

    return make


@pytest.fixture(scope="session")
def small() -> Callable[..., tuple[ModelCard, Tensors]]:
    """Makes a small model with random weights; arguments are fields of its card."""

    def make(seed: int = 0, **fields: Any) -> tuple[ModelCard, Tensors]:
        card = published_card(name="small", architecture="touchnet-light", **fields)
        tensors = random_tensors(card, seed)
        tensors["features.gain"][:] = 1
        tensors["outlet.weight"] *= 0.2
        if "features.place" in tensors:
            tensors["features.place"][:] = 0
            tensors["features.place"][0] = WHITES
            tensors["features.place"][-1] = key_places(card)[0] - 0.5
        return card, tensors

    return make


@pytest.fixture(scope="session")
def played() -> Callable[..., tuple[Array, Array]]:
    """Makes pose and keys (T, channels) of a hand whose fingers press what is beneath them."""

    def make(card: ModelCard, samples: int, seed: int = 1) -> tuple[Array, Array]:
        random = np.random.default_rng(seed)
        points = random.uniform(-0.06, 0.06, (len(card.views), LANDMARKS, 2))
        points[0, TIPS, 0] = np.linspace(-2, 2, len(TIPS)) / WHITES
        middle = 0.5 + 0.2 * np.sin(np.arange(samples) / 80)
        pose = points + 0.002 * random.normal(size=(samples, *points.shape)).cumsum(axis=0) * 0.1
        pose[..., 0] += middle[:, None, None]
        pose[..., 1] += 0.4
        keys = np.zeros((samples, card.keys))
        places = key_places(card)
        for start in range(5, samples, 23):
            finger = random.integers(len(TIPS))
            at = places[0] - 0.5 + WHITES * pose[start, 0, TIPS[finger], 0]
            stroke = np.concatenate([np.linspace(0, 1, 8), np.ones(20), np.linspace(1, 0, 10)])
            part = keys[start : start + len(stroke), np.abs(places - at).argmin()]
            part[:] = np.maximum(part, stroke[: len(part)])
        keys[:, -1] = -1
        return pose.reshape(samples, card.pose_channels).astype(np.float32), keys.astype(np.float32)

    return make


@pytest.fixture(scope="session")
def one_pass() -> Callable[..., Array]:
    """Evaluates a whole signal with torch: what everything else must reproduce."""

    @torch.inference_mode()
    def run(
        card: ModelCard, tensors: Tensors, pose: Array, keys: Array, first_index: int = 0
    ) -> Array:
        rows = (torch.from_numpy(x.T.copy())[None] for x in (pose, keys))
        if card.architecture in TOUCH:
            return build_touchnet(card, tensors)(*rows, first_index)[0].T.numpy()
        return build_network(card, tensors)(*rows)[0].T.numpy()

    return run
