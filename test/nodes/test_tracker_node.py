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

"""The tracker on other nodes' images, over real DDS."""

from __future__ import annotations

import array
from functools import partial

import numpy as np
import pytest
from kpm_ros.msg import Landmarks
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import images, qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.tracker_node import TrackerNode
from kpm_ros.wire import decode
from support.waiting import wait_for

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

STAMP_NS = 1_700_000_000 * 10**9
FRAME_NS = 33_333_333


@pytest.fixture(scope="module")
def pictures(shared):
    video = cv2.VideoCapture(str(shared / "data/video/overhead_piano.mp4"))
    if not video.isOpened():
        pytest.skip("no video of a pianist's hands in the reference data")
    return [cv2.cvtColor(video.read()[1], cv2.COLOR_BGR2RGB) for _ in range(6)]


@pytest.fixture
def make_tracker(make_node):
    return partial(make_node, TrackerNode, view="top", model="lite")


class Wired:
    """A publisher of images and a listener for hands around a tracker."""

    def __init__(
        self, node, image_type=Image, topic="camera/top/image_raw", hand="camera/top/landmarks"
    ):
        self.hands = PolledSubscription(node, Landmarks, hand, qos.of(hand))
        self.images = node.create_publisher(image_type, topic, 10)

    def wait(self):
        wait_for(
            lambda: self.images.get_subscription_count() and self.hands.publishers, "the tracker"
        )

    def answer_to(self, message):
        self.images.publish(message)
        [(answer, _)] = wait_for(self.hands.take, "a hand message")
        return answer


def compressed(picture, number):
    data = cv2.imencode(".jpg", picture[..., ::-1])[1]
    message = CompressedImage(header=images.header("usb_cam", STAMP_NS + number * FRAME_NS))
    message.format = "jpeg"
    message.data = array.array("B", data.tobytes())
    return message


def raw(picture, number):
    return images.image_message("usb_cam", STAMP_NS + number * FRAME_NS, picture)


@pytest.mark.parametrize("kind", ["raw", "grey", "compressed"])
def test_images_of_another_node_come_back_as_landmarks_with_their_stamps(
    node, make_tracker, pictures, kind
):
    is_compressed = kind == "compressed"
    topic = "camera/top/image_raw" + ("/compressed" if is_compressed else "")
    tracker = make_tracker(compressed=is_compressed)
    wired = Wired(node, CompressedImage if is_compressed else Image, topic)
    tracker.start()
    wired.wait()
    for number, picture in enumerate(pictures):
        message = compressed(picture, number) if is_compressed else raw(picture, number)
        if kind == "grey":
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            message.encoding, message.step = "mono8", grey.shape[1]
            message.data = array.array("B", grey.tobytes())
        answer = wired.answer_to(message)
        assert decode.time_ns(answer.header.stamp) == STAMP_NS + number * FRAME_NS
        assert answer.index == number
        assert (answer.view, answer.side) == ("top", "right")
        assert answer.header.frame_id == "usb_cam"
    if kind == "grey":
        # Without colour the model sees less; what counts is that grey pictures are taken.
        return
    assert len(answer.points) == 63
    # Seen by eye: the right hand is in the lower half, right of the middle.
    assert 0.5 < answer.points[0] < 0.7
    assert answer.points[1] > 0.5


def test_both_hands_of_a_picture_come_back_each_on_its_topic(node, make_tracker, pictures):
    tracker = make_tracker(hand="both")
    right = Wired(node, hand="camera/top/right/landmarks")
    left = PolledSubscription(
        node, Landmarks, "camera/top/left/landmarks", qos.of("camera/top/left/landmarks")
    )
    tracker.start()
    right.wait()
    wait_for(lambda: left.publishers, "the left hand's topic")
    for number, picture in enumerate(pictures):
        answers = [right.answer_to(raw(picture, number))]
        answers += [answer for answer, _ in wait_for(left.take, "the left hand")]
        assert [answer.side for answer in answers] == ["right", "left"]
        assert {(answer.view, answer.index) for answer in answers} == {("top", number)}
        assert len({decode.time_ns(answer.header.stamp) for answer in answers}) == 1
    places = [answer.points[0] for answer in answers]
    assert places[0] > places[1]


def test_both_hands_are_not_found_by_looking_for_one(make_tracker):
    with pytest.raises(ConfigurationError, match="hand is 'both', but hands is 1"):
        make_tracker(hand="both", hands=1)


@pytest.mark.parametrize(
    ("given", "drivers", "expected"),
    [("", "", "camera_top_optical"), ("rig", "usb_cam", "rig")],
)
def test_the_frame_is_the_parameters_else_the_drivers_else_the_usual_one(
    node, make_tracker, pictures, given, drivers, expected
):
    tracker = make_tracker(frame_id=given)
    wired = Wired(node)
    tracker.start()
    wired.wait()
    message = raw(pictures[0], 0)
    message.header.frame_id = drivers
    assert wired.answer_to(message).header.frame_id == expected


def test_a_slow_tracker_looks_at_the_newest_image_and_counts_the_others(
    node, make_tracker, pictures
):
    tracker = make_tracker()
    wired = Wired(node)
    wired.wait()
    for number in range(4):
        wired.images.publish(raw(pictures[number], number))

    def newest():
        tracker.step()
        return [m for m, _ in wired.hands.take() if m.index == 3]

    [answer] = wait_for(newest, "the newest image's hand")
    assert decode.time_ns(answer.header.stamp) == STAMP_NS + 3 * FRAME_NS
    report = tracker.report()
    assert report.values["frames"] == 4
    assert report.values["dropped"] == 4 - report.values["tracked"]


