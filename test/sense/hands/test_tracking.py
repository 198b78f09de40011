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

"""Real MediaPipe on real hands at a piano."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpm_ros.sense.hands.detection import TrackedHand
from kpm_ros.sense.hands.tracking import HandRules, HandSelector, HandTracker
from kpm_ros.sense.tracking.tracker import TrackerConfig, TrackerUnavailableError

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

FRAME_NS = 33_333_333
LITE = TrackerConfig(model="lite")


def frames_of(shared, first, last):
    video = cv2.VideoCapture(str(shared / "data/video/overhead_piano.mp4"))
    if not video.isOpened():
        pytest.skip("no video of a pianist's hands in the reference data")
    frames = []
    for number in range(last):
        assert video.grab()
        if number >= first:
            frames.append(cv2.cvtColor(video.retrieve()[1], cv2.COLOR_BGR2RGB))
    return frames


@pytest.fixture(scope="module")
def playing(shared):
    """One and a half seconds of both hands playing beside each other."""
    return frames_of(shared, 300, 345)


def track_all(tracker, frames):
    return [tracker.track(frame, i * FRAME_NS) for i, frame in enumerate(frames)]


def names(hands):
    return [hand.handedness for hand in hands]


def by_name(hands):
    return {hand.handedness: hand.points for hand in hands}


@pytest.fixture(scope="module")
def tracked(playing):
    with HandTracker(LITE) as tracker:
        return track_all(tracker, playing)


def test_both_hands_are_found_and_the_left_one_is_left(tracked):
    both = [hands for hands in tracked if names(hands) == ["left", "right"]]
    assert len(both) >= 0.95 * len(tracked)
    for left, right in both:
        assert left.points[:, 0].mean() < right.points[:, 0].mean()
        for hand in (left, right):
            assert hand.points.shape == (21, 3)
            assert np.isfinite(hand.points).all()
            # An overhead camera: the wrist is below the finger tips.
            assert hand.points[0, 1] > hand.points[12, 1]


def test_landmarks_are_those_of_mediapipes_own_interface_and_pictures_stay_as_they_were(playing):
    own = mediapipe.solutions.hands.Hands(max_num_hands=2, model_complexity=0)
    frames = [frame.copy() for frame in playing[:4]]
    with HandTracker(LITE) as tracker:
        ours = track_all(tracker, frames)
    for frame, picture, hands in zip(frames, playing, ours, strict=False):
        found = own.process(picture).multi_hand_landmarks
        theirs = {
            np.array([(p.x, p.y, p.z) for p in one.landmark], np.float32).tobytes() for one in found
        }
        assert {hand.points.tobytes() for hand in hands} == theirs
        np.testing.assert_array_equal(frame, picture)
        assert frame.flags.writeable
    own.close()


def test_hands_keep_their_names_while_they_cross(shared):
    frames = frames_of(shared, 1235, 1312)
    with HandTracker(LITE) as tracker:
        hands = track_all(tracker, frames)
        assert tracker.renamed == 0
    left_minus_right = [
        float(left.points[0, 0] - right.points[0, 0])
        for left, right in (pair for pair in hands if len(pair) == 2)
    ]
    # Seen by eye: the right hand passes over the left one and stays on its other side.
    assert all(difference < 0 for difference in left_minus_right[:15])
    assert all(difference > 0 for difference in left_minus_right[-20:])


def test_in_a_mirror_the_hands_have_the_same_names(playing, tracked):
    with HandTracker(TrackerConfig(model="lite", mirrored=True)) as tracker:
        mirrored = track_all(tracker, [np.ascontiguousarray(f[:, ::-1]) for f in playing[:10]])
    assert names(mirrored[-1]) == ["left", "right"]
    for hands, seen in zip(mirrored, tracked, strict=False):
        for name, points in by_name(hands).items():
            assert abs(1 - points[0, 0] - by_name(seen)[name][0, 0]) < 0.05


def test_a_region_leaves_out_what_is_outside_and_keeps_coordinates_of_the_whole(playing, tracked):
    middle = 0.5 * (tracked[0][0].points[0, 0] + tracked[0][1].points[0, 0])
    config = TrackerConfig(model="lite", region=(float(middle), 0.3, 1.0, 1.0))
    with HandTracker(config) as tracker:
        hands = track_all(tracker, playing[:10])[-1]
    assert names(hands) == ["right"]
    assert np.abs(hands[0].points[:, :2] - tracked[9][1].points[:, :2]).max() < 0.03


def test_following_finds_hands_that_are_too_small_in_the_whole_picture(playing):
    canvas = np.full((1080, 1920, 3), 60, np.uint8)
    found = {}
    for follow in (False, True):
        config = TrackerConfig(model="lite", follow=follow)
        with HandTracker(config) as tracker:
            for number, frame in enumerate(playing[:30] + playing[:30][::-1]):
                canvas[400:760, 700:1340] = frame
                hands = tracker.track(canvas, number * FRAME_NS)
        found[follow] = hands
    assert found[False] == []
    assert names(found[True]) == ["left", "right"]
    for hand in found[True]:
        x, y = (hand.points[0, :2] * (1920, 1080)).tolist()
        assert 700 < x < 1340
        assert 400 < y < 760


@pytest.fixture(scope="module")
def task_file(tmp_path_factory):
    """A .task file of the models that MediaPipe's package carries."""
    models = Path(mediapipe.__file__).parent / "modules"
    path = tmp_path_factory.mktemp("task") / "hand.task"
    with zipfile.ZipFile(path, "w") as task:
        task.write(models / "palm_detection/palm_detection_full.tflite", "hand_detector.tflite")
        task.write(
            models / "hand_landmark/hand_landmark_full.tflite", "hand_landmarks_detector.tflite"
        )
    return path


