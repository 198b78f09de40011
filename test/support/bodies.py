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

"""Made-up bodies that move, told in metres as a tracker tells them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import METRIC
from kpm_ros.models.card import ModelCard
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.weight_files import random_tensors, save_model
from support.models import playing
from support.streams import body

Array = NDArray[np.float32]
EIGHT = ("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep")
_STANDING = {
    "shoulder": (0.18, -0.5),
    "elbow": (0.25, -0.25),
    "wrist": (0.28, 0.0),
    "hip": (0.1, 0.0),
    "knee": (0.11, 0.42),
    "ankle": (0.12, 0.84),
    "heel": (0.12, 0.9),
    "foot_index": (0.14, 0.9),
    "big_toe": (0.14, 0.9),
    "small_toe": (0.18, 0.9),
    "ear": (0.08, -0.7),
    "eye": (0.04, -0.72),
}
"""Of somebody who faces the camera: x of the left point, and y."""


def body_model(seed: int = 0, **fields: Any) -> tuple[ModelCard, dict[str, Array]]:
    """Make a small BodyNet with random weights; arguments are fields of its card."""
    given: dict[str, Any] = {
        "architecture": "bodynet-light",
        "streams": body(),
        "muscles": EIGHT,
        "unit": "fraction of maximum",
        "rate_hz": 100,
        **fields,
    }
    card = find_architecture(given.pop("architecture")).new_card(**given)
    tensors = random_tensors(card, seed)
    tensors["features.offset"][:] = 0
    tensors["features.gain"][:] = 0.3
    tensors["outlet.weight"] *= 0.2
    return card, tensors


def saved_body_model(folder: Path, skeleton: str = "mediapipe-body") -> Path:
    """Write such a model of another skeleton, as a file."""
    path = folder / f"{skeleton}.safetensors"
    save_model(path, *body_model(streams=body(skeleton)))
    return path


def moving(card: ModelCard, samples: int) -> Array:
    """Make rows of what a card's model sees: a body in metres, or a hand that plays."""
    metric = any(view.coordinates == METRIC for view in card.streams.landmarks)
    return exercising(card, samples) if metric else playing(card, samples)


def exercising(card: ModelCard, samples: int, seed: int = 1) -> Array:
    """Make rows of a body whose points sway as it slowly turns, as its card's view tells them."""
    random = np.random.default_rng(seed)
    names = card.streams[0].skeleton.points
    still = np.array([_place(name) for name in names])
    at_s = np.arange(samples)[:, None, None] / card.rate_hz
    phase, speed = random.uniform(0, 6, still.shape), random.uniform(1, 6, still.shape)
    points = still + 0.1 * np.sin(speed * at_s + phase)
    angle = 0.3 * at_s[:, 0, 0] + 0.4
    x, y, z = np.moveaxis(points, -1, 0)
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    turned = np.stack([x * cos - z * sin, y, z * cos + x * sin], axis=-1)
    hips = [names.index(side + "_hip") for side in ("left", "right")]
    turned -= turned[:, hips].mean(axis=1, keepdims=True)
    ages = [0.04 + 0.02 * np.sin(7 * at_s[:, 0]) for _ in card.streams[0].measures]
    return np.concatenate([turned.reshape(samples, -1), *ages], axis=1, dtype=np.float32)


def _place(name: str) -> tuple[float, float, float]:
    part = next((part for part in _STANDING if part in name), "")
    x, y = _STANDING.get(part, (0.0, -0.6))
    toe = part in ("foot_index", "big_toe", "small_toe")
    return (x if "left" in name else -x if "right" in name else 0.0, y, -0.15 * toe)
