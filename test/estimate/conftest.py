"""Models and signals small enough for quick tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.weights import random_tensors

Array = NDArray[np.float32]
Signal = tuple[Array, Array]


@pytest.fixture(scope="session")
def light() -> Callable[..., tuple[ModelCard, dict[str, Array]]]:
    """Makes a small model with random weights; arguments are fields of its card."""

    def make(seed: int = 0, **fields: Any) -> tuple[ModelCard, dict[str, Array]]:
        card = replace(ModelCard(), name="light", architecture="pianokpm-light", **fields)
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
