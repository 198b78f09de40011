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

"""Missing senses: what a network is given in their place, and when effort is still to be believed.

Training and the live path both use `blank`, so that a network meets in use what it was trained on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.motion import NOT_SENSED
from kpm_ros.core.flags import Flag
from kpm_ros.estimate.card import ModelCard

MISSING = {"pose": Flag.POSE_LOST, "keys": Flag.KEYS_MISSING}
"""What says of a sample that a sense is missing."""

Array = NDArray[np.float32]


def blank(
    pose: Array, keys: Array, flags: NDArray[np.uint8], card: ModelCard
) -> tuple[Array, Array]:
    """Put the neutral value where a sense is missing that the model was trained to do without.

    A missing pose is the one that is zero once it is normalised; missing keys all read "not
    sensed", which no resting key does. Rows of other samples are as they were, and nothing given
    is changed. A view that is lost makes the whole pose missing.
    """
    for sense in card.optional:
        gone = (flags & MISSING[sense]) != 0
        if gone.any():
            if sense == "pose":
                pose = np.where(gone[:, None], neutral_pose(card), pose)
            else:
                keys = np.where(gone[:, None], np.float32(NOT_SENSED), keys)
    return pose, keys


def neutral_pose(card: ModelCard) -> Array:
    """Give the pose that stands for none."""
    return np.array(card.pose_offset or (0.0,) * card.pose_channels, np.float32)


def judge(flags: NDArray[np.uint8], card: ModelCard) -> NDArray[np.uint8]:
    """Mark as invalid the samples without a sense the model needs, and those without any sense."""
    missing = {sense: (flags & MISSING[sense]) != 0 for sense in card.inputs}
    unusable = np.logical_and.reduce(list(missing.values()))
    for sense in card.inputs:
        if sense not in card.optional:
            unusable |= missing[sense]
    return flags | np.where(unusable, np.uint8(Flag.INVALID), np.uint8(0))
