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

"""The two ways in which a performance is estimated before it is scored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.recordings.drawing import pinned
from kpm_ros.models.card import ModelCard

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.release import Recording
    from kpm_ros.models.trained import Trained

Array = NDArray[np.float32]

PROTOCOLS = {
    "continuous": "the whole performance in one stream, as the live pipeline runs it",
    "published": "separate windows of a second, each from nothing, as the published code does",
}
WINDOW_SAMPLES, WINDOW_FRAMES = 1024, 60
"""The published windows."""


def check_fit(card: ModelCard, muscles: Sequence[str], views: Sequence[str], name: str) -> None:
    """Refuse a model that cannot estimate a data set's performances."""
    if tuple(card.muscles) != tuple(muscles):
        raise ValueError(
            f"{name} estimates {', '.join(card.muscles)}, and the data set has "
            f"{', '.join(muscles)}: their scores cannot be compared"
        )
    missing = [view for view in card.views if view not in views]
    if "pose" in card.inputs and missing:
        raise ValueError(
            f"{name} needs the view {missing[0]!r}, and the data set has {', '.join(views)}"
        )
    if card.rate_hz != WINDOW_SAMPLES:
        raise ValueError(
            f"{name} runs at {card.rate_hz} samples a second, and the data set at {WINDOW_SAMPLES}"
        )


def pose_of_views(pose: Array, had: Sequence[str], wanted: Sequence[str]) -> Array:
    """Take a model's views, in its order, out of pose channels (n, P) of a data set's views."""
    if tuple(had) == tuple(wanted):
        return pose
    parts = dict(zip(had, np.split(pose, len(had), axis=1), strict=True))
    return np.concatenate([parts[view] for view in wanted], axis=1)


def estimate_continuous(model: Trained, pose: Array, keys: Array, views: Sequence[str]) -> Array:
    """Estimate a whole performance whose pose has been drawn onto the grid."""
    return model.estimate(*senses(model.card, pose, keys, views))


def estimate_published(model: Trained, recording: Recording, views: Sequence[str]) -> Array:
    """Estimate each whole second by itself; what is left over at the end is not estimated.

    Each window's first and last frame are put on its first and last sample.
    """
    seconds = min(len(recording.keys) // WINDOW_SAMPLES, len(recording.frames) // WINDOW_FRAMES)
    if not seconds:
        raise ValueError(
            f"{recording.name} is shorter than a second, the least that windows can be cut from"
        )
    parts = []
    for second in range(seconds):
        frames = recording.frames[second * WINDOW_FRAMES : (second + 1) * WINDOW_FRAMES]
        keys = recording.keys[second * WINDOW_SAMPLES : (second + 1) * WINDOW_SAMPLES]
        pose = pinned(frames, WINDOW_SAMPLES)
        parts.append(model.estimate_alone(*senses(model.card, pose, keys, views)))
    return np.concatenate(parts)


def senses(card: ModelCard, pose: Array, keys: Array, views: Sequence[str]) -> tuple[Array, Array]:
    """Give a model pose in its own order of views, and keys; what it does not use it ignores."""
    seen = pose_of_views(pose, views, card.views) if "pose" in card.inputs else pose
    return seen, np.asarray(keys, np.float32)
