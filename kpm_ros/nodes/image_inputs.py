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

"""The newest image of a topic, alone or with its camera_info."""

from __future__ import annotations

import sys
from collections import deque
from typing import Any, NamedTuple

from rclpy.node import Node
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kpm_ros.nodes.polling import PolledSubscription

try:
    from message_filters import SimpleFilter, TimeSynchronizer
except ImportError:
    from kpm_ros.nodes.time_synchronizer import SimpleFilter, TimeSynchronizer

QUEUE = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.BEST_EFFORT
)
"""Deep enough to count what is skipped; only the newest is looked at."""


class Taken(NamedTuple):
    """What has come since the last time."""

    images: int
    newest: Image | CompressedImage | None
    """None where there is none, or it is no image."""
    info: CameraInfo | None = None


class Images:
    """Images as they come."""

    def __init__(self, node: Node, kind: type, topic: str) -> None:
        """Subscribe to a topic of Image or CompressedImage."""
        self._images: PolledSubscription[Image | CompressedImage] = PolledSubscription(
            node, kind, topic, QUEUE
        )
        self.topic = self._images.topic
        self.awaited = f"images on {self.topic}"

    @property
    def publishers(self) -> int:
        """How many publishers the images have."""
        return self._images.publishers

    def take(self) -> Taken:
        """Take the newest image."""
        # All of them, however large: the newest is what counts, and there are few.
        taken = self._images.take_raw(QUEUE.depth, sys.maxsize)
        return Taken(len(taken), self._images.decode(taken[-1].data) if taken else None)


class CalibratedImages:
    """Images, each with the camera_info of its stamp, which stands beside them."""

    def __init__(self, node: Node, kind: type, topic: str) -> None:
        """Subscribe to the images and to the camera_info."""
        folder = topic.removesuffix("/compressed").rpartition("/")[0]
        infos = f"{folder}/camera_info" if folder else "camera_info"
        self._images: PolledSubscription[Image | CompressedImage] = PolledSubscription(
            node, kind, topic, QUEUE
        )
        self._infos = PolledSubscription(node, CameraInfo, infos, QUEUE)
        self._came: deque[tuple[Image | CompressedImage, CameraInfo]] = deque(maxlen=QUEUE.depth)
        self._image_filter, self._info_filter = SimpleFilter(), SimpleFilter()
        self._pairs = TimeSynchronizer([self._image_filter, self._info_filter], QUEUE.depth)
        self._pairs.registerCallback(lambda *pair: self._came.append(pair))
        self.topic = self._images.topic
        self.awaited = f"images on {self.topic} with a {self._infos.topic} of their stamp"

    @property
    def publishers(self) -> int:
        """How many publishers the images have."""
        return self._images.publishers

    def take(self) -> Taken:
        """Take the newest pair."""
        for info, _ in self._infos.take():
            if _can_be_paired(self._infos, info):
                self._info_filter.signalMessage(info)
        for image, _ in self._images.take():
            if _can_be_paired(self._images, image):
                self._image_filter.signalMessage(image)
        count = len(self._came)
        newest = self._came[-1] if count else (None, None)
        self._came.clear()
        return Taken(count, *newest)


def _can_be_paired(source: PolledSubscription[Any], message: Any) -> bool:
    """Refuse a stamp before 1970: ROS's clock has none, and the filters would fail."""
    stamp = message.header.stamp
    if stamp.sec >= 0:
        return True
    source.refuse(f"{source.topic} has brought a message of {stamp.sec} s, before any clock's time")
    return False