def test_a_task_file_gives_the_same_hands_as_the_package(playing, task_file):
    frames = playing[:8]
    with HandTracker(TrackerConfig(task_file=str(task_file))) as tracker:
        by_task = track_all(tracker, frames)[-1]
    with HandTracker() as tracker:
        by_package = track_all(tracker, frames)[-1]
    assert names(by_task) == names(by_package) == ["left", "right"]
    for one, other in zip(by_task, by_package, strict=True):
        assert np.abs(one.points[:, :2] - other.points[:, :2]).max() < 0.02


def test_a_task_file_that_cannot_be_used_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(TrackerUnavailableError, match="there is no hand model at"):
        HandTracker(TrackerConfig(task_file=str(tmp_path / "gone.task")))
    text = tmp_path / "text.task"
    text.write_text("no model")
    with pytest.raises(TrackerUnavailableError, match=r"is no \.task file"):
        HandTracker(TrackerConfig(task_file=str(text)))
    empty = tmp_path / "empty.task"
    with zipfile.ZipFile(empty, "w") as task:
        task.writestr("readme.txt", "no model in here")
    with pytest.raises(TrackerUnavailableError, match="cannot be used as a hand model"):
        HandTracker(TrackerConfig(task_file=str(empty)))


@pytest.fixture(scope="module")
def fuzzed():
    with (
        HandTracker(LITE) as whole,
        HandTracker(
            TrackerConfig(model="lite", follow=True, region=(0.1, 0.0, 0.9, 0.8))
        ) as following,
    ):
        yield whole, following


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.sampled_from(["black", "white", "noise", "hands"]),
    st.integers(0, 2**62),
)
def test_pictures_of_any_size_and_content_do_no_harm(
    fuzzed, playing, height, width, content, stamp_ns
):
    if content == "noise":
        image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    elif content == "hands":
        image = cv2.resize(playing[width % len(playing)], (width, height))
    else:
        image = np.full((height, width, 3), 0 if content == "black" else 255, np.uint8)
    for tracker in fuzzed:
        for hand in tracker.track(image, stamp_ns):
            assert np.isfinite(hand.points).all()
            assert 0.0 <= hand.confidence <= 1.0


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_no_picture_is_refused(fuzzed, image):
    with pytest.raises(ValueError, match="the picture is"):
        fuzzed[0].track(image, 0)


@pytest.mark.parametrize(
    ("kind", "config", "complaint"),
    [
        (HandRules, {"hands": 3}, "hands is 3"),
        (TrackerConfig, {"model": "huge"}, "huge"),
        (TrackerConfig, {"region": (0.5, 0.0, 0.5, 1.0)}, "region is"),
        (TrackerConfig, {"region": (0.0, 0.0, 1.0, 1.5)}, "region is"),
    ],
)
def test_a_tracker_that_cannot_be_is_refused(kind, config, complaint):
    with pytest.raises(ValueError, match=complaint):
        kind(**config)


def hand_at(x, handedness):
    return TrackedHand(np.full((21, 3), x, np.float32), handedness, 0.9)


def test_left_or_right_is_chosen_by_name():
    both = [hand_at(0.2, "left"), hand_at(0.8, "right")]
    assert HandSelector("right").select(both, 0) is both[1]
    assert HandSelector("left").select(both, 0) is both[0]
    assert HandSelector("left").select(both[1:], 0) is None


def test_the_nearest_hand_is_kept_until_it_has_been_gone_for_a_while():
    selector = HandSelector("nearest", (0.3, 0.3), keep_s=0.5)
    assert selector.select([hand_at(0.2, "left"), hand_at(0.8, "right")], 0).handedness == "left"
    passing = [hand_at(0.9, "left"), hand_at(0.3, "right")]
    assert selector.select(passing, 10**8).handedness == "left"
    assert selector.select(passing[1:], 2 * 10**8) is None
    assert selector.hand == "left"
    assert selector.select(passing[1:], 10**9).handedness == "right"
    assert selector.hand == "right"
