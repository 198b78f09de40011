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

"""PianoMotion10M's folders: read as published, written so as to be read, refused in words."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion
from kpm_ros.motion.bone_rotations import landmarks_of
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.motion.posing import posed
from kpm_ros.motion.published_camera import (
    MIRROR,
    above_the_keys,
    as_seen,
    at_the_keys,
    right_handed,
)
from kpm_ros.motion.published_layout import (
    VALUES,
    WRIST_M,
    PublishedClip,
    add_to_split,
    denormalised,
    hand_of,
    normalised,
    published_clips,
    read_annotation,
    values_of,
    write_annotation,
)
from kpm_ros.motion.rotations import matrices

CLIP = ("1467634", "BV1xx", "BV1xx_seq_0000")


def _row(visible: float, x: float) -> list[float]:
    return [visible, x, 0.1, 25.0, *[0.01 * k for k in range(48)], *[0.5] * 10]


def _folder(root: Path, **changed: Any) -> PublishedClip:
    told = {
        "left": [_row(1, 0.2 + 0.01 * k) for k in range(60)],
        "right": [_row(float(k > 9), 0.3) for k in range(60)],
        "fps": 60,
        "adjust": [9.0, 0.25, -1.0],
        "bv": "BV1xx",
        "start_frame": 120,
    }
    clip = PublishedClip(root, *CLIP)
    clip.annotation.parent.mkdir(parents=True, exist_ok=True)
    clip.annotation.write_text(json.dumps(told | changed))
    (root / "train.txt").write_text("1467634 BV1xx\n\n")
    return clip


def test_a_published_clip_is_read_at_thirty_frames_with_the_left_hand_in_its_mirror(
    tmp_path: Path,
) -> None:
    _folder(tmp_path)
    (clip,) = published_clips(tmp_path, "train")
    assert list(published_clips(tmp_path, "train", ["37367458"])) == []
    motion = clip.motion()
    assert (motion.rate_hz, len(motion), motion.start_s, motion.frame) == (30.0, 30, 2.0, CAMERA)
    left, right = motion.hands["left"], motion.hands["right"]
    assert left.place is not None
    assert right.place is not None
    np.testing.assert_allclose(right.place[0], np.array([0.3, 0.1, 25.0]) + WRIST_M, atol=1e-5)
    seen = (np.array([0.2, 0.1, 25.0]) + WRIST_M) * (-1, 1, 1)
    np.testing.assert_allclose(left.place[0], seen, atol=1e-5)
    assert right.visible.tolist() == [k >= 5 for k in range(30)]
    adjusted = clip.motion(adjusted=True).hands["right"].place
    assert adjusted is not None
    np.testing.assert_allclose(adjusted - right.place, [[0.0, 0.25, -1.0]] * 30, atol=1e-5)


def test_what_is_written_is_read_again_and_normalised_as_published(tmp_path: Path) -> None:
    before = read_annotation(_folder(tmp_path).annotation)
    table = values_of(before, "left")
    assert table[3].tolist() == pytest.approx(_row(1, 0.23), abs=1e-5)
    numbers = normalised(table)
    assert numbers[0, :3].tolist() == pytest.approx([0.2 / 1.5, 0.1 / 1.5, 1.0], abs=1e-6)
    assert numbers[0, 5] == pytest.approx(0.02 / math.pi)
    np.testing.assert_allclose(denormalised(numbers)[:, 1:], table[:, 1:52], atol=1e-5)
    again = PublishedClip(tmp_path / "again", "me", "take-1", "take-1_seq_0000")
    write_annotation(again, before)
    add_to_split(again.root, "train", "me", "take-1")
    add_to_split(again.root, "train", "me", "take-1")
    assert (again.root / "train.txt").read_text() == "me take-1\n"
    (read,) = published_clips(again.root, "train")
    after = read_annotation(read.annotation)
    for side in ("left", "right"):
        np.testing.assert_allclose(values_of(after, side), values_of(before, side), atol=2e-5)


def test_what_is_missing_or_odd_in_a_folder_is_said_in_a_sentence(tmp_path: Path) -> None:
    clip = _folder(tmp_path)
    for call in (clip.audio, clip.midi):
        with pytest.raises(MotionError, match=r"the clip BV1xx_seq_0000 has no (audio|midi)"):
            call()
    long = [_row(1, 0.2)] * 60
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"left": long[:-1]}, "59 frames of the left hand and 60 of the right"),
        ({"left": [[1.0] * 61] * 60}, "61 numbers in frame 0 of left, not 62"),
        ({"right": []}, "no frames of right"),
        ({"right": [[float("nan")] * 62] * 60}, "a value in frame 0 of right that is no number"),
        ({"right": [["x"] * 62] * 60}, "cannot be read as an annotation"),
        ({"fps": 0}, "fps is 0, but must be"),
        ({"fps": "30"}, "fps is '30'"),
        ({"start_frame": -1}, "start_frame is -1"),
    ]
    for wrong, said in wrongs:
        with pytest.raises(MotionError, match=said):
            read_annotation(_folder(tmp_path, **wrong).annotation)
    clip.annotation.write_text("[1, 2")
    with pytest.raises(MotionError, match="is not JSON"):
        read_annotation(clip.annotation)
    with pytest.raises(MotionError, match="adjust"):
        read_annotation(_folder(tmp_path, adjust=[0.0]).annotation, adjusted=True)
    for line in ("../../etc BV1", "one", "a b c"):
        (tmp_path / "valid.txt").write_text(line)
        with pytest.raises(MotionError, match=r"line 1 of .*valid.txt"):
            list(published_clips(tmp_path, "valid"))
    (tmp_path / "valid.txt").write_text("1467634 BV2")
    with pytest.raises(MotionError, match="holds no clip"):
        list(published_clips(tmp_path, "valid"))
    with pytest.raises(MotionError, match="no annotation folder"):
        list(published_clips(tmp_path / "audio"))
    with pytest.raises(MotionError, match="must be letters"):
        write_annotation(
            PublishedClip(tmp_path, "..", "v", "c"), read_annotation(_folder(tmp_path).annotation)
        )


def _playing() -> HandMotion:
    """Two hands over the keys, each other's mirror image but for where they are."""
    hand = HandKinematics()
    joints = np.tile(hand.body.ranges.mean(axis=1) * 0.5, (12, 1))
    joints[:, :3] = 0.0
    place = np.tile([0.8, -0.05, 0.06], (12, 1))
    points = hand.move(place, np.tile(np.eye(3), (12, 1, 1)), joints).points
    hands = {
        side: OneHandMotion(
            np.ones(12, bool),
            landmarks=right_handed(points, side, "keyboard").astype(np.float32),
        )
        for side in ("right", "left")
    }
    return HandMotion(30.0, hands, title="five fingers")