def test_images_that_cannot_be_are_refused_counted_and_do_no_harm(node, make_tracker, pictures):
    tracker = make_tracker()
    wired = Wired(node)
    tracker.start()
    wired.wait()
    garbage = raw(pictures[0], 0)
    garbage.data = array.array("B", bytes(10))
    strange = raw(pictures[0], 0)
    strange.encoding = "nonsense"
    for count, message in enumerate([garbage, strange, Image()], 1):
        wired.images.publish(message)
        wait_for(lambda n=count: tracker.report().values["refused_messages"] == n, "a refusal")
    sizes = [(1, 1), (7, 300), (480, 640)]
    for number, (height, width) in enumerate(sizes):
        answer = wired.answer_to(raw(np.zeros((height, width, 3), np.uint8), number))
        assert (answer.image_width, answer.image_height) == (width, height)
        assert len(answer.points) == 0


def test_nobody_who_publishes_is_said_in_words(make_tracker):
    report = make_tracker(image="elsewhere/image").report()
    assert report.message.startswith("waiting: nobody publishes")
    assert report.message.endswith("elsewhere/image")


def lens_of(picture, number, k1):
    height, width, _ = picture.shape
    info = CameraInfo(width=width, height=height, distortion_model="plumb_bob")
    info.header = images.header("usb_cam", STAMP_NS + number * FRAME_NS)
    focal = float(width)
    info.k = [focal, 0.0, width / 2, 0.0, focal, height / 2, 0.0, 0.0, 1.0] if k1 else [0.0] * 9
    info.d, info.r = [k1, 0.0, 0.0, 0.0, 0.0], np.eye(3).ravel().tolist()
    info.p = [*info.k[:3], 0.0, *info.k[3:6], 0.0, *info.k[6:], 0.0]
    return info


def test_landmarks_are_freed_of_the_lens_by_the_camera_info_of_their_image(
    node, make_tracker, pictures
):
    tracker, plain = make_tracker(undistort=True), make_tracker()
    wired = Wired(node)
    infos = node.create_publisher(CameraInfo, "camera/top/camera_info", 10)
    wired.wait()
    wait_for(lambda: infos.get_subscription_count(), "the tracker")
    # An image without its camera_info is not looked at, nor a camera_info of another.
    wired.images.publish(raw(pictures[0], 0))
    infos.publish(lens_of(pictures[0], 1, k1=-0.3))
    wired.images.publish(raw(pictures[1], 1))

    def answers(of):
        of.step()
        return [m for m, _ in wired.hands.take()]

    [straight] = wait_for(lambda: answers(tracker), "the straight hand")
    assert decode.time_ns(straight.header.stamp) == STAMP_NS + FRAME_NS
    [bent] = wait_for(lambda: answers(plain), "the hand as it is seen")
    straight, bent = (np.reshape(m.points, (-1, 3)) for m in (straight, bent))
    # A lens of negative k1 draws everything towards the centre.
    away = np.linalg.norm(straight[:, :2] - 0.5, axis=1) > np.linalg.norm(bent[:, :2] - 0.5, axis=1)
    assert away.all()
    np.testing.assert_array_equal(straight[:, 2], bent[:, 2])


def test_a_camera_that_is_not_calibrated_is_said_so_and_shows_no_hand(node, make_tracker, pictures):
    tracker = make_tracker(undistort=True)
    wired = Wired(node)
    infos = node.create_publisher(CameraInfo, "camera/top/camera_info", 10)
    wired.wait()
    wait_for(lambda: infos.get_subscription_count(), "the tracker")
    infos.publish(lens_of(pictures[0], 0, k1=0.0))
    wired.images.publish(raw(pictures[0], 0))

    def refused():
        tracker.step()
        return tracker.report().values["refused_messages"]

    assert wait_for(refused, "the refusal") == 1
    assert not wired.hands.take()


def test_stamps_before_1970_are_refused_where_images_are_paired(node, make_tracker, pictures):
    tracker = make_tracker(undistort=True)
    wired = Wired(node)
    infos = node.create_publisher(CameraInfo, "camera/top/camera_info", 10)
    wired.wait()
    wait_for(lambda: infos.get_subscription_count(), "the tracker")
    for number in (0, 1):
        info, image = lens_of(pictures[0], number, k1=-0.3), raw(pictures[0], number)
        if number == 0:
            info.header.stamp.sec = image.header.stamp.sec = -1
        infos.publish(info)
        wired.images.publish(image)

    def answers():
        tracker.step()
        return [m for m, _ in wired.hands.take()]

    [answer] = wait_for(answers, "the later hand")
    assert decode.time_ns(answer.header.stamp) == STAMP_NS + FRAME_NS
    assert tracker.report().values["refused_messages"] == 2


def test_a_hand_that_is_cleaned_up_is_shown_once_it_has_settled(node, make_tracker, pictures):
    tracker = make_tracker(clean_up="smooth")
    wired = Wired(node)
    tracker.start()
    wired.wait()
    answers = [wired.answer_to(raw(picture, n)) for n, picture in enumerate(pictures)]
    assert [len(answer.points) for answer in answers] == [0, 0, 63, 63, 63, 63]
    assert [answer.confidence > 0 for answer in answers] == [False, False, True, True, True, True]
    again = wired.answer_to(raw(pictures[0], 0))
    assert len(again.points) == 0, "a recording that began again has no past"
