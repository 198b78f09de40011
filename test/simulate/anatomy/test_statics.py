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

"""Static optimisation: exact, smooth in time, and true to mechanics."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")
pytest.importorskip("quadprog", reason="quadprog is not installed")

import mujoco
import quadprog

from kpm_ros.simulate.anatomy.body import PLACE, Body
from kpm_ros.simulate.anatomy.corrections import AS_PACKAGED
from kpm_ros.simulate.anatomy.fibres import Fibres
from kpm_ros.simulate.anatomy.optimum_kernels import solve
from kpm_ros.simulate.anatomy.periodic import SmoothMotion, lag_and_lead, resampled, smooth_motion
from kpm_ros.simulate.anatomy.statics import CHANNELS, AnatomicalMuscles
from kpm_ros.simulate.anatomy.torques import FRICTION, Mechanics
from kpm_ros.simulate.person import MUSCLES, Person

RATE_HZ = 250.0
BENT = {f"{kind}{f}_flexion": angle for f in "2345" for kind, angle in (("mcp", 0.4), ("pm", 0.6))}
BENT |= {f"md{f}_flexion": 0.4 for f in "2345"}
COUNT = 500


@pytest.fixture(scope="module")
def body() -> Body:
    return Body(Person())


@pytest.fixture(scope="module")
def muscles(body: Body) -> AnatomicalMuscles:
    return AnatomicalMuscles(body.person, body)


def tapping(body: Body, count: int = COUNT) -> tuple[np.ndarray, np.ndarray]:
    """Posture and force of the index finger, tapping twice a second in one pass of two seconds."""
    posture = np.zeros((count, PLACE + len(body.joint_names)))
    for k, name in enumerate(body.joint_names):
        posture[:, PLACE + k] = next((BENT[kind] for kind in BENT if name.startswith(kind)), 0.0)
    down = np.maximum(np.sin(np.arange(count) / count * 8 * np.pi), 0.0) ** 2
    posture[:, PLACE + body.joint_names.index("mcp2_flexion_r")] += 0.15 * down
    force = np.zeros((count, 5))
    force[:, 1] = 8.0 * down
    return posture, force


def test_the_optimum_is_that_of_an_exact_solver() -> None:
    draw = np.random.default_rng(2)
    count, joints, many = 40, 12, 30
    arms = draw.normal(0.0, 0.3, (count, joints, many))
    arms[draw.random(arms.shape) < 0.6] = 0.0
    torque = draw.normal(0.0, 0.5, (count, joints))
    rest = draw.uniform(0.0, 0.1, (count, many))
    weight, slack = draw.uniform(0.5, 2.0, many), np.full(joints, 1e-3)
    found, residual = solve(arms, torque, rest, 0.25 * rest, weight, slack, np.zeros(joints))
    assert (found > 0.999).any()
    for n in range(count):
        square = np.diag(weight) + arms[n].T @ (arms[n] / slack[:, None])
        linear = weight * rest[n] + arms[n].T @ (torque[n] / slack)
        sides = np.hstack([np.eye(many), -np.eye(many)])
        bounds = np.concatenate([0.25 * rest[n], -np.ones(many)])
        best = quadprog.solve_qp(square, linear, sides, bounds)[0]
        np.testing.assert_allclose(found[n], best, atol=1e-6)
        np.testing.assert_allclose(residual[n], torque[n] - arms[n] @ found[n], atol=1e-9)


def test_where_the_solver_begins_makes_no_difference() -> None:
    draw = np.random.default_rng(5)
    arms, torque = draw.normal(0.0, 0.3, (3, 6, 15)), draw.normal(0.0, 0.3, (3, 6))
    given = (arms, torque, np.full((3, 15), 0.05), np.full((3, 15), 0.01), np.ones(15))
    near = solve(*given, np.full(6, 1e-3), np.zeros(6))[0]
    far = solve(*given, np.full(6, 1e-3), np.full(6, 40.0))[0]
    np.testing.assert_allclose(near, far, atol=1e-6)


@pytest.mark.parametrize("seed", [1, 2, 5])
def test_prices_that_lead_nowhere_are_given_up(seed: int) -> None:
    draw = np.random.default_rng(seed)
    weight, slack = np.ones(96), np.array([1e-3] * 6 + [1.0] * 12)
    arms = draw.normal(0.0, 2.0, (1, 18, 96)) * np.where(draw.random((1, 1, 96)) < 0.5, 1.0, 0.02)
    arms[:, 2] = 3.0 * np.abs(arms[:, 2])
    given = (arms, draw.normal(0.0, 0.3, (1, 18)), np.zeros((1, 96)), np.zeros((1, 96)))
    near = solve(*given, weight, slack, np.zeros(18))[0]
    far = solve(*given, weight, slack, draw.normal(0.0, 30.0, 18))[0]
    np.testing.assert_allclose(near, far, atol=1e-5)


def test_fibres_give_the_force_that_mujoco_says(body: Body) -> None:
    model, data = body.model, mujoco.MjData(body.model)
    draw, fibres = np.random.default_rng(3), Fibres(body.model)
    for _ in range(40):
        data.qpos[:] = draw.uniform(*body.ranges.T)
        data.qvel[:] = draw.normal(0.0, 15.0, model.nv)
        data.act[:] = 1.0
        mujoco.mj_forward(model, data)
        length, speed = data.actuator_length[None], data.actuator_velocity[None]
        pull = fibres.active(length, speed) + fibres.passive(length)
        np.testing.assert_allclose(pull[0], -data.actuator_force, atol=1e-9)


def test_still_fingers_carry_their_weight_and_the_key_and_nothing_else(body: Body) -> None:
    bare = Mechanics(Body(Person(), replace(AS_PACKAGED, thumb_abductor=True)))
    posture, _ = tapping(body, 1)
    zero, force = np.zeros_like(posture), np.zeros((1, 5))
    data = mujoco.MjData(bare.body.model)
    data.qpos[:] = posture[0, PLACE:]
    mujoco.mj_forward(bare.body.model, data)
    motion = SmoothMotion(posture, zero, zero)
    pull = bare.pulls(posture)[0]
    slack = Fibres(bare.body.model).passive(data.actuator_length[None])[0] @ pull
    weight = bare.demand(motion, force).torque[0] + slack
    np.testing.assert_allclose(weight, data.qfrc_bias, atol=1e-9)
    force[0, 3] = 5.0
    added = bare.demand(motion, force).torque[0] + slack - weight
    tip = bare.body.tip_jacobians(posture)[0, 3, :, PLACE:]
    push, *_ = np.linalg.lstsq(tip.T, -added, rcond=None)
    assert push[2] == pytest.approx(5.0)
    assert np.hypot(*push[:2]) <= FRICTION * 5.0 + 1e-9


def test_a_falling_hand_weighs_nothing() -> None:
    bare = Mechanics(Body(Person(), AS_PACKAGED))
    posture, _ = tapping(bare.body, 1)
    zero, falling = np.zeros_like(posture), np.zeros_like(posture)
    falling[0, 2] = -9.81
    at_rest = bare.unloaded(SmoothMotion(posture, zero, zero))[0]
    fallen = bare.unloaded(SmoothMotion(posture, zero, falling))[0]
    assert np.abs(at_rest).max() > 0.05
    np.testing.assert_allclose(fallen, 0.0, atol=1e-12)


def test_activation_is_ahead_of_the_force_it_makes(body: Body, muscles: AnatomicalMuscles) -> None:
    posture, force = tapping(body)
    first = muscles.activation(posture, force, RATE_HZ)[:, MUSCLES.index("1DI")]
    shift = np.arange(-50, 51)
    alike = [np.corrcoef(np.roll(first, k), force[:, 1])[0, 1] for k in shift]
    lead_s = shift[int(np.argmax(alike))] / RATE_HZ
    assert 0.02 < lead_s < 0.09


def test_a_pass_ends_where_it_begins(body: Body, muscles: AnatomicalMuscles) -> None:
    posture, force = tapping(body)
    found = muscles.all_activations(posture, force, RATE_HZ).activation
    turned = muscles.all_activations(
        np.roll(posture, 100, axis=0), np.roll(force, 100, axis=0), RATE_HZ
    ).activation
    np.testing.assert_allclose(np.roll(found, 100, axis=0), turned, atol=1e-5)


def test_a_finer_grid_gives_the_same_activation(body: Body, muscles: AnatomicalMuscles) -> None:
    coarse = muscles.activation(*tapping(body), RATE_HZ)
    fine = muscles.activation(*tapping(body, 4 * COUNT), 4 * RATE_HZ)
    np.testing.assert_allclose(fine[::4], coarse, atol=0.01)


def test_what_muscles_leave_over_completes_the_torque(
    body: Body, muscles: AnatomicalMuscles
) -> None:
    posture, force = tapping(body, 50)
    found = muscles.still(posture, force)
    assert found.torque.shape == found.residual.shape == (50, len(muscles.joint_names))
    assert np.abs(found.residual).sum() < 0.1 * np.abs(found.torque).sum()
    assert found.activation.min() > 0.0
    assert found.activation.max() <= 1.0


def test_a_muscle_with_a_greater_share_takes_more_activation_for_the_same_work(body: Body) -> None:
    posture, force = tapping(body, 50)
    column = MUSCLES.index("1DI")
    shares = (1.0,) * column + (1.4,) + (1.0,) * (len(MUSCLES) - column - 1)
    plain = AnatomicalMuscles(Person(), body).still(posture, force).activation
    fond = AnatomicalMuscles(Person(muscle_share=shares), body).still(posture, force).activation
    muscle = body.muscle_names.index(CHANNELS["1DI"])
    assert fond[:, muscle].max() == pytest.approx(1.4 * plain[:, muscle].max(), rel=0.1)
    others = np.arange(len(body.muscle_names)) != muscle
    np.testing.assert_allclose(fond[:, others], plain[:, others], atol=0.02)


def test_a_hand_without_abductor_shows_nothing_on_its_channel() -> None:
    packaged = Body(Person(), AS_PACKAGED)
    found = AnatomicalMuscles(packaged.person, packaged).activation(*tapping(packaged, 50), 25.0)
    assert np.all(found[:, MUSCLES.index("PB")] == 0.0)
    assert found[:, MUSCLES.index("1DI")].max() > 0.0


def test_derivatives_of_a_smoothed_wave_are_those_of_the_wave() -> None:
    times = np.arange(400) / 200.0
    wave = np.sin(2 * np.pi * 3.0 * times)[:, None]
    tremor = 0.01 * np.sin(2 * np.pi * 70.0 * times)[:, None]
    motion = smooth_motion(wave + tremor, 200.0, 20.0, 400)
    np.testing.assert_allclose(motion.value, wave, atol=1e-3)
    np.testing.assert_allclose(motion.acceleration, -((6 * np.pi) ** 2) * wave, atol=0.5)
    np.testing.assert_allclose(resampled(wave, 800)[::2], wave, atol=1e-12)


def test_following_lags_and_leading_leads() -> None:
    times = np.arange(1000) / 500.0
    slow = np.sin(2 * np.pi * times)[:, None]
    ahead = lag_and_lead(slow, 500.0, 0.01, 0.05)
    wanted = np.sin(2 * np.pi * (times + 0.05))[:, None]
    np.testing.assert_allclose(ahead, wanted, atol=0.01)


def test_a_copy_does_the_same_and_leaves_the_body_as_it_is(
    body: Body, muscles: AnatomicalMuscles
) -> None:
    posture, force = tapping(body, 20)
    before = np.array(body.model.opt.gravity)
    twin = copy.deepcopy(muscles)
    posture[:, 2] = np.sin(np.arange(20))
    found = [one.activation(posture, force, RATE_HZ) for one in (muscles, twin)]
    np.testing.assert_array_equal(*found)
    np.testing.assert_array_equal(body.model.opt.gravity, before)
