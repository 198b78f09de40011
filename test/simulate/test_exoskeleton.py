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

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.exoskeleton import (
    WORN,
    Assist,
    AssistedHand,
    Finger,
    displaced,
    oscillates,
    stable_up_to,
)
from kpm_ros.simulate.person import Person

USUAL = Assist(1.0, 0.06, 0.03)


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


def test_a_finger_on_a_key_that_is_down_moves_less_and_what_is_expected_moves_none() -> None:
    push = np.full(300, 0.05)
    up, down = (displaced(Finger(), push, np.full(300, held), USUAL) for held in (False, True))
    assert not displaced(Finger(), 0 * push, np.zeros(300, bool), USUAL).any()
    assert 0 < down[-1] < 0.2 * up[-1]
    # In the end reflexes and what is made of them add to the finger's own stiffness.
    finger = Finger()
    stiff = finger.stiffness_nm + finger.reflex_nm * (1 + 1.0 / finger.nm_per_effort)
    long = displaced(finger, np.full(3000, 0.05), np.zeros(3000, bool), USUAL)
    assert long[-1] == pytest.approx(0.05 / stiff, rel=0.02)


def test_a_gain_that_is_too_high_for_the_delay_never_comes_to_rest() -> None:
    most = stable_up_to(Finger(), USUAL)
    assert 1 < most < 64
    assert not oscillates(Finger(), USUAL._replace(nm_per_effort=0.9 * most))
    assert oscillates(Finger(), USUAL._replace(nm_per_effort=1.1 * most))
    calm = Finger(reflex_nm=0.0)
    assert stable_up_to(calm, USUAL) == 64
