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

"""Parameters of the nodes that look for hands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import rules, setting
from kpm_ros.nodes.managed_settings import ManagedSettings
from kpm_ros.sense.camera.camera_device import CameraConfig
from kpm_ros.sense.hands.tracking import HandTrackerConfig


@dataclass(frozen=True)
class HandSettings:
    """How hands are looked for, and which one is published."""

    FIXED: ClassVar[str] = "the tracker is loaded with it"

    frame_id: str = setting(
        "", "the camera's optical frame; empty = the image's own, else camera_<view>_optical"
    )
    hand: str = setting(
        "right",
        "which hand is published; nearest = the one nearest to near_x, near_y, until it is gone",
        choices=("left", "right", "nearest"),
        live=True,
    )
    near_x: float = setting(
        0.5, "the point, from the left, as a fraction", least=0.0, most=1.0, live=True
    )
    near_y: float = setting(
        0.5, "the point, from the top, as a fraction", least=0.0, most=1.0, live=True
    )
    tracker: HandTrackerConfig = rules(HandTrackerConfig)
    model: str = setting(
        "full",
        "hand model: lite is faster; auto = full where the machine is fast enough for it, else "
        "lite, by what the first pictures take",
        choices=("lite", "full", "auto"),
    )
    region: str = setting(
        "0, 0, 1, 1", "part of the picture to look at: left, top, right, bottom as fractions"
    )
    clean_up: str = setting(
        "none",
        "what is done to landmarks: outliers = jumps are held for two frames; smooth = that, and "
        "one-sided smoothing",
        choices=("none", "outliers", "smooth"),
        live=True,
    )


@dataclass(frozen=True)
class CaptureSettings(ManagedSettings):
    """What a camera is asked for."""

    FIXED: ClassVar[str] = "the camera is opened with it"

    camera: CameraConfig = rules(CameraConfig)
    view: str = setting("", "name of the camera view; empty = the node's name after camera_")
    tracking: bool = setting(True, "whether hands are looked for; else only images are published")
    calibration: str = setting(
        "",
        "ROS calibration file (YAML; a path or file://), for camera_info: read from there, and "
        "written there by set_camera_info; empty = the camera is not calibrated",
    )


@dataclass(frozen=True)
class CameraSettings(HandSettings, CaptureSettings):
    """A camera and its hand tracker."""


@dataclass(frozen=True)
class HandTrackerSettings(HandSettings):
    """A hand tracker on another node's images."""

    FIXED: ClassVar[str] = "the images are subscribed to with it"

    view: str = setting("", "name of the camera view; empty = the node's name after hand_tracker_")
    image: str = setting(
        "", "topic of the images; empty = camera/<view>/image_raw, with /compressed if compressed"
    )
    compressed: bool = setting(
        False, "whether the topic holds sensor_msgs/CompressedImage instead of Image"
    )
    undistort: bool = setting(
        False,
        "whether landmarks are freed of the lens's distortion, by the camera_info that comes with "
        "each image",
    )
