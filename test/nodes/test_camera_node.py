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

"""A camera and its tracker as a node, over real DDS."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from kpm_ros.msg import Landmarks
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image
from sensor_msgs.srv import SetCameraInfo

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.camera_node import CameraNode
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.sense.camera.camera_calibration import read_calibration
from kpm_ros.sense.samples import BODY, HAND
from kpm_ros.wire import decode
from support.waiting import wait_for

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

CALIBRATION = """
image_width: 640
image_height: 360
camera_matrix: {data: [500, 0, 320, 0, 500, 180, 0, 0, 1]}
distortion_coefficients: {data: [0, 0, 0, 0, 0]}
rectification_matrix: {data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {data: [500, 0, 320, 0, 0, 500, 180, 0, 0, 0, 1, 0]}
"""


@pytest.fixture
def video(shared):
    path = shared / "data/video/overhead_piano.mp4"
    if not path.is_file():
        pytest.skip("no video of a pianist's hands in the reference data")
    return str(path)


@pytest.fixture
def make_camera(make_node):
    return partial(make_node, CameraNode)


def hands_of(node, view):
    topic = f"camera/{view}/landmarks"
    return PolledSubscription(node, Landmarks, topic, qos.of(topic))


def take_until(subscription, count, what):
    taken = []

    def enough():
        taken.extend(subscription.take())
        return len(taken) >= count

    wait_for(enough, what, 60)
    return taken


def stamp_ns(message):
    return decode.time_ns(message.header.stamp)


def test_a_video_comes_as_landmarks_at_its_own_rate_stamped_when_each_frame_was_due(
    node, video, domain
):
    hands = hands_of(node, "top")
    command = [sys.executable, "-m", "kpm_ros.nodes.camera_node", "--ros-args"]
    command += ["-r", f"__ns:={node.get_namespace()}", "-r", "__node:=camera_top"]
    command += ["-p", f"source:='{video}'", "-p", "model:=lite"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        taken = take_until(hands, 45, "landmarks")[5:]
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[1]
    assert process.returncode == 0, said
    assert "Traceback" not in said
    stamps = np.array([stamp_ns(message) for message, _ in taken])
    index = np.array([message.index for message, _ in taken])
    assert (np.diff(index) >= 1).all()
    assert np.abs(np.diff(stamps) - np.diff(index) * 1e9 / 30).max() < 1000
    for message, received_ns in taken:
        assert stamp_ns(message) <= decode.time_ns(message.processed) <= received_ns
        assert received_ns - stamp_ns(message) < 2 * 10**9
        assert (message.view, message.side) == ("top", "right")
        assert (message.image_width, message.image_height) == (640, 360)
        assert message.header.frame_id == "camera_top_optical"
        assert np.isfinite(message.points).all()
    seen = [message for message, _ in taken if len(message.points) == 63]
    assert len(seen) > 0.9 * len(taken)
    assert all(message.confidence > 0 for message in seen)


def test_images_and_camera_info_come_while_somebody_listens_with_the_stamps_of_the_hand(
    node, make_camera, video, tmp_path
):
    path = tmp_path / "top.yaml"
    path.write_text(CALIBRATION)
    camera = make_camera(view="top", source=video, calibration=str(path), model="lite")
    hands = hands_of(node, "top")
    images = PolledSubscription(node, Image, "camera/top/image_raw", qos.PROFILES["image"])
    infos = PolledSubscription(node, CameraInfo, "camera/top/camera_info", qos.PROFILES["image"])
    camera.start()
    seen_infos = take_until(infos, 3, "camera_info")
    seen_images = take_until(images, 3, "images")
    seen_hands = take_until(hands, 3, "landmarks")
    stamps = {stamp_ns(message) for message, _ in seen_hands}
    assert {stamp_ns(m) for m, _ in seen_images} & stamps
    assert {stamp_ns(m) for m, _ in seen_infos} & {stamp_ns(m) for m, _ in seen_images}
    image, info = seen_images[0][0], seen_infos[0][0]
    assert (image.width, image.height, image.encoding, image.step) == (640, 360, "rgb8", 1920)
    assert len(image.data) == 640 * 360 * 3
    assert (info.k[0], info.header.frame_id) == (500, "camera_top_optical")
    assert image.header.frame_id == "camera_top_optical"


class Calibrator:
    """What ROS's calibrator does with a camera: listens, and calls set_camera_info."""

    def __init__(self, node, camera):
        self.node, self.camera = node, camera
        self.images = PolledSubscription(node, Image, "camera/top/image_raw", qos.PROFILES["image"])
        topic = "camera/top/camera_info"
        self.infos = PolledSubscription(node, CameraInfo, topic, qos.PROFILES["image"])
        self.client = node.create_client(SetCameraInfo, "camera/top/set_camera_info")

    def pairs(self, count):
        """Take so many pictures, each with the camera_info of its stamp and frame."""
        found, images, infos = [], {}, {}

        def enough():
            for known, subscription in ((images, self.images), (infos, self.infos)):
                for message, _ in subscription.take():
                    known[stamp_ns(message), message.header.frame_id] = message
            found[:] = [(images[key], infos[key]) for key in images.keys() & infos.keys()]
            return len(found) >= count

        wait_for(enough, "pictures, each with its camera_info", 60)
        assert infos.keys() - images.keys() <= {min(infos)}, "camera_info without a picture"
        return found

    def set(self, **changes):
        """Call the service; what it answered."""
        info = CameraInfo(width=64, height=48, distortion_model="plumb_bob", d=[0.0] * 5)
        info.k = [50.0, 0.0, 32.0, 0.0, 50.0, 24.0, 0.0, 0.0, 1.0]
        info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
        info.p = [50.0, 0.0, 32.0, 0.0, 0.0, 50.0, 24.0, 0.0, 0.0, 0.0, 1.0, 0.0]
        for name, value in changes.items():
            setattr(info, name, value)
        executor = SingleThreadedExecutor(context=self.node.context)
        executor.add_node(self.node)
        executor.add_node(self.camera)
        assert self.client.wait_for_service(10)
        future = self.client.call_async(SetCameraInfo.Request(camera_info=info))
        executor.spin_until_future_complete(future, 10)
        for one in (self.node, self.camera):
            executor.remove_node(one)
        return future.result()


@pytest.fixture
def small_pictures(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        picture = np.full((48, 64, 3), 90 + number, np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), picture)
    return str(folder)


def test_every_image_has_its_camera_info_also_without_a_calibration(
    node, make_camera, small_pictures
):
    camera = make_camera(
        view="top", source=small_pictures, loop=True, tracking=False, frame_id="ceiling"
    )
    calibrator = Calibrator(node, camera)
    camera.start()
    for image, info in calibrator.pairs(5):
        assert image.header == info.header
        assert image.header.frame_id == "ceiling"
        assert (info.width, info.height) == (64, 48) == (image.width, image.height)
        assert not any(info.k)
        assert (info.distortion_model, len(info.d)) == ("", 0)
    assert camera.report().values["calibrated"] is False
    answer = calibrator.set()
    assert not answer.success
    assert "set the parameter calibration" in answer.status_message


def test_a_calibration_that_is_set_is_checked_kept_and_used(
    node, make_camera, small_pictures, tmp_path
):
    path = tmp_path / "top.yaml"
    options = {"view": "top", "source": small_pictures, "loop": True, "tracking": False}
    camera = make_camera(**options, calibration=str(path))
    calibrator = Calibrator(node, camera)
    camera.start()
    calibrator.pairs(1)
    assert f"{path} is not there" in camera.report().message
    for changes, complaint in (
        ({"width": 640, "height": 480}, "for pictures of 640x480, but this camera gives 64x48"),
        ({"k": [float("nan")] * 9}, "k must hold 9 numbers"),
        ({"k": [0.0] * 9}, "focal lengths must be above 0"),
        ({"distortion_model": "mirror"}, "distortion_model is 'mirror'"),
        ({"d": [0.0] * 3}, "d must hold 5 numbers"),
        ({"r": [0.0] * 9}, "must be a rotation"),
        ({"binning_x": 2}, "whole pictures"),
    ):
        answer = calibrator.set(**changes)
        assert not answer.success
        assert complaint in answer.status_message
        assert not path.exists()
    answer = calibrator.set()
    assert (answer.success, str(path) in answer.status_message) == (True, True)
    wait_for(lambda: calibrator.pairs(1)[-1][1].k[0] == 50.0, "the new calibration")
    assert camera.report().values["calibrated"] is True
    assert [entry.name for entry in tmp_path.iterdir()].count("top.yaml") == 1
    assert read_calibration(path).k[2] == 32.0
    again = make_camera(**options, calibration=f"file://{path}")
    assert again.report().values["calibrated"] is True


def test_a_calibration_for_other_pictures_counts_for_nothing_and_is_told(
    node, make_camera, small_pictures, tmp_path
):
    path = tmp_path / "top.yaml"
    path.write_text(CALIBRATION)
    camera = make_camera(
        view="top", source=small_pictures, loop=True, tracking=False, calibration=str(path)
    )
    calibrator = Calibrator(node, camera)
    camera.start()
    [(_, info), *_] = calibrator.pairs(1)
    assert (not any(info.k), info.width) == (True, 64)
    assert "the calibration is for 640x360, but pictures are 64x48" in camera.report().message


def test_without_a_listener_no_image_is_made(node, make_camera, video, monkeypatch):
    camera = make_camera(view="top", source=video, tracking=False)
    made = []
    monkeypatch.setattr("kpm_ros.nodes.images.image_message", lambda *a: made.append(a))
    camera.start()
    wait_for(lambda: camera.camera.counts.frames > 5, "pictures")
    assert made == []


def test_a_picture_without_a_hand_is_published_without_points(node, make_camera, tmp_path):
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((48, 64, 3), 90, np.uint8))
    camera = make_camera(view="side", source=str(tmp_path), loop=True, hand="left", model="lite")
    hands = hands_of(node, "side")
    camera.start()
    for message, _ in take_until(hands, 5, "frames without a hand"):
        assert len(message.points) == 0
        assert (message.confidence, message.side, message.view) == (0.0, "left", "side")
        assert (message.image_width, message.image_height) == (64, 48)


