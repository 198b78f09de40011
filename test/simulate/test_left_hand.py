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

"""The left hand: on the keys that the right one leaves, on its own side."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.keyboard import IS_BLACK, KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.pianist import Pianist

LOW = (36, 42, 48, 51, 55)
TIPS = [4, 8, 12, 16, 20]


@pytest.fixture(scope="module")
def pianist() -> Pianist:
    high = [Note(0.7 * k, 0.5, 72 + k, 60) for k in range(5)]
    low = [Note(0.7 * k, 0.5, pitch, 60) for k, pitch in enumerate(LOW)]
    return Pianist(Score.of([*high, *low]), seed=2)


@pytest.mark.parametrize("number", range(len(LOW)))
def test_a_finger_of_the_left_hand_is_on_each_low_key(pianist: Pianist, number: int) -> None:
    at_s = np.array([0.5 + 0.7 * number + 0.2])
    tips = pianist.left_landmarks(at_s)[0, TIPS]
    key = LOW[number] - FIRST_NOTE
    off = np.abs(tips[:, 0] - KEY_X_M[key])
    nearest = tips[int(off.argmin())]
    assert off.min() < 0.003
    top = 0.012 if IS_BLACK[key] else 0.0
    assert nearest[2] == pytest.approx(top - TRAVEL_M, abs=0.002)


def test_the_hands_are_mirror_images_on_their_own_sides(pianist: Pianist) -> None:
    times = np.arange(0, pianist.period_s, 0.05)
    left, right = pianist.left_landmarks(times), pianist.landmarks(times)
    assert (left[:, 4, 0] > left[:, 20, 0]).all()
    assert (right[:, 4, 0] < right[:, 20, 0]).all()
    assert (left[:, :, 0].max(axis=1) < right[:, :, 0].min(axis=1)).all()
    span = np.linalg.norm(left[:, 0] - left[:, 9], axis=1)
    assert span == pytest.approx(np.linalg.norm(right[:, 0] - right[:, 9], axis=1))


def test_the_left_hand_repeats_with_the_pass(pianist: Pianist) -> None:
    times = np.arange(0, 2.0, 0.05)
    later = pianist.left_landmarks(times + 3 * pianist.period_s)
    assert later == pytest.approx(pianist.left_landmarks(times), abs=1e-9)


def test_a_left_hand_without_notes_rests_on_its_side() -> None:
    pianist = Pianist(Score.of([Note(0.0, 0.5, 64, 60)]))
    times = np.arange(0, pianist.period_s, 0.1)
    left = pianist.left_landmarks(times)
    assert np.ptp(left[:, 9], axis=0).max() < 0.01
    assert (left[..., 0] < pianist.landmarks(times)[..., 0].min()).all()
