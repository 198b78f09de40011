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

import itertools
import threading
import time

import numpy as np
import pytest

from kpm_ros.sense.camera.camera_device import (
    Camera,
    CameraConfig,
    CameraConfigError,
    CameraError,
    CameraFormat,
    EndOfVideoError,
    RawFrame,
    StaleFrameError,
    differences,
)
from kpm_ros.sense.camera.capture import CapturedCamera
from kpm_ros.sense.camera.open_camera import make_source
from kpm_ros.sense.camera.v4l2 import V4l2Device
from kpm_ros.sense.camera.video import ImageFolder, NetworkStream, VideoFile

WAIT_S = 10.0


class ScriptedSource:
    """Gives what the test puts in, one at a time: pictures, or failures to raise."""

    clock = "the test"

    def __init__(self, *script):
        self.unreadable = 0
        self.opened = 0
        self.fails_to_open = 0
        self.closed = threading.Event()
        self._more = threading.Semaphore(0)
        self._script = []
        self.give(*script)

    def give(self, *entries):
        for entry in entries:
            self._script.append(entry)
            self._more.release()

    def open(self):
        self.opened += 1
        if self.fails_to_open:
            self.fails_to_open -= 1
            raise CameraError("it is not there")
        return CameraFormat(4, 2, 30.0)

    def read(self, stop):
        while not self._more.acquire(timeout=0.01):
            if stop.is_set():
                return None
        entry = self._script.pop(0)
        if isinstance(entry, Exception):
            raise entry
        return entry

    def close(self):
        self.closed.set()


def picture(stamp_ns=None, value=0):
    return RawFrame(np.full((2, 4, 3), value, np.uint8), stamp_ns or time.time_ns())


def camera_of(source, **config):
    said = []
    camera = CapturedCamera(CameraConfig(**config), source, said.append)
    return camera, said


def wait_until(condition):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.002)


def test_the_newest_picture_wins_and_those_it_replaced_are_counted():
    source = ScriptedSource(*(picture(value=v) for v in range(5)))
    camera, _ = camera_of(source)
    with camera:
        wait_until(lambda: camera.counts.frames == 5)
        frame = camera.next_frame(WAIT_S)
        assert (frame.index, frame.image[0, 0, 0]) == (4, 4)
        assert camera.counts.dropped == 4
        source.give(picture(value=9))
        assert camera.next_frame(WAIT_S).index == 5
        assert camera.counts.dropped == 4


def test_a_picture_is_handed_out_once_and_no_picture_is_none():
    camera, _ = camera_of(ScriptedSource(picture()))
    with camera:
        assert camera.next_frame(WAIT_S) is not None
        assert camera.next_frame(0.0) is None


def test_read_latest_refuses_a_picture_by_its_age_and_says_so():
    now = time.time_ns()
    source = ScriptedSource()
    camera, _ = camera_of(source)
    with camera:
        with pytest.raises(StaleFrameError, match="not given a picture yet"):
            camera.read_latest(1.0)
        source.give(picture(now - 2 * 10**9))
        wait_until(lambda: camera.counts.frames == 1)
        with pytest.raises(StaleFrameError, match=r"must not be older than 1 s"):
            camera.read_latest(1.0)
        assert camera.read_latest(3600.0).stamp_ns == now - 2 * 10**9


def test_a_lost_camera_is_reported_sought_again_and_goes_on_counting():
    source = ScriptedSource(picture(), CameraError("it was unplugged"))
    camera, said = camera_of(source)
    with camera:
        wait_until(lambda: camera.counts.failures == 1)
        assert source.closed.is_set()
        assert not camera.is_connected
        assert any("it was unplugged" in sentence for sentence in said)
        source.give(picture())
        wait_until(lambda: camera.counts.frames == 2)
        assert camera.is_connected
        assert camera.counts.connections == 2
        assert camera.next_frame(WAIT_S).index == 1


