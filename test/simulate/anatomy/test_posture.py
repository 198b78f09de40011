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

"""The anatomical hand at the piano: on its keys, within its limits, smooth, from one seed."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")

from kpm_ros.core.keyboard import (
    BLACK_FRONT_M,
    BLACK_HEIGHT_M,
    IS_BLACK,
    KEY_X_M,
    TRAVEL_M,
    WHITE_WIDTH_M,
)
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.fingering import assign
from kpm_ros.simulate.hand import FINGERS
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist

TIPS = [4, 8, 12, 16, 20]
KNUCKLE = 9


def pianist(score: Score, seed: int) -> Pianist:
    """Someone whose bones are anatomical; for these tests the quick muscles will do."""
    person = Person.from_seed(seed)
    return Pianist(score, seed, person, AnatomicalHand(Body(person)))


@pytest.fixture(scope="module", params=[0, 3])
def anyone(request: pytest.FixtureRequest) -> Pianist:
    return pianist(random_study(request.param, 20.0), request.param)


@pytest.fixture(scope="module")
def hand() -> AnatomicalHand:
    return AnatomicalHand(Body(Person()))


def off_their_keys(player: Pianist, part: float) -> tuple[np.ndarray, np.ndarray]:
    """How far tips are from where they should touch, and their keys, some way through each note."""
    strokes = player.plan.strokes
    own = np.flatnonzero(strokes.finger >= 0)
    at = strokes.onset_s[own] + part * (strokes.release_s[own] - strokes.onset_s[own])
    order = np.argsort(at)
    note = own[order]
    tips = player.landmarks(at[order])[np.arange(len(note)), 4 + 4 * strokes.finger[note]]
    wanted = np.stack([KEY_X_M[strokes.key[note]], *strokes.touch[note, 1:].T], axis=1)
    return tips - wanted + np.array([0.0, 0.0, TRAVEL_M]), strokes.key[note]


def test_tips_are_where_they_are_led_to(hand: AnatomicalHand) -> None:
    draw = np.random.default_rng(1)
    palm = np.array([0.8, 0.0, hand.height_m]) + draw.uniform(-0.005, 0.005, (300, 3))
    tips = palm[:, None] + hand.natural + draw.uniform(-0.004, 0.004, (300, FINGERS, 3))
    landmarks = hand.landmarks(hand.posture(palm, tips))
    assert np.abs(landmarks[:, KNUCKLE] - palm).max() < 1e-9
    miss = np.linalg.norm(landmarks[:, TIPS] - tips, axis=2)
    assert np.mean(miss < 2e-5) > 0.97
    assert np.percentile(miss, 99) < 0.003


@pytest.mark.parametrize("seed", range(3))
def test_any_hand_lies_on_five_white_keys_and_holds_an_octave(seed: int) -> None:
    hand = AnatomicalHand(Body(Person.from_seed(seed)))
    assert hand.natural[:, 0] == pytest.approx((np.arange(5) - 2) * WHITE_WIDTH_M)
    assert np.ptp(hand.natural[:, 1]) < 0.042
    palm = np.array([[0.8, 0.0, hand.height_m]])
    tips = palm[:, None] + hand.natural
    found = hand.landmarks(hand.posture(palm, tips))[:, TIPS]
    assert found == pytest.approx(tips, abs=1e-5)
    octave = Score.of([Note(0.0, 0.5, 60, 64), Note(0.0, 0.5, 72, 64)])
    assert assign(octave, hand).finger.tolist() == [0, 4]


def test_an_impossible_stretch_is_known_to_be_one(hand: AnatomicalHand) -> None:
    palm = np.array([0.8, 0.0, hand.height_m])
    little = np.array([4])
    at_rest = hand.stretch(palm, little, palm + hand.natural[4:])
    beyond = hand.stretch(palm, little, palm + hand.natural[4:] + np.array([0.06, 0.0, 0.0]))
    assert at_rest[0] < 0.85
    assert beyond[0] > 1.0


@pytest.mark.parametrize("part", [0.0, 0.5, 1.0])
def test_fingertips_are_on_their_keys_while_these_are_down(anyone: Pianist, part: float) -> None:
    off, key = off_their_keys(anyone, part)
    assert np.abs(off[:, 2]).max() < 0.002
    assert np.percentile(np.abs(off[:, 0]), 50) < 0.002
    assert np.abs(off[:, 0]).max() < WHITE_WIDTH_M / 2 - 0.003
    assert np.abs(off[IS_BLACK[key], 0]).max() < 0.006


def test_joints_stay_within_their_limits(anyone: Pianist) -> None:
    angles = anyone.posture(np.arange(0, anyone.period_s, 0.002))[:, 3:]
    low, high = anyone.hand.body.ranges.T
    assert (angles >= low).all()
    assert (angles <= high).all()


def test_bones_keep_their_length(anyone: Pianist) -> None:
    landmarks = anyone.landmarks(np.arange(0, anyone.period_s, 0.01))
    bones = [(0, 1), (0, 5), (0, 9), (0, 13), (0, 17)]
    bones += [(first + k, first + k + 1) for first in (1, 5, 9, 13, 17) for k in range(3)]
    for one, other in bones:
        length = np.linalg.norm(landmarks[:, one] - landmarks[:, other], axis=1)
        assert np.ptp(length) < 1e-9


def test_neither_angles_nor_their_speed_jump(anyone: Pianist) -> None:
    step_s = 0.0005
    angles = anyone.posture(np.arange(0, anyone.period_s + 1.0, step_s))[:, 3:]
    speed = np.diff(angles, axis=0) / step_s
    assert np.abs(speed).max() < 60.0
    # As fast as a tenth of a full swing at the cut-off frequency can make it.
    assert np.abs(np.diff(speed, axis=0)).max() / step_s < 0.1 * (2 * np.pi * 45.0) ** 2


def test_movement_follows_from_the_seed() -> None:
    times = np.arange(0, 2, 0.01)
    score = random_study(9, 2.0)
    one, same, other = pianist(score, 2), pianist(score, 2), pianist(score, 4)
    assert np.array_equal(one.posture(times), same.posture(times))
    assert not np.allclose(one.landmarks(times), other.landmarks(times), atol=1e-3)


def test_any_split_of_the_times_gives_the_same_bits(anyone: Pianist) -> None:
    times = np.arange(0, 8.0, 1 / 60)
    whole = anyone.landmarks(times)
    parts = [anyone.landmarks(part) for part in np.split(times, [1, 17, 200, 201])]
    assert np.array_equal(np.concatenate(parts), whole)


def test_idle_fingers_stay_above_the_keys(anyone: Pianist) -> None:
    times = np.arange(0, anyone.period_s, 0.01)
    tips = anyone.landmarks(times)[:, TIPS]
    for finger, plan in enumerate(anyone.plan.fingertips):
        idle = plan.contact.at(times)[:, 0] == 0
        tip = tips[idle, finger]
        assert tip[:, 2].min() > -0.001
        low_over_black = (tip[:, 1] > BLACK_FRONT_M + 0.005) & (tip[:, 2] < BLACK_HEIGHT_M)
        assert low_over_black.mean() < 0.01


def test_real_music_is_played_by_an_anatomical_hand(real_scores: list[Score]) -> None:
    player = pianist(min(real_scores, key=lambda score: score.duration_s), seed=2)
    off, _ = off_their_keys(player, 0.0)
    assert len(off) > 100
    assert np.mean(np.abs(off[:, 2]) < 0.002) > 0.99
    assert np.abs(off[:, 2]).max() < 0.004
    assert np.abs(off[:, 0]).max() < WHITE_WIDTH_M / 2
