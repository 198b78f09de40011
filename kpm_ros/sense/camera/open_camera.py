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

"""From a source's name to the camera that reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from kpm_ros.sense.camera.camera_device import CameraConfig, CameraConfigError, FrameSource
from kpm_ros.sense.camera.capture import CapturedCamera
from kpm_ros.sense.camera.v4l2 import V4l2Device
from kpm_ros.sense.camera.video import ImageFolder, NetworkStream, VideoFile

STREAMS = ("rtsp://", "rtsps://", "rtmp://", "http://", "https://", "udp://", "tcp://", "srt://")


def open_camera(
    config: CameraConfig, log: Callable[[str], None] = lambda sentence: None
) -> CapturedCamera:
    """Make the camera for a configuration; it is not connected yet."""
    return CapturedCamera(config, make_source(config), log)


def make_source(config: CameraConfig) -> FrameSource:
    """Choose by the source's name: a stream's URL, an existing folder or file, else a device."""
    source = config.source.strip()
    path = Path(source).expanduser()
    if not source:
        raise CameraConfigError(
            "source is empty, but must be a camera's index, path or by-id name, a video file, a "
            "folder of images or a stream's URL"
        )
    if source.lower().startswith(STREAMS):
        return NetworkStream(config)
    if path.is_dir():
        return ImageFolder(config)
    if path.is_file():
        return VideoFile(config)
    if "/" in source and not source.startswith("/dev/"):
        raise CameraConfigError(f"source is {source!r}, but there is no such file or folder")
    return V4l2Device(config)
