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

"""What of these models can be trained, and by which settings; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kpm_ros.models.pianomotion.motion_card import ENCODING, GESTURE, POSITION, WINDOW


@dataclass(frozen=True)
class MotionModel:
    """One stage as `kpm train` knows it."""

    stage: str
    recipes: Mapping[str, Mapping[str, Any]]
    """Settings that suit it, by the recipe's name."""


AS_CODED, AS_WRITTEN = "as-coded", "as-written"
LOSSES = (AS_CODED, AS_WRITTEN)
"""Whose loss of positions: the published code's, or the paper's."""
CONVOLUTIONS, ALL = "conv", "all"
FROZEN = (CONVOLUTIONS, ALL)
"""What of the sound's encoder stays as it is: its convolutions as coded, or all as written."""

_PUBLISHED: dict[str, Any] = {
    "steps": 100_000,
    "window": WINDOW,
    "overlap": 0,
    "batch": 32,
    "shifted": True,
    "pose_timing": "stamps",
    "schedule": "constant",
    "sinkhorn": 0.0,
    "check_every": 500,
}
"""A window is drawn anew from a clip whenever it comes; `large` was trained on batches of 20."""
_QUICK: dict[str, Any] = {
    "epochs": 400.0,
    "window": WINDOW,
    "overlap": WINDOW // 2,
    "batch": 16,
    "sinkhorn": 0.0,
    "adam_epsilon": 1e-8,
    "learning_rate": 1e-3,
    "average": 0.995,
    "precision": "32-true",
    "check_every": 100,
}

_ENCODING = _QUICK | {"epochs": 200.0, "average": 0.0}
"""Ours: nothing of it is published."""

MODELS: Mapping[str, MotionModel] = {
    "pianomotion-position": MotionModel(
        POSITION, {"published": _PUBLISHED | {"learning_rate": 2e-5}, "quick": _QUICK}
    ),
    "pianomotion-gesture": MotionModel(
        GESTURE,
        {
            # Adam is AdamW without decay.
            "published": _PUBLISHED | {"learning_rate": 5e-5, "weight_decay": 0.0},
            "quick": _QUICK,
        },
    ),
    "motion-encoding": MotionModel(ENCODING, {"published": _ENCODING, "quick": _ENCODING}),
}
"""By the names that users give them."""
