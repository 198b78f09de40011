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

"""A hand's points in space for others: with their covariance, and as markers for viewers."""

from __future__ import annotations

from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from visualization_msgs.msg import Marker, MarkerArray

from kpm_ros.align.space import HandInSpace
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.msg import HandPoints
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.wire.encode import KEYBOARD_FRAME

POINTS, MARKERS = "hand/points", "hand/markers"
LEAST_GAP_NS = round(0.008 * NS_PER_S)
"""Between two messages: as often as the cameras that are quick give frames."""
BONE_WIDTH_M = 0.004
LEAST_SIZE_M = 0.008
COLOURS = {"left": (0.2, 0.6, 1.0), "right": (1.0, 0.6, 0.2), "": (1.0, 0.6, 0.2)}
LIFETIME_S = 1


class HandOutput:
    """Publishes hands in space while somebody listens to them."""

    def __init__(self, node: PipelineNode, hands: list[HandInSpace]) -> None:
        """Offer the topics, if there is any hand."""
        self._hands = [hand for hand in hands if hand.registered]
        self._sent_ns = [0] * len(self._hands)
        if self._hands:
            self._points = node.create_publisher(HandPoints, POINTS, qos.of(POINTS))
            self._markers = node.create_publisher(MarkerArray, MARKERS, qos.of(MARKERS))

    def publish(self) -> None:
        """Publish what is new."""
        for number, hand in enumerate(self._hands):
            stamp_ns, found = hand.newest_ns, hand.newest
            if 0 <= stamp_ns - self._sent_ns[number] < LEAST_GAP_NS:
                continue
            self._sent_ns[number] = stamp_ns
            if found is None or not found.found[-1]:
                continue
            if self._points.get_subscription_count() > 0:
                self._points.publish(points_message(hand, stamp_ns))
            if self._markers.get_subscription_count() > 0:
                self._markers.publish(markers_message(hand, stamp_ns, number))


def points_message(hand: HandInSpace, stamp_ns: int) -> HandPoints:
    """A hand's newest points as a message."""
    assert hand.newest is not None
    return outgoing.MESSAGES.hand_points(
        stamp_ns,
        hand.stream.skeleton.name,
        hand.stream.side,
        hand.newest.points[-1].astype(np.float32),
        hand.newest.covariance[-1].astype(np.float32),
    )


def markers_message(hand: HandInSpace, stamp_ns: int, number: int) -> MarkerArray:
    """A hand's newest points as balls, as large as they are unsure, and bones as lines."""
    assert hand.newest is not None
    spread_m = np.sqrt(hand.newest.covariance[-1][:, [0, 3, 5]].mean(axis=1))
    sizes = np.maximum(LEAST_SIZE_M, 2 * spread_m)
    stream = hand.stream
    shown = hand_markers(
        hand.newest.points[-1], sizes, stream.skeleton, stream.side, stamp_ns, number
    )
    return MarkerArray(markers=shown)


def hand_markers(
    points: NDArray[np.floating[Any]],
    sizes_m: NDArray[np.floating[Any]],
    skeleton: Skeleton,
    side: str,
    stamp_ns: int,
    number: int,
) -> list[Marker]:
    """Points (n, 3) as balls of these sizes, and bones as lines; `number` tells hands apart."""
    listed = [
        _marker(side, stamp_ns, Marker.SPHERE, number * (len(points) + 1) + place, size)
        for place, size in enumerate(sizes_m.tolist())
    ]
    for marker, point in zip(listed, points.tolist(), strict=True):
        place = marker.pose.position
        place.x, place.y, place.z = point
    last = (number + 1) * (len(points) + 1) - 1
    bones = _marker(side, stamp_ns, Marker.LINE_LIST, last, BONE_WIDTH_M)
    for end in (end for bone in skeleton.bones for end in bone):
        x, y, z = points[end].tolist()
        bones.points.append(Point(x=x, y=y, z=z))
    return [*listed, bones]


def _marker(side: str, stamp_ns: int, kind: int, number: int, size: float) -> Marker:
    marker = Marker(type=kind, action=Marker.ADD, ns="hand", id=number)
    marker.header = outgoing.MESSAGES.header(stamp_ns, KEYBOARD_FRAME)
    marker.pose.orientation.w = 1.0
    marker.scale.x = marker.scale.y = marker.scale.z = size
    marker.color.r, marker.color.g, marker.color.b = COLOURS[side]
    marker.color.a = 0.9
    marker.lifetime.sec = LIFETIME_S
    return marker
