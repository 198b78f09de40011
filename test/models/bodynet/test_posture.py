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

"""BodyNet sees a body from itself: no camera, no height and no side makes a difference."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.sides import pairs
from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.models.bodynet.description import Describer
from kpm_ros.models.bodynet.motion_kernels import follow
from kpm_ros.models.bodynet.network import BodyNet
from kpm_ros.models.bodynet.posture_shapes import LOADS, POSTURE
from kpm_ros.models.bodynet.shapes import motion_frames, muscle_sources, tensor_shapes
from kpm_ros.models.card import CardError
from kpm_ros.models.registry import architecture_of
from support.bodies import EIGHT, body_model, exercising
from support.models import listed, one_pass
from support.streams import body

SAME = 1e-4
SKELETONS = ("mediapipe-body", "openpose-body25")


@pytest.fixture(scope="module", params=SKELETONS)
def seen(request):
    """A model, a body that moves, and its estimate."""
    card, tensors = body_model(streams=body(request.param), lookahead=10)
    values = exercising(card, 400)
    return card, tensors, values, one_pass(card, tensors, values)


def changed(values, how):
    """Change every point (x, y, z) of a signal."""
    return how(values.reshape(len(values), -1, 3)).reshape(values.shape).astype(np.float32)


def turned(degrees, points):
    """Turn points about the vertical, or walk about the person with the camera."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return points @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])


@pytest.mark.parametrize("degrees", [20, 90, 180, 251])
def test_it_does_not_matter_from_which_side_the_camera_looks(seen, degrees):
    card, tensors, values, effort = seen
    other = changed(values, lambda points: turned(degrees, points))
    assert np.abs(one_pass(card, tensors, other) - effort).max() < SAME


@pytest.mark.parametrize("size", [0.8, 1.25])
def test_neither_the_persons_height_nor_the_cameras_distance_matters(seen, size):
    card, tensors, values, effort = seen
    assert effort.std() > 0.05
    other = changed(values, lambda points: size * points)
    # Lengths that are guarded against being zero are not quite proportional.
    assert np.abs(one_pass(card, tensors, other) - effort).max() < 100 * SAME
    moved = changed(values, lambda points: points + np.array([0.3, -0.2, 0.5]))
    assert np.abs(one_pass(card, tensors, moved) - effort).max() < SAME


def test_a_mirrored_body_has_mirrored_muscles(seen):
    card, tensors, values, effort = seen
    order = list(card.streams[0].skeleton.mirrored())
    mirrored = changed(values, lambda points: points[:, order] * np.array([-1, 1, 1]))
    other = one_pass(card, tensors, mirrored)
    assert np.abs(other - effort[:, [4, 5, 6, 7, 0, 1, 2, 3]]).max() < SAME
    assert np.abs(other - effort).max() > 0.05


def test_muscles_without_a_partner_are_told_from_the_body_as_it_is():
    card, _ = body_model(muscles=("LQuad", "trunk", "RQuad", "left_calf"))
    sources = muscle_sources(card)
    assert sources.views == (0, 0, 1, 0)
    assert sources.outputs == (0, 1, 0, 2)
    assert sources.width == 3
    names = ["RHam", "LHam", "vasti_l", "vasti_r", "Left arm", "Right arm", "Lat", "Rat"]
    assert pairs(names) == ((1, 0), (2, 3), (4, 5))


def standing(**moved):
    """Points of somebody who stands upright facing the camera, some of them moved, in metres."""
    card, _ = body_model()
    still = exercising(card, 1)[0].reshape(-1, 3) * 0
    names = card.streams[0].skeleton.points
    places = {
        "shoulder": (0.2, -0.5, 0), "elbow": (0.2, -0.22, 0), "wrist": (0.2, 0.04, 0),
        "hip": (0.1, 0, 0), "knee": (0.1, 0.42, 0), "ankle": (0.1, 0.84, 0),
        "heel": (0.1, 0.9, 0.05), "foot_index": (0.1, 0.9, -0.15), "ear": (0.07, -0.7, 0),
    }  # fmt: skip
    for number, name in enumerate(names):
        side, _, part = name.partition("_")
        if part in places:
            still[number] = np.array(places[part]) * ((1 if side == "left" else -1), 1, 1)
        still[number] += moved.get(name, 0)
    return still[None]


def loads(points):
    """Moments at the left ankle, knee, hip, elbow and shoulder, and the load on the left foot."""
    describer = Describer(body_model()[0])
    still = np.repeat(points, describer.behind + 1, axis=0).reshape(describer.behind + 1, -1)
    features, present = describer.describe(describer.points(still), describer.ages(still))
    assert present.all()
    found = features[0, 0, POSTURE : POSTURE + LOADS]
    return found[:15].reshape(5, 3), found[22]