def test_connecting_says_at_once_what_is_wrong_unless_told_to_wait_for_the_camera():
    source = ScriptedSource(picture())
    source.fails_to_open = 1
    camera, _ = camera_of(source)
    with pytest.raises(CameraError, match="it is not there"):
        camera.connect()
    source.fails_to_open = 1
    camera.connect(wait=False)
    assert camera.status == "it is not there"
    assert camera.next_frame(WAIT_S) is not None
    camera.disconnect()


def test_the_end_of_a_recording_is_the_end():
    source = ScriptedSource(picture(), EndOfVideoError("it has been played to its end"))
    camera, _ = camera_of(source)
    with camera:
        wait_until(lambda: camera.has_ended)
        assert camera.status == "it has been played to its end"
        wait_until(lambda: not camera.is_connected)
        assert source.opened == 1


def test_pictures_are_turned_over_and_their_colours_are_red_green_blue():
    image = np.zeros((2, 4, 3), np.uint8)
    image[0, 0] = (1, 2, 3)
    for flip, (row, column) in {
        "none": (0, 0),
        "horizontal": (0, 3),
        "vertical": (1, 0),
        "both": (1, 3),
    }.items():
        camera, _ = camera_of(ScriptedSource(RawFrame(image.copy(), time.time_ns())), flip=flip)
        with camera:
            assert camera.next_frame(WAIT_S).image[row, column].tolist() == [3, 2, 1]
            # The same picture once more is not turned once more.
            assert camera.read_latest(WAIT_S).image[row, column].tolist() == [3, 2, 1]


def test_every_camera_keeps_the_protocol():
    assert isinstance(CapturedCamera(CameraConfig(), ScriptedSource()), Camera)


def test_what_the_camera_gives_is_held_against_what_was_asked():
    asked = CameraConfig(width=1280, height=720, fps=60, fourcc="MJPG", exposure_s=0.005)
    assert differences(asked, CameraFormat(1280, 720, 60.0, "MJPG", 0.005)) == []
    said = differences(asked, CameraFormat(640, 480, 30.0, "YUYV", 0.02))
    assert said[0] == "asked for 1280x720, the camera gives 640x480"
    assert "60 fps, the camera gives 30 fps" in said[1]
    assert "MJPG, the camera gives YUYV" in said[2]
    assert "5 ms, the camera gives 20 ms" in said[3]
    assert differences(CameraConfig(), CameraFormat(1, 1, 1.0, "abcd", 1.0)) == []


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"fourcc": "MJPEG"}, "four letters"),
        ({"flip": "sideways"}, "sideways"),
        ({"width": 640}, "both must be given"),
        ({"fps": -1.0}, "fps is -1.0, but must be from 0 to 1000"),
    ],
)
def test_a_configuration_that_no_camera_can_have_is_refused(config, complaint):
    with pytest.raises(CameraConfigError, match=complaint):
        CameraConfig(**config)


def test_the_source_is_recognised_by_its_name(tmp_path):
    video = tmp_path / "play.mp4"
    video.touch()
    for source, kind in {
        "0": V4l2Device,
        "/dev/video7": V4l2Device,
        "usb-046d_Webcam": V4l2Device,
        "rtsp://camera/stream": NetworkStream,
        "HTTP://camera/video.mjpg": NetworkStream,
        str(video): VideoFile,
        str(tmp_path): ImageFolder,
    }.items():
        assert type(make_source(CameraConfig(source))) is kind
    for source in ("", str(tmp_path / "gone.mp4")):
        with pytest.raises(CameraConfigError, match="source is"):
            make_source(CameraConfig(source))


def test_a_camera_that_is_let_go_gives_no_more_pictures_and_can_be_connected_again():
    source = ScriptedSource(*itertools.repeat(picture(), 3))
    camera, _ = camera_of(source)
    with camera:
        wait_until(lambda: camera.counts.frames == 3)
    assert source.closed.is_set()
    assert not camera.is_connected
    with camera:
        source.give(picture())
        wait_until(lambda: camera.counts.frames == 4)
