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

"""A left hand in a room is estimated as well as the right one that is its mirror image."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.hands import MIRROR_X_M
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.learn.scores.either_hand import Played, errors_of_hands, estimate_hand, ratio_left_hand
from kpm_ros.models.trained import Trained
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import SimulatedCamera, default_cameras
from kpm_ros.simulate.left_hand import LeftHanded, study_of
from kpm_ros.simulate.registering import RegistrationErrors
from kpm_ros.simulate.rooms import Room
from kpm_ros.simulate.tracked_view import TrackerErrors
from support.models import HAND_IN_SPACE, light

PERFECT = TrackerErrors(
    jitter_px=0.0, bias_px=0.0, depth_noise=0.0, depth_scale=0.0, stamp_jitter_s=0.0
)


def mirrored(camera: SimulatedCamera) -> SimulatedCamera:
    """The same camera on the other side of the mirror, for which a left hand is a right one."""
    (x, y, z), (u, v, w) = camera.position, camera.look_at
    return replace(camera, position=(2 * MIRROR_X_M - x, y, z), look_at=(2 * MIRROR_X_M - u, v, w))


def room(cameras: tuple[SimulatedCamera, ...]) -> Room:
    count = len(cameras)
    return Room(cameras, (PERFECT,) * count, (RegistrationErrors(0.5, 0.003),) * count)


@pytest.fixture(scope="module")
def pianist():
    return make_pianist(study_of("right"), 1, body="plain")


def test_a_left_hand_is_worth_what_the_right_one_is_where_cameras_make_no_errors(pianist) -> None:
    model = Trained(*light(streams=Streams((HAND_IN_SPACE, PianoKeys())), offset=(), scale=()))
    right = Played(pianist, room(default_cameras()), 1, 3, exactly=True)
    left = right._replace(room=room(tuple(map(mirrored, default_cameras()))))
    one = estimate_hand(model, pianist, right, RIGHT)
    other = estimate_hand(model, LeftHanded(pianist), left, LEFT)
    np.testing.assert_array_equal(one.valid, other.valid)
    assert one.valid.mean() > 0.9
    late = one.valid.copy()
    late[:1024] = False
    np.testing.assert_allclose(other.effort[late], one.effort[late], atol=2e-3)
    assert one.effort[late].std() > 0.05


def test_a_model_of_pictures_sees_a_left_hand_as_its_cameras_would_see_a_right_one(pianist) -> None:
    skeleton = HAND_IN_SPACE.skeleton
    views = tuple(
        Landmarks(camera.name, skeleton, camera=camera.camera) for camera in default_cameras()
    )
    assert isinstance(views[0].camera, Camera)
    model = Trained(*light(streams=Streams((*views, PianoKeys())), offset=(), scale=()))
    right = Played(pianist, room(default_cameras()), 1, 3, exactly=True)
    left = right._replace(room=room(tuple(map(mirrored, default_cameras()))))
    one = estimate_hand(model, pianist, right, RIGHT)
    other = estimate_hand(model, LeftHanded(pianist), left, LEFT)
    late = one.valid & other.valid
    late[:1024] = False
    np.testing.assert_allclose(other.effort[late], one.effort[late], atol=2e-3)


def test_the_ratio_compares_the_same_effort_of_both_hands(pianist) -> None:
    model = Trained(*light(streams=Streams((HAND_IN_SPACE, PianoKeys())), offset=(), scale=()))
    played = Played(pianist, room(default_cameras()), 1, 2)
    errors = errors_of_hands(model, played)
    assert ratio_left_hand(model, [played]) == pytest.approx(errors["left"] / errors["right"])
    assert 0.8 < errors["left"] / errors["right"] < 1.25
