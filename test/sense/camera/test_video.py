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

import contextlib
import http.server
import os
import re
import threading
import time

import numpy as np
import pytest

from kpm_ros.sense.camera.camera_device import (
    CameraConfig,
    CameraConfigError,
    CameraError,
    EndOfVideoError,
)
from kpm_ros.sense.camera.open_camera import make_source, open_camera

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")

WAIT_S = 20.0
never = threading.Event()


def image(number, width=32, height=16):
    return np.full((height, width, 3), number * 20 % 256, np.uint8)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "video.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 50.0, (32, 16))
    for number in range(5):
        writer.write(image(number))
    writer.release()
    return path


def read_all(source):
    frames = []
    with contextlib.suppress(EndOfVideoError):
        while True:
            frames.append(source.read(never))
    source.close()
    return frames


def test_a_video_is_stamped_by_its_own_frame_times(video):
    source = make_source(CameraConfig(str(video)))
    before = time.time_ns()
    given = source.open()
    frames = read_all(source)
    assert (given.width, given.height, given.fps) == (32, 16, 50.0)
    assert before <= frames[0].stamp_ns <= time.time_ns()
    assert np.diff([frame.stamp_ns for frame in frames]).tolist() == [20_000_000] * 4
    assert frames[-1].stamp_ns <= time.time_ns(), "a picture came before its time"
    assert [int(frame.image.mean()) // 20 for frame in frames] == [0, 1, 2, 3, 4]


def test_a_video_that_loops_goes_on_without_a_break_in_its_stamps(video):
    source = make_source(CameraConfig(str(video), loop=True))
    source.open()
    frames = [source.read(never) for _ in range(12)]
    source.close()
    assert np.diff([frame.stamp_ns for frame in frames]).tolist() == [20_000_000] * 11
    assert int(frames[5].image.mean()) // 20 == 0


def test_latency_moves_the_stamp_back(video):
    plain = make_source(CameraConfig(str(video), latency_s=1.0))
    plain.open()
    assert plain.read(never).stamp_ns <= time.time_ns() - 10**9
    plain.close()


def test_what_is_no_video_is_refused_in_a_sentence(tmp_path):
    path = tmp_path / "notes.mp4"
    path.write_text("this is no video")
    with pytest.raises(CameraConfigError, match="cannot be read as a video"):
        make_source(CameraConfig(str(path))).open()


@pytest.mark.parametrize("text", ["#EXTM3U\n/etc/passwd\n", "ffconcat version 1.0\nfile x.avi\n"])
def test_a_list_of_other_files_is_no_video(tmp_path, text):
    path = tmp_path / "list.mp4"
    path.write_text(text)
    with pytest.raises(CameraConfigError, match="it is text"):
        make_source(CameraConfig(str(path))).open()


def test_pictures_that_cannot_be_read_are_passed_over(tmp_path):
    """One of them a pipe, which nobody writes to."""
    cv2.imwrite(str(tmp_path / "b.png"), image(1))
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    source = make_source(CameraConfig(str(tmp_path), fps=1000.0))
    source.open()
    assert len(read_all(source)) == 1
    assert source.unreadable == 2


def test_a_video_that_is_cut_off_ends_where_it_was_cut(video, tmp_path):
    data = video.read_bytes()
    fourth_picture = [match.start() for match in re.finditer(b"00dc", data)][3]
    cut = tmp_path / "cut.avi"
    cut.write_bytes(data[: fourth_picture + 50])
    source = make_source(CameraConfig(str(cut)))
    source.open()
    assert 1 <= len(read_all(source)) < 5


def test_a_folder_of_images_is_played_in_order_of_names_whatever_their_sizes(tmp_path):
    for number, size in enumerate([(32, 16), (64, 48), (8, 8)]):
        cv2.imwrite(str(tmp_path / f"{number:03}.png"), image(number, *size))
    (tmp_path / "001a.png").write_bytes(b"\x89PNG, but not really")
    (tmp_path / "notes.txt").write_text("no image")
    source = make_source(CameraConfig(str(tmp_path), fps=100.0))
    given = source.open()
    frames = read_all(source)
    assert (given.width, given.height, given.fps) == (32, 16, 100.0)
    assert [frame.image.shape[:2] for frame in frames] == [(16, 32), (48, 64), (8, 8)]
    assert np.diff([frame.stamp_ns for frame in frames]).tolist() == [10_000_000] * 2
    assert source.unreadable == 1


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(CameraConfigError, match="holds no images"):
        make_source(CameraConfig(str(tmp_path))).open()


class MotionJpeg(http.server.BaseHTTPRequestHandler):
    """A webcam's HTTP stream that breaks off after a few pictures."""

    def do_GET(self):
        self.server.calls += 1
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        for number in range(10):
            _, data = cv2.imencode(".jpg", image(number))
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                self.wfile.write(head.encode() + data.tobytes() + b"\r\n")
            except ConnectionError:
                return

    def log_message(self, *_):
        pass


def test_a_stream_that_breaks_off_is_called_again_and_goes_on():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), MotionJpeg)
    server.calls = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said = []
    address = f"http://127.0.0.1:{server.server_port}/video.mjpg"
    camera = open_camera(CameraConfig(address), said.append)
    try:
        camera.connect()
        indices = []
        deadline = time.monotonic() + WAIT_S
        while camera.counts.connections < 2 or camera.counts.frames < 15:
            assert time.monotonic() < deadline, said
            frame = camera.next_frame(0.05)
            if frame is not None:
                assert frame.image.shape == (16, 32, 3)
                assert abs(time.time_ns() - frame.stamp_ns) < 60 * 10**9
                indices.append(frame.index)
        assert indices == sorted(set(indices))
        assert any("has ended or stands still" in sentence for sentence in said)
    finally:
        camera.disconnect()
        server.shutdown()
        server.server_close()


def test_a_stream_that_nobody_sends_is_an_error_that_names_it():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), MotionJpeg) as server:
        address = f"http://127.0.0.1:{server.server_port}/video.mjpg"
    with pytest.raises(CameraError, match=r"127\.0\.0\.1:\d+/video\.mjpg does not answer"):
        make_source(CameraConfig(address)).open()
