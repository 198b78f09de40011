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

from kpm_ros.nodes.setting import ManagedSettings, setting


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
    hands: int = setting(
        2, "hands in sight; with 1 tracking is cheaper, but takes whichever comes", least=1, most=2
    )
    mirrored: bool = setting(
        False,
        "whether the picture is a mirror image (a selfie camera, or one flip): it decides "
        "which hand is the left one",
    )
    model: str = setting(
        "full",
        "hand model: lite is faster; auto = full where the machine is fast enough for it, else "
        "lite, by what the first pictures take",
        choices=("lite", "full", "auto"),
    )
    task_file: str = setting("", "a .task file for MediaPipe instead of the model in its package")
    min_confidence: float = setting(
        0.5, "a hand of less confidence is not published", least=0.0, most=1.0, live=True
    )
    detection_confidence: float = setting(
        0.5, "how sure the search for a hand must be", least=0.0, most=1.0
    )
    tracking_confidence: float = setting(
        0.5, "how sure a hand must be to be followed", least=0.0, most=1.0
    )
    region: str = setting(
        "0, 0, 1, 1", "part of the picture to look at: left, top, right, bottom as fractions"
    )
    follow: bool = setting(
        False, "whether to look only around the hands once found: for hands that are small"
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

    source: str = setting(
        "0",
        "camera's index, path or by-id name; or a video file, a folder of images, a stream's URL",
    )
    view: str = setting("", "name of the camera view; empty = the node's name after camera_")
    width: int = setting(0, "picture size; 0 = the camera's choice", least=0, most=16384)
    height: int = setting(0, "picture size; 0 = the camera's choice", least=0, most=16384)
    fps: float = setting(0.0, "pictures a second; 0 = the camera's choice", least=0.0, most=1000.0)
    fourcc: str = setting("", "pixel format, such as MJPG; empty = the camera's choice")
    exposure_s: float = setting(0.0, "exposure; 0 = leave it as it is", least=0.0, most=1.0)
    flip: str = setting(
        "none",
        "how the picture is turned over",
        choices=("none", "horizontal", "vertical", "both"),
    )
    latency_s: float = setting(
        0.0,
        "measured time from exposure to the picture's time stamp (kpm calibrate)",
        least=-1.0,
        most=1.0,
    )
    loop: bool = setting(False, "whether a recording begins again at its end")
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
