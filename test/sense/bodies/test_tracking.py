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

"""Real MediaPipe on a real picture of a person, moved about, doubled and covered."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.bodies.tracking import BodyTracker
from kpm_ros.sense.tracking.tracker import TrackerConfig, TrackerUnavailableError

cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
mediapipe = pytest.importorskip("mediapipe", reason="MediaPipe is not installed")

FRAME_NS = 33_333_333
BODY = find_skeleton("mediapipe-body")
GREY = 127


def place(*names: str) -> list[int]:
    return [BODY.points.index(name) for name in names]


@pytest.fixture(scope="module")
def person(shared):
    path = shared / "data/people/pose_landmarker_test_image.jpg"
    if not path.is_file():
        pytest.skip("no picture of a person in the reference data")
    return cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)


def canvas(*pasted):
    """A grey picture of twice the width, with pictures pasted in, so many pixels from the left."""
    height, width, _ = pasted[0][0].shape
    out = np.full((height, 2 * width, 3), GREY, np.uint8)
    for image, left in pasted:
        first, last = max(left, 0), min(left + width, 2 * width)
        if first < last:
            out[:, first:last] = image[:, first - left : last - left]
    return out


def covered(image, left, top, right, bottom):
    """The picture with a part, in fractions, painted over."""
    out = image.copy()
    height, width, _ = image.shape
    out[int(top * height) : int(bottom * height), int(left * width) : int(right * width)] = GREY
    return out


def track_all(tracker, frames, first=0):
    found = [tracker.track(frame, (first + i) * FRAME_NS) for i, frame in enumerate(frames)]
    assert all(len(seen) <= 1 for seen in found)
    return [seen[0] if seen else None for seen in found]


@pytest.fixture(scope="module")
def seen(person):
    with BodyTracker() as tracker:
        return track_all(tracker, [person] * 3)[-1]


def test_a_body_is_told_in_the_picture_and_in_metres(person, seen):
    points, metres = seen.points, seen.metres
    assert points.shape == metres.shape == (33, 3)
    assert seen.visibility.shape == (33,)
    assert seen.confidence > 0.9
    # Seen by eye: the head is above the hips, and the person faces the camera.
    nose, hips = points[place("nose")[0]], points[list(BODY.role("hips"))].mean(axis=0)
    assert nose[1] < hips[1]
    np.testing.assert_allclose(metres[list(BODY.role("root"))].mean(axis=0), 0, atol=0.02)
    left, right = place("left_shoulder", "right_shoulder")
    for coordinates in (points, metres):
        assert coordinates[left, 0] > coordinates[right, 0]
    assert 0.25 < np.linalg.norm(metres[left] - metres[right]) < 0.5
    # Both say the same of what is where: the picture's size of a metre is one and the same.
    height, width, _ = person.shape
    flat, across = points[:, :2] * (width, height), metres[:, :2]
    flat, across = flat - flat.mean(axis=0), across - across.mean(axis=0)
    assert np.corrcoef(flat.ravel(), across.ravel())[0, 1] > 0.95


def test_landmarks_are_those_of_mediapipes_whole_model_to_the_last_bit(person):
    whole = mediapipe.solutions.pose.Pose(smooth_landmarks=False)
    moved = [np.roll(person, 7 * number, axis=1) for number in range(4)]
    with BodyTracker() as tracker:
        ours = track_all(tracker, moved)
    for image, one in zip(moved, ours, strict=True):
        found = whole.process(image)
        theirs = [(p.x, p.y, p.z) for p in found.pose_world_landmarks.landmark]
        np.testing.assert_array_equal(one.metres, np.array(theirs, np.float32))
        visible = [p.visibility for p in found.pose_landmarks.landmark]
        np.testing.assert_array_equal(one.visibility, np.clip(np.array(visible, np.float32), 0, 1))
    whole.close()


def test_in_a_mirror_left_stays_left_and_metres_are_the_cameras(person, seen):
    with BodyTracker(TrackerConfig(mirrored=True)) as tracker:
        mirrored = track_all(tracker, [np.ascontiguousarray(person[:, ::-1])] * 3)[-1]
    np.testing.assert_allclose(1 - mirrored.points[:, 0], seen.points[:, 0], atol=0.05)
    assert np.abs(mirrored.metres - seen.metres).mean() < 0.06


def test_a_part_of_the_picture_gives_coordinates_of_the_whole(person):
    both = canvas((person, 0), (person, person.shape[1]))
    with BodyTracker(TrackerConfig(region=(0.5, 0.0, 1.0, 1.0))) as tracker:
        right = track_all(tracker, [both] * 3)[-1]
    with BodyTracker(TrackerConfig(region=(0.0, 0.0, 0.5, 1.0))) as tracker:
        left = track_all(tracker, [both] * 3)[-1]
    np.testing.assert_allclose(right.points[:, 0] - left.points[:, 0], 0.5, atol=0.01)
    np.testing.assert_allclose(right.metres, left.metres, atol=0.02)


def test_a_person_who_walks_about_is_one_and_the_same(person):
    with BodyTracker() as tracker:
        frames = [canvas((person, 20 * i)) for i in range(25)]
        found = track_all(tracker, frames)
        assert all(found)
        assert tracker.counts()["persons"] == 1
        assert tracker.counts()["others_seen"] == 0
    moved = found[-1].points[:, 0].mean() - found[0].points[:, 0].mean()
    assert moved == pytest.approx(24 * 20 / (2 * person.shape[1]), abs=0.02)


def test_nobody_is_seen_once_the_person_is_gone_or_the_picture_black(person):
    with BodyTracker() as tracker:
        assert all(track_all(tracker, [person] * 2))
        assert not any(track_all(tracker, [np.zeros_like(person)] * 3, 2))
        assert track_all(tracker, [person] * 2, 5)[-1] is not None
        assert tracker.counts()["persons"] == 1, "whoever is back at once is the same"
        assert track_all(tracker, [person] * 2, 1000)[-1] is not None
        assert tracker.counts()["persons"] == 2, "after half a minute nobody can say"


def test_a_second_person_who_walks_in_is_not_followed(person):
    width = person.shape[1]
    small = np.full_like(person, GREY)
    height = person.shape[0]
    small[height // 4 :, width // 8 : -width // 8] = cv2.resize(
        person, (width - 2 * (width // 8), height - height // 4)
    )
    with BodyTracker() as tracker:
        alone = track_all(tracker, [canvas((person, width))] * 4)
        joined = track_all(
            tracker,
            [canvas((person, width), (small, min(-width + 80 * i, 0))) for i in range(16)],
            4,
        )
        assert tracker.counts()["persons"] == 1
    stood = alone[-1].points[:, 0].mean()
    for one in joined:
        assert one is not None
        assert abs(one.points[:, 0].mean() - stood) < 0.02


def test_a_jump_to_somebody_else_withholds_the_pose_until_that_one_is_followed(person):
    width = person.shape[1]
    both = canvas((person, 0), (person, width))
    with BodyTracker() as tracker:
        # The right one of the two is found first, and disappears.
        first = track_all(tracker, [both] * 3)[-1]
        only_left = canvas((person, 0))
        after = track_all(tracker, [only_left] * 20, 3)
        assert tracker.counts()["persons"] == 2
    side = first.points[:, 0].mean() > 0.5
    assert side, "the test needs the tracker to begin with the right one"
    gone = [one is None for one in after]
    back = gone.index(False)
    assert all(gone[:back])
    assert not any(gone[back:])
    # Half a second after the other one was first seen, which is when the first had gone.
    assert 15 <= back <= 18
    assert after[-1].points[:, 0].mean() < 0.5


def test_a_glimpse_of_somebody_else_leaves_the_followed_one_as_it_was(person):
    width = person.shape[1]
    with BodyTracker() as tracker:
        track_all(tracker, [canvas((person, width))] * 3)
        away = track_all(tracker, [canvas((person, 0))] * 4, 3)
        back = track_all(tracker, [canvas((person, width))] * 3, 7)
        assert tracker.counts()["persons"] == 1
    assert not any(away)
    assert back[-1] is not None


@pytest.mark.parametrize(
    ("part", "hidden", "visible"),
    [
        ((0.0, 0.3, 0.3, 0.6), ("right_elbow", "right_wrist"), ("left_knee", "right_ankle")),
        ((0.5, 0.42, 0.9, 0.8), ("left_ankle",), ("right_hip", "left_shoulder")),
        ((0.0, 0.55, 1.0, 1.0), ("left_ankle", "right_ankle"), ("left_elbow", "right_wrist")),
    ],
)
def test_a_hidden_limb_is_told_within_a_picture(person, part, hidden, visible):
    with BodyTracker() as tracker:
        track_all(tracker, [person] * 3)
        one = track_all(tracker, [covered(person, *part)] * 2, 3)[0]
    assert (one.visibility[place(*hidden)] < 0.5).all()
    assert (one.visibility[place(*visible)] > 0.5).all()


def test_a_hidden_trunk_is_nobody(person):
    head = covered(person, 0.0, 0.28, 1.0, 1.0)
    with BodyTracker() as tracker:
        assert all(track_all(tracker, [person] * 3))
        assert track_all(tracker, [head] * 6, 3)[-1] is None
        assert tracker.refused > 0


@pytest.fixture(scope="module")
def task_file(tmp_path_factory):
    """A .task file of the models in MediaPipe's package, which must say how they see colours."""
    from mediapipe.tasks.python.metadata.metadata_writers import metadata_writer

    models = Path(mediapipe.__file__).parent / "modules"
    path = tmp_path_factory.mktemp("task") / "pose.task"
    with zipfile.ZipFile(path, "w") as task:
        for name, packaged, middle, reach in (
            ("pose_detector", "pose_detection/pose_detection", 127.5, 127.5),
            ("pose_landmarks_detector", "pose_landmark/pose_landmark_full", 0.0, 255.0),
        ):
            model = bytearray((models / f"{packaged}.tflite").read_bytes())
            writer = metadata_writer.MetadataWriter.create(model)
            writer.add_image_input([middle], [reach])
            task.writestr(f"{name}.tflite", writer.populate()[0])
    return path


