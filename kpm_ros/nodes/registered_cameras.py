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

"""What nodes tell of where cameras stand: the lens in camera_info, frames on /tf_static."""

from __future__ import annotations

import importlib.util
from typing import Any

from geometry_msgs.msg import TransformStamped
from scipy.spatial.transform import Rotation
from sensor_msgs.msg import CameraInfo

from kpm_ros.core.camera_model import Camera, same_shape
from kpm_ros.core.registration import Registration
from kpm_ros.nodes import qos
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.wire.encode import KEYBOARD_FRAME, optical_frame

TRANSFORMS = "/tf_static"


def fill_info(info: CameraInfo, camera: Camera) -> bool:
    """Write a camera's lens into the camera_info of its pictures, if these have its shape."""
    if not same_shape((info.width, info.height), camera.image_size):
        return False
    fx, fy, cx, cy = camera.scaled(info.width, info.height).lens
    info.distortion_model = "plumb_bob"
    info.d = list(camera.distortion)
    info.k = [fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0]
    return True


def transforms(registration: Registration, stamp: Any) -> list[TransformStamped]:
    """Where each camera's optical frame is in the keyboard's."""
    listed = []
    for view, one in registration.cameras.items():
        told = TransformStamped()
        told.header.stamp, told.header.frame_id = stamp, KEYBOARD_FRAME
        told.child_frame_id = optical_frame(view)
        place, turn = told.transform.translation, told.transform.rotation
        place.x, place.y, place.z = one.camera.position.tolist()
        turn.x, turn.y, turn.z, turn.w = Rotation.from_matrix(one.camera.turn.T).as_quat().tolist()
        listed.append(told)
    return listed


class StaticFrames:
    """The frames of registered cameras on /tf_static, for RViz, Foxglove and others.

    Where the installation of ROS has no tf2_msgs, there are none.
    """

    def __init__(self, node: PipelineNode, registration: Registration | None) -> None:
        """Publish them once, latched."""
        self._node = node
        self._publisher = None
        if registration is not None and importlib.util.find_spec("tf2_msgs") is not None:
            from tf2_msgs.msg import TFMessage

            self._publisher = node.create_publisher(TFMessage, TRANSFORMS, qos.of(TRANSFORMS))
            self.publish(registration)

    def publish(self, registration: Registration) -> None:
        """Say where the cameras stand."""
        if self._publisher is not None:
            from tf2_msgs.msg import TFMessage

            stamp = self._node.get_clock().now().to_msg()
            self._publisher.publish(TFMessage(transforms=transforms(registration, stamp)))