@pytest.mark.parametrize(
    ("skeleton", "hand", "whom"),
    [(BODY, "right", "a body"), (HAND, "left", "a hand"), (HAND, "both", "both hands")],
)
def test_pictures_without_anybody_are_said_in_words(make_camera, tmp_path, skeleton, hand, whom):
    cv2.imwrite(str(tmp_path / "empty.png"), np.full((48, 64, 3), 90, np.uint8))
    camera = make_camera(
        view="front", source=str(tmp_path), loop=True, skeleton=skeleton, hand=hand, model="full"
    )
    camera.start()
    report = wait_for(
        lambda: r if "pictures shows" in (r := camera.report()).message else None, "a word", 60
    )
    assert report.level == Level.DEGRADED
    assert report.message.endswith(f"pictures shows {whom}"), report.message


def test_a_tracker_that_is_too_slow_says_what_helps_and_takes_the_lite_model_where_it_may(
    make_camera, small_pictures, monkeypatch
):
    monkeypatch.setattr("kpm_ros.sense.tracking.load.PATIENCE_S", 0.0)
    # No machine finds hands in 1000 pictures a second.
    options = {"source": small_pictures, "loop": True, "fps": 1000.0}
    asked, told = (
        make_camera(view=view, model=model, **options)
        for view, model in (("top", "auto"), ("right", "full"))
    )
    for camera in (asked, told):
        camera.start()
    wait_for(lambda: asked.report().values["model"] == "lite", "the lite model", 60)
    report = wait_for(
        lambda: r if "skipped" in (r := told.report()).message else None, "a word on the load"
    )
    assert report.values["model"] == "full"
    assert report.values["skipped_fraction"] > 0.1
    assert "what helps: the lite model (model: lite), following one hand" in report.message


