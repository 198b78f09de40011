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

"""Hands and keys of a running pipeline, for as long as is asked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress

import rclpy

from kpm_ros.msg import KeyEvent as KeyEventMessage
from kpm_ros.msg import Landmarks
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.wire import decode

LOOK_EVERY_S = 0.02


def listen(
    namespace: str, views: Sequence[str], seconds: float
) -> tuple[list[LandmarkFrame], list[KeyEvent]]:
    """Take what the cameras and the piano publish."""
    frames: list[LandmarkFrame] = []
    events: list[KeyEvent] = []
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("calibrate", namespace=f"/{namespace}", context=context)
    try:
        hands = [
            PolledSubscription(node, Landmarks, topic, qos.of(topic))
            for topic in (f"camera/{view}/landmarks" for view in views)
        ]
        keys = PolledSubscription(node, KeyEventMessage, "keys/events", qos.of("keys/events"))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(LOOK_EVERY_S)
            for hand in hands:
                for message, _ in hand.take():
                    with suppress(decode.RefusedMessageError):
                        frames.append(decode.landmark_frame(message))
            for event, _ in keys.take():
                with suppress(decode.RefusedMessageError):
                    events.append(decode.key_event(event))
    finally:
        node.destroy_node()
        context.try_shutdown()
    return frames, events
