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

"""Each correction of the packaged hand: what is wrong without it, and right with it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")

from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.corrections import (
    ABDUCTOR,
    AS_PACKAGED,
    CROSS_SECTION_CM2,
    Corrections,
)
from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.passive import PassiveJoints
from kpm_ros.simulate.anatomy.periodic import SmoothMotion
from kpm_ros.simulate.anatomy.torques import Mechanics
from kpm_ros.simulate.person import Person

_THUMB = ("cmc_flexion", "cmc_abduction", "mp_flexion", "ip_flexion")


@pytest.fixture(scope="module")
def packaged() -> Mechanics:
    return Mechanics(Body(Person(), AS_PACKAGED))


@pytest.fixture(scope="module")
def corrected() -> Mechanics:
    return Mechanics(Body(Person()))


def only(name: str) -> Mechanics:
    """The packaged hand with one correction."""
    return Mechanics(Body(Person(), replace(AS_PACKAGED, **{name: True})))


def posture(body: Body, **angles: float) -> np.ndarray:
    """One posture, straight but for some joints."""
    out = np.zeros((1, PLACE + len(body.joint_names)))
    for name, angle in angles.items():
        out[0, PLACE + body.joint_names.index(f"{name}_r")] = angle
    return out


def torque_of(mechanics: Mechanics, speed: float, acceleration: float, joint: str) -> float:
    """Torque at one joint that moves so, relative to holding still."""
    held = posture(mechanics.body, mcp2_flexion=0.5)
    zero, force = np.zeros_like(held), np.zeros((1, 5))
    column = mechanics.body.joint_names.index(joint)
    velocity, change = zero.copy(), zero.copy()
    velocity[0, PLACE + column], change[0, PLACE + column] = speed, acceleration
    moving = mechanics.demand(SmoothMotion(held, velocity, change), force).torque
    still = mechanics.demand(SmoothMotion(held, zero, zero), force).torque
    return float((moving - still)[0, column])


def test_every_correction_can_be_switched_alone() -> None:
    for field in fields(Corrections):
        one = Corrections().without(field.name)
        assert not getattr(one, field.name)
        assert (
            sum(getattr(one, other.name) for other in fields(Corrections)) == len(fields(one)) - 1
        )


def test_a_quick_stroke_costs_a_tenth_of_a_newton_at_the_tip_and_no_longer_several(
    packaged: Mechanics,
) -> None:
    tip_m, quick = 0.09, 10.0
    assert torque_of(packaged, quick, 0.0, "mcp2_flexion_r") / tip_m > 4.0
    freed = only("joint_damping")
    assert torque_of(freed, quick, 0.0, "mcp2_flexion_r") / tip_m < 0.4


def test_a_finger_has_the_inertia_of_its_mass_and_length(packaged: Mechanics) -> None:
    both = replace(AS_PACKAGED, segment_inertia=True, armature=True)
    real = torque_of(Mechanics(Body(Person(), both)), 0.0, 1.0, "mcp2_flexion_r")
    # 15 g, their middle 35 mm from the knuckle, and their own turning.
    assert 1e-5 < real < 4e-5
    assert torque_of(packaged, 0.0, 1.0, "mcp2_flexion_r") > 10 * real


def test_no_muscle_is_without_force_within_its_reach(
    packaged: Mechanics, corrected: Mechanics
) -> None:
    def weakest(mechanics: Mechanics) -> dict[str, float]:
        body = mechanics.body
        draw = np.random.default_rng(1)
        # Within the packaged limits, for both alike.
        postures = np.zeros((60, PLACE + len(body.joint_names)))
        postures[:, PLACE:] = draw.uniform(*packaged.body.ranges.T, (60, len(body.joint_names)))
        zero = np.zeros_like(postures)
        _, length, speed, _ = mechanics.unloaded(SmoothMotion(postures, zero, zero))
        fibres = Fibres(body.model)
        share = fibres.active(length, speed) / fibres.strength
        return dict(zip(body.muscle_names, share.mean(axis=0), strict=True))

    assert weakest(packaged)["RI5_r"] < 0.1
    assert min(weakest(corrected).values()) > 0.4


def test_muscles_that_shorten_quickly_keep_some_force(packaged: Mechanics) -> None:
    held = posture(packaged.body, mcp2_flexion=0.5)
    velocity, zero = np.zeros_like(held), np.zeros_like(held)
    velocity[0, PLACE + packaged.body.joint_names.index("mcp2_flexion_r")] = 15.0
    muscle = packaged.body.muscle_names.index("RI2_r")

    def force(mechanics: Mechanics) -> float:
        _, length, speed, _ = mechanics.unloaded(SmoothMotion(held, velocity, zero))
        return float(Fibres(mechanics.body.model).active(length, speed)[0, muscle])

    assert force(packaged) < 0.1
    assert force(only("shortening_speed")) > 20.0


def test_strength_follows_cross_section(corrected: Mechanics) -> None:
    strength = dict(zip(corrected.body.muscle_names, corrected.strength, strict=True))
    for name, area in CROSS_SECTION_CM2.items():
        assert strength[name] == pytest.approx(100.0 * area)


def test_stronger_people_have_stronger_muscles(corrected: Mechanics) -> None:
    strong = Mechanics(Body(Person(strength=1.3)))
    np.testing.assert_allclose(strong.strength, 1.3 * corrected.strength)


def test_the_thumbs_abductor_abducts_first_of_all(corrected: Mechanics) -> None:
    body = corrected.body
    pull = corrected.pulls(posture(body, cmc_abduction=0.2))[0, body.muscle_names.index(ABDUCTOR)]
    levers = {name: 1000 * pull[body.joint_names.index(f"{name}_r")] for name in _THUMB}
    assert 8.0 < levers["cmc_abduction"] < 16.0
    assert levers["cmc_abduction"] > 1.5 * abs(levers["cmc_flexion"])
    assert abs(levers["mp_flexion"]) < 3.0
    assert abs(levers["ip_flexion"]) < 1e-6


def test_channels_pull_their_finger_to_the_side_they_are_named_for(corrected: Mechanics) -> None:
    pull = corrected.pulls(posture(corrected.body, mcp2_flexion=0.3))[0]
    muscles, joints = corrected.body.muscle_names, corrected.body.joint_names

    def lever(muscle: str, joint: str) -> float:
        return float(pull[muscles.index(f"{muscle}_r"), joints.index(f"{joint}_r")])

    towards_thumb = {"RI2": "mcp2", "RI3": "mcp3"}
    towards_little = {"UI_UB3": "mcp3", "UI_UB4": "mcp4", "UI_UB5": "mcp5"}
    for muscle, joint in towards_thumb.items():
        assert lever(muscle, f"{joint}_abduction") > 0.003
    for muscle, joint in towards_little.items():
        assert lever(muscle, f"{joint}_abduction") < -0.003
    for muscle, joint in (towards_thumb | towards_little).items():
        assert lever(muscle, f"{joint}_flexion") > 0.001


def test_the_little_fingers_abductor_leaves_its_middle_joint_alone(packaged: Mechanics) -> None:
    muscle = packaged.body.muscle_names.index("UI_UB5_r")
    joint = packaged.body.joint_names.index("pm5_flexion_r")
    held = posture(packaged.body, pm5_flexion=0.5)
    ended = only("little_abductor")
    assert packaged.pulls(held)[0, muscle, joint] < -0.0005
    assert ended.pulls(held)[0, ended.body.muscle_names.index("UI_UB5_r"), joint] == 0.0


def test_long_tendons_bend_and_stretch_ring_and_little_finger_without_pulling_them_aside(
    packaged: Mechanics,
) -> None:
    centred = only("centred_tendons")
    for finger in "45":
        names = [f"{kind}{finger}_r" for kind in ("FDP", "EDC")]
        rows = [packaged.body.muscle_names.index(name) for name in names]
        joint = packaged.body.joint_names.index(f"mcp{finger}_abduction_r")
        held = posture(packaged.body, **{f"mcp{finger}_flexion": 0.4})
        apart = np.ptp(packaged.pulls(held)[0, rows, joint])
        assert np.ptp(centred.pulls(held)[0, rows, joint]) < 0.75 * apart


def test_a_flat_palm_is_broader_seen_from_above_and_less_cupped(packaged: Mechanics) -> None:
    def knuckles(mechanics: Mechanics) -> np.ndarray:
        hand = mechanics.body.landmarks(posture(mechanics.body))[0]
        return np.asarray(hand[17] - hand[5])

    cupped, flat = knuckles(packaged), knuckles(only("palm_arch"))
    assert flat[0] > cupped[0] + 0.005
    assert 0.048 < np.linalg.norm(flat) < 0.060
    assert abs(flat[2]) < 0.6 * abs(cupped[2])


def test_joints_pull_back_to_rest_and_ever_more_towards_their_limits(corrected: Mechanics) -> None:
    names = corrected.body.joint_names
    joints = PassiveJoints(names, corrected.body.ranges, 1.0)
    column = names.index("mcp2_abduction_r")
    spread = np.zeros((4, len(names)))
    spread[:, column] = np.deg2rad([-10.0, 10.0, 20.0, 30.0])
    torque = joints.stiffness_torque(spread)[:, column]
    assert torque[0] > 0 > torque[1]
    assert torque[3] - torque[2] < 2 * (torque[2] - torque[1]) < 0
    beyond = np.full((1, len(names)), 10.0)
    assert np.all(np.isfinite(joints.stiffness_torque(beyond)))


def test_damping_is_against_the_movement(corrected: Mechanics) -> None:
    names = corrected.body.joint_names
    joints = PassiveJoints(names, corrected.body.ranges, 1.0)
    velocity = np.ones((1, len(names)))
    damped: Any = joints.damping_torque(velocity)
    assert np.all(damped < 0)
    np.testing.assert_allclose(joints.damping_torque(-velocity), -damped)
