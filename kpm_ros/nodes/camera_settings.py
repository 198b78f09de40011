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

"""Parameters of the nodes that look for hands or bodies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import rules, setting
from kpm_ros.nodes.managed_settings import ManagedSettings
from kpm_ros.sense.bodies.person_identity import PersonRules
from kpm_ros.sense.camera.camera_device import CameraConfig
from kpm_ros.sense.hands.tracking import HandRules
from kpm_ros.sense.samples import HAND
from kpm_ros.sense.trackers import TRACKERS
from kpm_ros.sense.tracking.tracker import TrackerConfig


@dataclass(frozen=True)
class TrackingSettings:
    """What is looked for and how, and who is published."""

    FIXED: ClassVar[str] = "the tracker is loaded with it"

    frame_id: str = setting(
        "", "the camera's optical frame; empty = the image's own, else camera_<view>_optical"
    )
    skeleton: str = setting(
        HAND, "skeleton that is looked for: a hand's or a body's", choices=tuple(TRACKERS)
    )
    hand: HandRules = rules(HandRules)
    person: PersonRules = rules(PersonRules)
    tracker: TrackerConfig = rules(TrackerConfig)
    model: str = setting(
        "full",
        "lite is faster, but MediaPipe's package has none for bodies; auto = full where the "
        "machine is fast enough for it, else lite, by what the first pictures take",
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
    tracking: bool = setting(True, "whether anything is looked for; else only images are published")
    calibration: str = setting(
        "",
        "ROS calibration file (YAML; a path or file://), for camera_info: read from there, and "
        "written there by set_camera_info; empty = the camera is not calibrated",
    )
    registration: str = setting(
        "",
        "where the cameras stand: a file that `kpm calibrate` wrote; camera_info is of the lens in "
        "it where there is no calibration",
    )


@dataclass(frozen=True)
class CameraSettings(TrackingSettings, CaptureSettings):
    """A camera and its tracker."""


@dataclass(frozen=True)
class TrackerSettings(TrackingSettings):
    """A tracker on another node's images."""

    FIXED: ClassVar[str] = "the images are subscribed to with it"

    view: str = setting("", "name of the camera view; empty = the node's name after tracker_")
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
