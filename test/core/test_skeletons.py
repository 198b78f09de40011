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

"""Skeletons: what shipped ones say, how a user's own is read, and what is wrong with a bad one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from kpm_ros.core.skeletons import (
    Skeleton,
    SkeletonError,
    find_skeleton,
    read_written,
    shipped_skeletons,
    written,
)

ARM: dict[str, Any] = {
    "name": "my-arms",
    "points": ["neck", "left_hand", "right_hand"],
    "bones": [["neck", "left_hand"], ["neck", "right_hand"]],
    "roles": {"root": ["neck"], "tips": ["left_hand", "right_hand"]},
    "mirror": [["left_hand", "right_hand"]],
}


@pytest.mark.parametrize(
    ("name", "points", "tips"),
    [
        ("mediapipe-hand", 21, 5),
        ("mediapipe-body", 33, None),
        ("openpose-body25", 25, 4),
        ("fingertips", 5, 5),
    ],
)
def test_shipped_skeletons_have_the_points_of_their_trackers(name, points, tips):
    skeleton = find_skeleton(name)
    assert len(skeleton) == points
    assert tips is None or len(skeleton.role("tips")) == tips


def test_every_shipped_skeleton_is_found_and_written_by_its_name_alone():
    names = shipped_skeletons()
    assert {"mediapipe-hand", "mediapipe-body", "openpose-body25", "fingertips"} <= set(names)
    for name in names:
        skeleton = find_skeleton(name)
        assert skeleton.name == name
        assert written(skeleton) == name
        assert read_written(name, "the card") == skeleton


def test_a_hands_fingers_run_from_root_to_tip_and_its_palm_holds_no_finger():
    hand = find_skeleton("mediapipe-hand")
    fingers = [hand.role(name) for name in ("thumb", "index", "middle", "ring", "little")]
    assert tuple(finger[-1] for finger in fingers) == hand.role("tips")
    assert all(set(finger[:2]) & set(hand.role("knuckles")) for finger in fingers)
    assert not {place for finger in fingers for place in finger[1:]} & set(hand.role("palm"))


def test_bones_of_the_hand_are_one_piece():
    hand = find_skeleton("mediapipe-hand")
    reached, before = set(hand.role("root")), -1
    while len(reached) > before:
        before = len(reached)
        reached |= {place for bone in hand.bones if set(bone) & reached for place in bone}
    assert len(reached) == len(hand)


def test_a_mirror_exchanges_left_and_right_and_twice_is_nothing():
    body = find_skeleton("openpose-body25")
    order = body.mirrored()
    exchanged = [body.points[place] for place in order]
    swap = {"left": "right", "right": "left"}
    for point, other in zip(body.points, exchanged, strict=True):
        side, _, part = point.partition("_")
        assert other == (f"{swap[side]}_{part}" if side in swap else point)
    assert [order[place] for place in order] == list(range(len(body)))


def test_a_users_own_is_read_from_a_file_and_written_whole(tmp_path: Path):
    path = tmp_path / "arms.yaml"
    path.write_text(yaml.safe_dump(ARM))
    arms = find_skeleton(str(path))
    assert arms.role("tips") == (1, 2)
    assert arms.mirrored() == (0, 2, 1)
    assert written(arms) == ARM
    assert read_written(written(arms), "the card") == arms


def test_one_that_differs_from_the_shipped_one_of_its_name_is_written_whole():
    plain = find_skeleton("fingertips").as_plain()
    other = Skeleton.from_plain({**plain, "roles": {}})
    assert read_written(written(other), "the card") == other


def test_a_role_that_a_skeleton_lacks_is_refused_with_those_it_has():
    with pytest.raises(SkeletonError, match=r"'fingertips' .* its palm: its roles are tips"):
        find_skeleton("fingertips").role("palm")


@pytest.mark.parametrize("name", ["no-such", "../pipeline", ""])
def test_an_unknown_name_is_refused_with_the_shipped_ones(name: str):
    with pytest.raises(SkeletonError, match=r"the shipped ones are .*fingertips.*mediapipe-hand"):
        find_skeleton(name)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "two words"}, "the name 'two words'"),
        ({"points": []}, "must list 1 to 1000 names"),
        ({"points": ["a", 3]}, "a point 3"),
        ({"points": ["a", "a"], "bones": [], "roles": {}, "mirror": []}, "'a' more than once"),
        ({"bones": [["neck", "foot"]]}, "'foot', which is none of its points"),
        ({"bones": [["neck"]]}, "pairs of two points"),
        ({"mirror": [["neck", "neck"]]}, "pairs of two points"),
        ({"roles": ["tips"]}, "no table of lists"),
        ({"roles": {"tips": []}}, "role 'tips' must be a list"),
        ({"colour": "red"}, "a field 'colour'"),
    ],
)
def test_a_bad_skeleton_is_refused_in_a_sentence_that_names_it(change, complaint):
    with pytest.raises(SkeletonError, match=r"arms\.yaml") as refused:
        Skeleton.from_plain({**ARM, **change}, "arms.yaml")
    assert complaint in str(refused.value)
