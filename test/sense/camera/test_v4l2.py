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

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from kpm_ros.sense.camera.camera_device import CameraConfig, CameraError
from kpm_ros.sense.camera.open_camera import open_camera
from kpm_ros.sense.camera.v4l2 import V4l2Device, device_path, find_cameras, on_host_clock
from kpm_ros.sense.camera.video import fourcc_name


@pytest.fixture
def dev(tmp_path):
    """A /dev with two webcams, each with a second device that gives no pictures."""
    by_id = tmp_path / "v4l" / "by-id"
    by_id.mkdir(parents=True)
    for number in range(4):
        (tmp_path / f"video{number}").touch()
        camera = "Alpha" if number < 2 else "Beta"
        (by_id / f"usb-{camera}-video-index{number % 2}").symlink_to(f"../../video{number}")
    return tmp_path


def test_a_device_is_found_by_index_path_or_part_of_its_by_id_name(dev):
    assert device_path("2", dev) == dev / "video2"
    assert device_path("/dev/video5", dev) == Path("/dev/video5")
    assert device_path("Beta", dev).resolve() == (dev / "video2").resolve()
    assert device_path("usb-Alpha-video-index1", dev).resolve() == (dev / "video1").resolve()


def test_a_name_that_fits_no_camera_or_several_is_refused_with_the_names_there_are(dev):
    with pytest.raises(CameraError, match=r"no camera 'Gamma'.*usb-Alpha-video-index0"):
        device_path("Gamma", dev)
    with pytest.raises(CameraError, match="fits several cameras"):
        device_path("usb", dev)


def test_the_cameras_of_the_machine_are_listed_with_their_names(dev, tmp_path):
    about = tmp_path / "class" / "video0"
    about.mkdir(parents=True)
    (about / "name").write_text("Alpha Webcam\n")
    found = find_cameras(dev, tmp_path / "class")
    assert [camera.path.name for camera in found] == ["video0", "video1", "video2", "video3"]
    assert (found[0].name, found[0].by_id) == ("Alpha Webcam", "usb-Alpha-video-index0")


def test_a_camera_that_is_not_there_is_named():
    with pytest.raises(CameraError, match=r"no camera at /dev/video987: is it plugged in"):
        V4l2Device(CameraConfig("/dev/video987")).open()


def test_a_missing_permission_is_said_with_its_cure(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may open everything")
    device = tmp_path / "video0"
    device.touch(0o000)
    with pytest.raises(CameraError, match="usermod -aG video"):
        V4l2Device(CameraConfig(str(device))).open()


def test_a_file_that_is_no_camera_is_refused(tmp_path):
    device = tmp_path / "video0"
    device.touch()
    with pytest.raises(CameraError, match="cannot be opened as a camera"):
        V4l2Device(CameraConfig(str(device))).open()


def test_the_kernels_buffer_time_is_brought_onto_the_hosts_clock():
    before = time.time_ns()
    stamp = on_host_clock(time.monotonic_ns() - 20_000_000)
    assert stamp is not None
    assert before - 25_000_000 <= stamp <= time.time_ns()


def test_a_buffer_time_on_the_hosts_clock_already_is_taken_as_it_is():
    buffer_ns = time.time_ns() - 5_000_000
    assert on_host_clock(buffer_ns) == buffer_ns


@pytest.mark.parametrize("buffer_ns", [0, 10**18 * 5, -1])
def test_a_buffer_time_on_no_known_clock_is_not_used(buffer_ns):
    assert on_host_clock(buffer_ns) is None


def test_pixel_formats_have_names():
    assert fourcc_name(int.from_bytes(b"MJPG", "little")) == "MJPG"
    assert fourcc_name(0) == ""


def test_a_real_camera_gives_stamped_pictures():
    cameras = find_cameras()
    if not cameras:
        pytest.skip("no V4L2 camera on this machine (/dev/video*)")
    said = []
    with open_camera(CameraConfig(str(cameras[0].path)), said.append) as camera:
        first = camera.next_frame(10.0)
        second = camera.next_frame(10.0)
        assert first is not None, said
        assert second is not None, said
        assert 0 < second.stamp_ns - first.stamp_ns < 10**9
        assert 0 <= time.time_ns() - second.stamp_ns < 10**9