def test_a_camera_that_is_not_there_is_an_error_in_words_and_the_node_goes_on(make_camera):
    camera = make_camera(view="top", source="/dev/video987", tracking=False)
    camera.start()
    report = camera.report()
    assert report.level == Level.ERROR
    assert report.message == "there is no camera at /dev/video987: is it plugged in?"
    assert not camera.failed


def test_a_recording_at_its_end_is_reported(make_camera, tmp_path):
    cv2.imwrite(str(tmp_path / "only.png"), np.zeros((8, 8, 3), np.uint8))
    camera = make_camera(
        view="top", source=str(tmp_path), tracking=False, fps=100.0, width=16, height=16
    )
    camera.start()
    wait_for(lambda: camera.camera.has_ended, "the end")
    report = camera.report()
    assert report.level == Level.DEGRADED
    assert "has been played to its end" in report.message
    assert report.values["frames"] == 1


def test_the_view_is_read_from_the_nodes_name(context, node, tmp_path):
    cv2.imwrite(str(tmp_path / "only.png"), np.zeros((8, 8, 3), np.uint8))
    arguments = ["--ros-args", "-r", "__node:=camera_left_side"]
    camera = CameraNode(
        context=context,
        cli_args=arguments,
        namespace=node.get_namespace(),
        parameter_overrides=[
            Parameter("source", value=str(tmp_path)),
            Parameter("tracking", value=False),
        ],
    )
    assert camera.view == "left_side"
    camera.destroy_node()


@pytest.mark.parametrize(
    ("parameters", "complaint"),
    [
        ({"source": "no/such/video.mp4"}, "source is 'no/such/video.mp4'"),
        ({"fourcc": "MJPEG"}, "four letters"),
        ({"calibration": "/nowhere/top.yaml"}, "there is no folder /nowhere"),
        ({"calibration": "/dev"}, "/dev cannot be read"),
        ({"task_file": "/nowhere.task"}, "no hand model at /nowhere.task"),
        ({"region": "0 1"}, "region is '0 1'"),
        ({"region": "0, 0, 0, 1"}, "region is"),
        ({"hand": "upper"}, "hand is 'upper'"),
        ({"use_sim_time": True}, "use_sim_time is true"),
        ({"view": "top view"}, "view is 'top view'"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence(make_camera, parameters, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        make_camera(**{"view": "top", **parameters})