def test_a_task_file_gives_the_same_body_as_the_package(person, seen, task_file):
    with BodyTracker(TrackerConfig(task_file=str(task_file))) as tracker:
        by_task = track_all(tracker, [person] * 3)[-1]
    np.testing.assert_allclose(by_task.points[:, :2], seen.points[:, :2], atol=0.05)
    assert np.abs(by_task.metres - seen.metres).mean() < 0.03


def test_a_model_that_the_package_does_not_bring_is_refused_and_not_downloaded(monkeypatch):
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("a download"))
    with pytest.raises(TrackerUnavailableError, match=r"no lite pose model.*use model: full"):
        BodyTracker(TrackerConfig(model="lite"))


def test_a_file_that_is_no_pose_model_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(TrackerUnavailableError, match="there is no pose model at"):
        BodyTracker(TrackerConfig(task_file=str(tmp_path / "gone.task")))


def test_pictures_of_any_size_do_no_harm(person):
    with BodyTracker(TrackerConfig(follow=True, region=(0.1, 0.0, 0.9, 1.0))) as tracker:
        for number, (height, width) in enumerate([(1, 1), (7, 300), (480, 640), (64, 64)]):
            image = cv2.resize(person, (width, height))
            for one in tracker.track(image, number * FRAME_NS):
                assert np.isfinite(one.points).all()
        with pytest.raises(ValueError, match="the picture is"):
            tracker.track(np.zeros((4, 4), np.uint8), 10**9)