def test_a_pose_at_the_keys_comes_back_from_published_numbers_of_either_hand() -> None:
    at_keys = posed(_playing())
    assert max(np.max(each) for each in at_keys.residual_m.values()) < 0.002
    seen = as_seen(at_keys.motion)
    tables = {side: values_of(seen, side) for side in seen.hands}
    assert tables["left"].shape == (12, VALUES)
    # Each is the other's mirror image: in published numbers only their places differ.
    np.testing.assert_allclose(tables["left"][:, 4:52], tables["right"][:, 4:52], atol=1e-4)
    published = HandMotion(
        30.0, {side: hand_of(table, side) for side, table in tables.items()}, frame=CAMERA
    )
    again = at_the_keys(published)
    back = posed(again)
    for side, hand in at_keys.motion.hands.items():
        given, found = hand.known(), back.motion.hands[side].known()
        np.testing.assert_allclose(found["landmarks"], given["landmarks"], atol=0.004)
        np.testing.assert_allclose(found["place"], given["place"], atol=0.004)
    turn = np.diag([1.0, -1.0, -1.0])
    for side, own in (("right", turn), ("left", MIRROR @ turn @ MIRROR)):
        before, after = (each.hands[side].known()["forearm"] for each in (at_keys.motion, seen))
        np.testing.assert_allclose(matrices(after), own @ matrices(before), atol=1e-5)


def test_a_camera_that_looks_from_aside_sees_both_hands_where_they_are() -> None:
    camera = above_the_keys().moved(np.array([0.3, -0.2, 0.4, 0.0, 0.0, 0.0]))
    at_keys = posed(_playing())
    seen = as_seen(at_keys.motion, camera)
    back = at_the_keys(seen, camera)
    for side, hand in at_keys.motion.hands.items():
        before, known = hand.known(), seen.hands[side].known()
        own = landmarks_of(
            right_handed(known["place"], side, CAMERA), known["rotations"], at_keys.hands[side]
        )
        told = camera.in_optical_frame(at_keys.held().hands[side].known()["landmarks"])
        np.testing.assert_allclose(right_handed(own, side, CAMERA), told, atol=1e-4)
        for name, value in back.hands[side].known().items():
            np.testing.assert_allclose(value, before[name], atol=1e-4)
