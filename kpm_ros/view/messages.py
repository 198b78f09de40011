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

"""Messages of the pipeline's topics, live or of a bag, as what the scene draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kpm_ros import pipeline_topics
from kpm_ros.core.foreign_files import printable
from kpm_ros.pipeline_topics import KEY_EVENTS, LANDMARKS
from kpm_ros.sense.camera import pixels
from kpm_ros.sense.camera.image_headers import PictureError
from kpm_ros.view.scene import PICTURES_HZ, Scene
from kpm_ros.wire import decode

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
DIAGNOSTICS = pipeline_topics.topic("/diagnostics").type
HAND_POINTS = pipeline_topics.topic("hand/points").type
EFFORT_CHUNK = pipeline_topics.topic("effort/chunks").type
EFFORT_INFO = pipeline_topics.topic("effort/info").type


class MessageView:
    """Draws messages by their types; what it cannot use is counted."""

    def __init__(self, scene: Scene) -> None:
        """Draw into a scene."""
        self._scene = scene
        self.refused = 0
        self._picture_ns: dict[str, int] = {}
        self._said: dict[str, tuple[int, str]] = {}
        self._show: Mapping[str, Callable[[str, Any], None]] = {
            LANDMARKS.type: lambda _, message: scene.landmarks(decode.landmark_frame(message)),
            KEY_EVENTS.type: lambda _, message: scene.key(decode.key_event(message)),
            HAND_POINTS: self._hand,
            EFFORT_INFO: self._info,
            EFFORT_CHUNK: lambda _, message: scene.effort(decode.effort_chunk(message)),
            DIAGNOSTICS: self._diagnostics,
            IMAGE: self._picture,
            COMPRESSED: self._compressed,
        }

    @property
    def kinds(self) -> frozenset[str]:
        """Types of messages that are drawn."""
        return frozenset(self._show)

    def show(self, topic: str, kind: str, message: Any) -> None:
        """Draw one message."""
        try:
            self._show[kind](topic, message)
        except (ValueError, PictureError):
            self.refused += 1

    def _hand(self, _: str, message: Any) -> None:
        points = np.asarray(message.points, np.float32).reshape(-1, 3)
        stamp_ns = decode.time_ns(message.header.stamp)
        self._scene.hand(stamp_ns, message.skeleton, message.side, points)

    def _info(self, _: str, message: Any) -> None:
        names = [printable(str(name)) for name in message.muscles]
        stamp_ns = decode.time_ns(message.header.stamp)
        self._scene.muscles(
            names, printable(str(message.unit)), printable(str(message.model)), stamp_ns
        )

    def _diagnostics(self, _: str, message: Any) -> None:
        """Show what is not well, once, and that it is well again."""
        for status in message.status:
            level = decode.diagnostic_level(status)
            now = (level, status.message)
            if self._said.get(status.name, (0, ""))[0] != level or (
                level and self._said[status.name] != now
            ):
                self._scene.said(
                    decode.time_ns(message.header.stamp),
                    printable(str(status.name)).strip("/").replace("/", "_"),
                    level,
                    printable(str(status.message)),
                )
            self._said[status.name] = now

    def _picture(self, topic: str, message: Any) -> None:
        if self._is_due(topic, message):
            rgb = pixels.to_rgb(
                message.data,
                message.encoding,
                message.width,
                message.height,
                message.step,
                bool(message.is_bigendian),
            )
            self._scene.picture(decode.time_ns(message.header.stamp), view_of(topic), rgb)

    def _compressed(self, topic: str, message: Any) -> None:
        if self._is_due(topic, message):
            rgb = pixels.decode(message.data)
            self._scene.picture(decode.time_ns(message.header.stamp), view_of(topic), rgb)

    def _is_due(self, topic: str, message: Any) -> bool:
        """Whether a picture is worth unpacking."""
        stamp_ns = decode.time_ns(message.header.stamp)
        since_ns = stamp_ns - self._picture_ns.get(topic, 0)
        if 0 <= since_ns < 1e9 / PICTURES_HZ:
            return False
        self._picture_ns[topic] = stamp_ns
        return True


def view_of(topic: str) -> str:
    """Name the camera view that a picture's or landmarks' topic is of.

    >>> view_of("/kpm/camera/top/image_raw"), view_of("camera/right/left/landmarks")
    ('top', 'right')
    >>> view_of("/webcam/image"), view_of("/image")
    ('webcam', 'image')
    """
    words = topic.strip("/").split("/")
    if "camera" in words[:-1]:
        return words[words.index("camera") + 1]
    return words[-2] if len(words) > 1 else words[-1]
