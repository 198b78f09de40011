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

"""Which joints of a hand its own fingers and palm hide from a camera."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.camera_model import Camera
from kpm_ros.simulate.hand import FINGER_POINTS, HAND_SKELETON, WRIST

_BONES = [bone for points in FINGER_POINTS for bone in pairwise((WRIST, *points))]
_FROM, _TO = (np.array(ends) for ends in zip(*_BONES, strict=True))
_OWN = np.array(
    [
        [joint == WRIST or joint in points for points in FINGER_POINTS for _ in points]
        for joint in range(len(HAND_SKELETON))
    ]
)
"""Of each joint and each bone: whether the bone is of the joint's own finger."""
_THICK_M = 0.008
"""Half of what a finger is thick."""
_SOFT_M = 0.006
"""From a joint that is just seen to one that is just hidden."""
_NEARER_M = 0.010
"""What hides a joint is nearer to the camera by at least this; all of it by twice this."""


def hidden_share(landmarks: NDArray[np.float64], camera: Camera) -> NDArray[np.float64]:
    """How much of each joint is hidden, 0 to 1: (n, points), of landmarks (n, points, 3).

    Bones are thick lines; a joint is hidden by those of other fingers, and of the palm, that cross
    the line from the camera to it. Where a finger hides its own joints, its shape tells where they
    are.
    """
    seen = camera.in_optical_frame(landmarks)
    depth = seen[..., 2]
    slopes = seen[..., :2] / depth[..., None]
    start = slopes[:, None, _FROM]
    along = slopes[:, None, _TO] - start
    away = slopes[:, :, None] - start
    part = (away * along).sum(axis=-1) / np.maximum((along * along).sum(axis=-1), 1e-12)
    part = np.clip(part, 0.0, 1.0)
    bone_depth = 1 / ((1 - part) / depth[:, None, _FROM] + part / depth[:, None, _TO])
    gap = np.linalg.norm(away - part[..., None] * along, axis=-1) * bone_depth
    nearer = np.clip((depth[..., None] - bone_depth) / _NEARER_M - 1.0, 0.0, 1.0)
    covered = np.clip((_THICK_M - gap) / _SOFT_M + 0.5, 0.0, 1.0) * nearer
    covered[:, _OWN] = 0.0
    return np.asarray(covered.max(axis=-1))
