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

"""Which cameras took the pictures of recordings: what goes on the card of a model of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.keyboard import WHITE_LENGTH_M, centre_m
from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.recordings.recording import Recording

LOOKED_AT = np.array(
    [(centre_m(note), y, 0.0) for note in range(48, 85, 12) for y in (0.0, WHITE_LENGTH_M)]
)
"""Points of the keyboard's middle, by whose place in the picture cameras are compared."""


def told_cameras(views: Sequence[str], recordings: Sequence[Recording]) -> dict[str, Camera]:
    """Give of each view the camera whose picture is most like those of all recordings.

    Nothing where some recording has pictures and does not tell where their camera stood.
    """
    found = {}
    for view in views:
        shown = [one.stream for recording in recordings if (one := recording.series_of(view))]
        told = [stream.camera for stream in shown if isinstance(stream, Landmarks)]
        cameras = [camera for camera in told if camera is not None]
        if not cameras or len(cameras) < len(shown):
            return {}
        found[view] = _middle(cameras)
    return found


def _middle(cameras: Sequence[Camera]) -> Camera:
    """Choose the one whose picture is least off those of the others, all together."""
    count = {camera: cameras.count(camera) for camera in dict.fromkeys(cameras)}
    pictures = np.array([camera.project(LOOKED_AT) for camera in count])
    apart = np.linalg.norm(pictures[:, None] - pictures, axis=-1).mean(axis=-1)
    return list(count)[int(np.argmin(apart @ np.array([*count.values()])))]
