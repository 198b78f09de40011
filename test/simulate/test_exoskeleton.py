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


"""A hand in an exoskeleton: muscles give what is left, and what nobody expected moves fingers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.exoskeleton import FINGER, KEY_BED_N_M, LENGTH_M, WORN, AssistedHand
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.worn_joint import Assist, displaced, oscillates, stable_up_to

USUAL = Assist(1.0, 0.06, 0.03)
KEY_NM = KEY_BED_N_M * LENGTH_M**2


def test_muscles_do_less_where_the_exoskeleton_gives_some_of_the_torque() -> None:
    pytest.importorskip("mujoco", reason="MuJoCo is not installed")
    hand = AssistedHand(Person(), Score.of([Note(0.1, 0.5, 64, 80), Note(0.8, 0.5, 65, 110)]))
    spreading = np.zeros((hand.samples, len(WORN)))
    spreading[:, list(WORN).index("little_abduction")] = 0.02
    helped, alone = hand.worked(spreading), hand.alone
    assert alone.effort.shape == (hand.samples, 6)
    assert helped.all_effort.sum() < alone.all_effort.sum()
    little = hand.muscles.index("ADM")
    assert helped.effort[:, little].mean() < 0.9 * alone.effort[:, little].mean()
    # Torque the wrong way makes them do more.
    assert hand.worked(-spreading).all_effort.sum() > alone.all_effort.sum()
    # What was expected changes no note; what was not, both of them, and more for more.
    everywhere = np.full_like(spreading, 0.02)
    none, some, more = (hand.missed(k * everywhere, USUAL) for k in (0, 1, 2))
    assert len(some) == 2
    assert {each.shift_ms for each in none} == {each.change for each in none} == {0.0}
    assert 0 < max(each.shift_ms for each in some) < max(each.shift_ms for each in more)
    assert 0 < max(each.change for each in some) < max(each.change for each in more)


def test_a_finger_on_a_key_that_is_down_moves_less_and_what_is_expected_moves_none() -> None:
    push, free = np.full(300, 0.05), np.zeros(300)
    up, down = (displaced(FINGER, push, free + key_nm, USUAL) for key_nm in (0.0, KEY_NM))
    assert not displaced(FINGER, 0 * push, free, USUAL).any()
    assert 0 < down[-1] < 0.2 * up[-1]
    # In the end reflexes and what is made of them add to the finger's own stiffness.
    stiff = FINGER.stiffness_nm + FINGER.reflex_nm * (1 + 1.0 / FINGER.nm_per_effort)
    long = displaced(FINGER, np.full(3000, 0.05), np.zeros(3000), USUAL)
    assert long[-1] == pytest.approx(0.05 / stiff, rel=0.02)


def test_a_gain_that_is_too_high_for_the_delay_never_comes_to_rest() -> None:
    most = stable_up_to(FINGER, USUAL)
    assert 1 < most < 64
    assert not oscillates(FINGER, USUAL._replace(nm_per_effort=0.9 * most))
    assert oscillates(FINGER, USUAL._replace(nm_per_effort=1.1 * most))
    assert stable_up_to(replace(FINGER, reflex_nm=0.0), USUAL) == 64
