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

"""What an anatomical hand's muscles do in a movement that was recorded."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion, MotionError, OneHandMotion
from kpm_ros.core.hands import mirrored
from kpm_ros.motion import muscle_use as module
from kpm_ros.motion.hand_kinematics import average_body
from kpm_ros.motion.muscle_tables import as_csv, lapses
from kpm_ros.motion.muscle_use import MuscleUse, muscle_use, muscles_of_person, no_forces
from kpm_ros.simulate.anatomy.passive import rest_angles
from kpm_ros.simulate.anatomy.statics import AnatomicalMuscles
from kpm_ros.simulate.person import Person

RATE_HZ = 50.0
EXTENSORS, FLEXORS = ("ECRL_r", "ECRB_r", "ECU_r"), ("FCR_r", "FCU_r", "PL_r")
INDEX_FLEXORS = ("FDS2_r", "FDP2_r")


@pytest.fixture(scope="module")
def muscles() -> AnatomicalMuscles:
    return muscles_of_person(Person())


def _moving(frames: int = 60, forearm: tuple[float, float, float] | None = None) -> HandMotion:
    """A relaxed right hand whose index finger taps."""
    names = average_body().joint_names
    joints = np.repeat(rest_angles(names)[None], frames, axis=0)
    tap = np.sin(np.linspace(0.0, 4.0 * np.pi, frames))
    joints[:, names.index("mcp2_flexion_r")] += 0.2 * tap
    place = np.tile([0.6, 0.0, 0.06], (frames, 1)).astype(np.float32)
    turns = None if forearm is None else np.tile(np.array(forearm, np.float32), (frames, 1))
    hand = OneHandMotion(
        np.ones(frames, bool), place=place, joints=joints.astype(np.float32), forearm=turns
    )
    return HandMotion(RATE_HZ, {"right": hand})


def _use(motion: HandMotion, muscles: AnatomicalMuscles, side: str = "right") -> MuscleUse:
    return muscle_use(motion, side, muscles, no_forces(motion)[side])


def _mean(use: MuscleUse, names: tuple[str, ...]) -> float:
    return float(np.nanmean(use.activation[:, [use.muscles.index(name) for name in names]]))


def test_a_forearm_that_is_turned_over_holds_the_hand_with_its_flexors(
    muscles: AnatomicalMuscles,
) -> None:
    down = _use(_moving(), muscles)
    palm_up = _use(_moving(forearm=(0.0, np.pi, 0.0)), muscles)
    assert _mean(down, EXTENSORS) > 1.2 * _mean(palm_up, EXTENSORS)
    assert _mean(palm_up, FLEXORS) > 1.2 * _mean(down, FLEXORS)


def test_a_left_hand_works_as_the_right_one_before_a_mirror(muscles: AnatomicalMuscles) -> None:
    motion = _moving()
    right = motion.hands["right"]
    assert right.place is not None
    moved = right.place + np.linspace(0, 0.3, len(right))[:, None] ** 2 * np.array([1, 0, 0])
    right = replace(right, place=moved.astype(np.float32))
    left = replace(right, place=mirrored(moved).astype(np.float32))
    both = replace(motion, hands={"right": right, "left": left})
    ours, theirs = (_use(both, muscles, side).activation for side in ("right", "left"))
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_key_that_pushes_back_is_pressed_by_its_fingers_flexors(
    muscles: AnatomicalMuscles,
) -> None:
    motion = _moving()
    free = _use(motion, muscles)
    force = np.zeros((len(motion), 5))
    force[:, 1] = 5.0
    pressing = muscle_use(motion, "right", muscles, force)
    assert _mean(pressing, INDEX_FLEXORS) > _mean(free, INDEX_FLEXORS) + 0.02


def test_what_is_not_seen_is_not_known_and_what_is_seen_too_briefly_neither(
    muscles: AnatomicalMuscles,
) -> None:
    motion = _moving()
    visible = np.ones(60, bool)
    visible[30:40] = visible[45:] = False
    hand = replace(motion.hands["right"], visible=visible)
    told: list[int] = []
    hidden = replace(motion, hands={"right": hand})
    force = np.zeros((60, 5))
    use = muscle_use(hidden, "right", muscles, force, progress=told.append)
    assert use.known.tolist() == [True] * 30 + [False] * 30
    assert sum(told) == 60
    lines = as_csv(hidden, {"right": use}, None).splitlines()
    assert len(lines) == 61
    assert lines[0].split(",")[6] == "simulated_ECRL"
    assert set(lines[-1].split(",")[2:]) == {""}


def test_a_long_movement_is_worked_out_in_parts_that_fit_together(
    muscles: AnatomicalMuscles, monkeypatch: pytest.MonkeyPatch
) -> None:
    motion = _moving(120)
    whole = _use(motion, muscles).activation
    monkeypatch.setattr(module, "AT_ONCE_S", 1.0)
    np.testing.assert_allclose(_use(motion, muscles).activation, whole, atol=0.01)


def test_a_movement_without_angles_is_refused(muscles: AnatomicalMuscles) -> None:
    bare = replace(_moving(), hands={"right": OneHandMotion(np.ones(60, bool))})
    with pytest.raises(MotionError, match="right hand no joint angles are known"):
        _use(bare, muscles)


def test_where_the_model_does_not_hold_is_said_in_stretches() -> None:
    motion = _moving(20)
    torque, residual = np.full((20, 2), 0.5), np.zeros((20, 2))
    residual[4:6] = residual[8:10] = 0.3
    error_m = np.zeros(20)
    error_m[15:] = 0.02
    use = MuscleUse(("A_r",), np.zeros((20, 1)), ("a", "b"), torque, residual, error_m)
    first, second = lapses(motion, use)
    assert (first.start_s, first.end_s) == pytest.approx((0.08, 0.20))
    assert "no muscles" in first.why
    assert (second.start_s, second.end_s) == pytest.approx((0.30, 0.40))
    assert "10 mm from the landmarks" in second.why