def test_a_body_carries_what_statics_say():
    share = loads(standing())[1]
    assert share == pytest.approx(0.5, abs=0.02)
    away = standing(
        **{f"left_{part}": (0, -0.3, 0) for part in ("knee", "ankle", "heel", "foot_index")}
    )
    assert loads(away)[1] < 0.05  # who lifts a foot stands on the other
    lateral = 2
    size = 1.34
    lifted = standing(left_elbow=(0, -0.28, -0.28), left_wrist=(0, -0.54, -0.54))
    elbow, shoulder = loads(lifted)[0][3:, lateral]
    # Somebody who holds an arm out forward: its mass times its reach.
    assert abs(elbow) == pytest.approx(0.022 * 0.682 * 0.26 / size, rel=0.1)
    expected = (0.028 * 0.436 * 0.28 + 0.022 * (0.28 + 0.682 * 0.26)) / size
    assert abs(shoulder) == pytest.approx(expected, rel=0.1)
    feet = [
        f"{side}_{part}" for side in ("left", "right") for part in ("ankle", "heel", "foot_index")
    ]
    knees = dict.fromkeys(("left_knee", "right_knee"), (0, -0.1, -0.3))
    crouched = standing(**knees, **dict.fromkeys(feet, (0, -0.3, 0)))
    knee, straight = (abs(loads(points)[0][1, lateral]) for points in (crouched, standing()))
    assert knee > 0.05
    assert knee > 10 * straight


def motion(card, height, ages):
    """Height, speed and acceleration of a point, of which so many frames are told."""
    frame_s = architecture_of(card).span(card).stride / card.rate_hz
    points = np.zeros((len(height), 1, 3), np.float32)
    points[:, 0, 1] = height
    found = np.empty((1, 3, 1, 3), np.float32)
    lengths = np.array(motion_frames(card), np.int64)
    follow(points, ages.astype(np.float32), frame_s, lengths, found)
    return found[0, :, 0, 1]


@pytest.mark.parametrize("aged", [False, True])
@pytest.mark.parametrize("rate_hz", [10, 30, 50, 60, 100, 1024])
def test_speed_and_acceleration_of_a_throw_are_found_at_any_rate(rate_hz, aged):
    card, _ = body_model(rate_hz=rate_hz)
    frame_s = architecture_of(card).span(card).stride / rate_hz
    ages = 0.04 * aged * np.random.default_rng(1).random(20)
    at_s = np.arange(-19, 1) * frame_s - ages
    _, speed, acceleration = motion(card, 3 + 2 * at_s - 4.9 * at_s**2, ages)
    middle_s = at_s[-motion_frames(card)[0] :].mean()
    assert speed == pytest.approx(2 - 9.8 * middle_s, rel=1e-2)
    assert acceleration == pytest.approx(-9.8, rel=2e-2)


def test_a_frame_that_is_held_is_no_stop():
    card, _ = body_model(rate_hz=100)
    frames = np.array([*range(16), 15, 15, 15, 19])
    ages = 0.03 * (np.arange(20) - frames)
    _, speed, acceleration = motion(card, 0.03 * frames, ages)
    assert speed == pytest.approx(1.0, rel=1e-3)
    assert acceleration == pytest.approx(0.0, abs=0.05)
    # One picture that is all there is says nothing of motion.
    _, speed, acceleration = motion(card, np.full(20, 0.7), 0.03 * np.arange(20))
    assert (speed, acceleration) == (0.0, 0.0)


@pytest.mark.parametrize("architecture", ["bodynet", "bodynet-light"])
def test_the_network_holds_exactly_the_tensors_of_the_table(architecture):
    card, _ = body_model(architecture=architecture)
    state = BodyNet(card).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == tensor_shapes(card)


WORM = Skeleton("worm", ("a", "b"), roles={"left_arm": (0, 1)})


@pytest.mark.parametrize(
    ("streams", "words"),
    [
        (listed(), "takes one view of a body, not top, right, keys"),
        (Streams((Channels("force", ("foot",), "N", 100.0),)), "not force"),
        (listed(("front",), keys=0, skeleton="mediapipe-body", dimensions=3), "in metres"),
        (body("mediapipe-hand"), "'mediapipe-hand' does not say which points are its left_arm"),
        (
            Streams((Landmarks("v", WORM, dimensions=3, coordinates="metric"),)),
            "has 2 points as its left_arm, not 3",
        ),
    ],
)
def test_streams_that_no_bodynet_takes_are_refused_in_words(streams, words):
    with pytest.raises(CardError, match=words):
        body_model(streams=streams)


def test_a_longer_look_ahead_than_any_may_have_is_refused_in_words():
    with pytest.raises(CardError, match=r"look-ahead of 51 samples is outside 0\.\.50"):
        body_model(lookahead=51)


def test_the_default_muscles_are_pairs():
    assert pairs(EIGHT) == ((0, 4), (1, 5), (2, 6), (3, 7))
