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

"""The anatomical hand's bones: MyoHand's own places, in the piano's frame, at any size."""

from __future__ import annotations

import copy

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")

import mujoco

from kpm_ros.simulate.anatomy.body import PLACE, TIP_SITES, TO_PIANO, WRIST_BODY, Body
from kpm_ros.simulate.anatomy.chain import Chain
from kpm_ros.simulate.anatomy.corrections import ABDUCTOR, AS_PACKAGED
from kpm_ros.simulate.person import Person

COUNT = 30
THUMB, INDEX, LITTLE = 4, 8, 20


@pytest.fixture(scope="module")
def body() -> Body:
    return Body(Person(hand_size=1.07))


@pytest.fixture(scope="module")
def postures(body: Body) -> np.ndarray:
    draw = np.random.default_rng(4)
    angles = draw.uniform(*body.ranges.T, (COUNT, len(body.joint_names)))
    return np.hstack([draw.normal(0.0, 0.3, (COUNT, PLACE)), angles])


def test_landmarks_are_where_mujoco_puts_them(body: Body, postures: np.ndarray) -> None:
    landmarks = body.landmarks(postures)
    data = mujoco.MjData(body.model)
    for posture, found in zip(postures, landmarks, strict=True):
        data.qpos[:] = posture[PLACE:]
        mujoco.mj_kinematics(body.model, data)
        wrist = data.body(WRIST_BODY).xpos
        wanted = [data.site(name).xpos for name in TIP_SITES]
        wanted.append(data.body("midph4_r").xpos)
        places = (np.array(wanted) - wrist) @ TO_PIANO.T + posture[:PLACE]
        np.testing.assert_allclose(found[[4, 8, 12, 16, 20, 14]], places, atol=1e-9)


def test_the_wrist_is_where_the_posture_says(body: Body, postures: np.ndarray) -> None:
    np.testing.assert_allclose(body.landmarks(postures)[:, 0], postures[:, :PLACE], atol=1e-12)


def test_tips_move_as_the_jacobians_say(body: Body, postures: np.ndarray) -> None:
    jacobians, small = body.tip_jacobians(postures), 1e-6
    for column in range(postures.shape[1]):
        step = np.zeros(postures.shape[1])
        step[column] = small
        moved = (body.tips(postures + step) - body.tips(postures - step)) / (2 * small)
        np.testing.assert_allclose(jacobians[..., column], moved, atol=1e-7)


def test_a_straight_right_hand_lies_palm_down_with_its_thumb_to_the_left() -> None:
    body = Body(Person())
    hand = body.landmarks(np.zeros((1, PLACE + len(body.joint_names))))[0]
    assert hand[THUMB, 0] < hand[INDEX, 0] < 0 < hand[LITTLE, 0]
    assert hand[12, 1] == hand[:, 1].max() > 0.16
    bent = np.zeros((1, PLACE + len(body.joint_names)))
    bent[0, PLACE + body.joint_names.index("mcp2_flexion_r")] = 0.5
    assert body.landmarks(bent)[0, INDEX, 2] < hand[INDEX, 2] - 0.03


def test_a_larger_hand_is_larger_and_heavier_everywhere() -> None:
    small, large = Body(Person(hand_size=0.9)), Body(Person(hand_size=1.1))
    posture = np.full((1, PLACE + len(small.joint_names)), 0.1)
    posture[:, :PLACE] = 0.0
    ratio = large.landmarks(posture)[0, 1:] / small.landmarks(posture)[0, 1:]
    np.testing.assert_allclose(ratio, 1.1 / 0.9)
    weigh = large.model.body_mass.sum() / small.model.body_mass.sum()
    assert weigh == pytest.approx((1.1 / 0.9) ** 3, rel=1e-3)
    muscle = small.muscle_names.index(ABDUCTOR)
    strength = [body.model.actuator_gainprm[muscle, 2] for body in (small, large)]
    assert strength[1] / strength[0] == pytest.approx((1.1 / 0.9) ** 2)


def test_a_copy_is_the_same_hand(body: Body, postures: np.ndarray) -> None:
    twin = copy.deepcopy(body)
    np.testing.assert_array_equal(twin.landmarks(postures), body.landmarks(postures))


def test_the_packaged_hand_has_39_muscles_and_the_corrected_one_an_abductor_more() -> None:
    packaged, corrected = Body(Person(), AS_PACKAGED), Body(Person())
    assert len(packaged.muscle_names) == 39
    assert set(corrected.muscle_names) - set(packaged.muscle_names) == {ABDUCTOR}
    assert packaged.joint_names == corrected.joint_names


def test_a_joint_beside_its_body_is_refused() -> None:
    model = mujoco.MjModel.from_xml_string(
        "<mujoco><worldbody><body><joint pos='0.1 0 0'/><geom size='0.1'/></body></worldbody>"
        "</mujoco>"
    )
    with pytest.raises(ValueError, match="hinge through its body's origin"):
        Chain(model)
