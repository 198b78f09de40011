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

"""Subjects are data that the rest of the project can rely on."""

from __future__ import annotations

import pytest

from kpm_ros.core.resources import DEFAULT_MODEL
from kpm_ros.core.settings import make_settings
from kpm_ros.core.skeletons import Skeleton, find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.core.subjects import DEFAULT_SUBJECT, find_subject, subject_names, subject_of
from kpm_ros.nodes.node_settings import KINDS
from kpm_ros.sense.trackers import TRACKERS

BODY = find_subject("body")
EIGHT = ("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep")
subjects = pytest.mark.parametrize("subject", [*map(find_subject, subject_names())], ids=str)


def front(skeleton="mediapipe-body"):
    return Streams((Landmarks("front", find_skeleton(skeleton)),))


def test_the_default_one_comes_first_and_has_the_default_model():
    assert subject_names()[0] == DEFAULT_SUBJECT == "hand"
    assert find_subject("hand").model == DEFAULT_MODEL


@subjects
def test_every_file_names_what_is_there(subject):
    assert subject.skeletons[0] in TRACKERS
    for name in subject.skeletons:
        points = find_skeleton(name).points
        assert all(point in points for needed in subject.muscles.values() for point in needed)
    for node, parameters in subject.parameters.items():
        make_settings(node, KINDS[node], parameters)


def test_a_model_is_somebodys_by_the_skeletons_of_its_views():
    assert subject_of(front()) == BODY
    assert subject_of(front("openpose-body25")) == BODY
    assert subject_of(front("mediapipe-hand")) == find_subject("hand")
    assert subject_of(front("fingertips")) is None
    assert subject_of(Streams((PianoKeys(),))) is None


def test_the_points_that_muscles_need_are_those_of_their_limbs():
    arm = BODY.needed_points(front(), ["RBicep"])["front"]
    assert [find_skeleton("mediapipe-body").points[place] for place in arm] == [
        "right_shoulder",
        "right_elbow",
        "right_wrist",
    ]
    assert len(BODY.needed_points(front(), EIGHT)["front"]) == 12
    assert len(BODY.needed_points(front("openpose-body25"), EIGHT)["front"]) == 12


def test_a_muscle_that_nobody_knows_needs_every_limb():
    assert BODY.needed_points(front(), ["RBicep", "M9"]) == BODY.needed_points(front(), EIGHT)


def test_another_skeletons_points_are_not_asked_for():
    other = Streams((Landmarks("front", Skeleton("mine", ("left_hip",))),))
    assert BODY.needed_points(other, EIGHT) == {}
