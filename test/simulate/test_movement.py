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

"""Movement: smooth, on time, and styled as its owner moves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.hand import KinematicHand
from kpm_ros.simulate.movement import Movement
from kpm_ros.simulate.movement_plan import FULL_FORCE_N, MovementPlan, make_plan
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist

PERSON = Person(enslaving=0.0, palm_dip_m=0.0)
LITTLE, RING = 4, 3


def led(score: Score, person: Person = PERSON) -> tuple[MovementPlan, Movement]:
    hand = KinematicHand(person)
    plan = make_plan(score, hand)
    return plan, Movement(plan, hand, person, seed=1)


def palm_and_tips(movement: Movement, at_s: float) -> np.ndarray:
    return movement.at(np.array([at_s])).reshape(6, 3)


def test_smoothing_leaves_movement_where_it_was_to_be() -> None:
    plan, movement = led(random_study(2, 20.0))
    times = np.arange(0, plan.period_s, 0.003)
    palm, tips = movement.targets(times, np.zeros(len(times)))
    wanted = np.concatenate([palm[:, None], tips], axis=1)
    off = np.linalg.norm(movement.at(times).reshape(wanted.shape) - wanted, axis=2)
    assert np.percentile(off, 99) < 0.0005
    assert off.max() < 0.004


def test_what_is_between_frames_is_as_smooth_as_the_frames() -> None:
    plan, movement = led(random_study(2, 5.0))
    times = np.arange(0, plan.period_s, 1e-4)
    speed = np.diff(movement.at(times), axis=0) / 1e-4
    change = np.abs(np.diff(speed, axis=0)) / 1e-4
    assert change.max() < 400.0
    at_frames = movement.at(movement.times_s)
    assert np.abs(np.diff(at_frames, axis=0)).max() > 1e-4


def test_the_palm_falls_with_loudness_as_far_as_is_its_owners_manner() -> None:
    def fall(velocity: int, dip_m: float) -> float:
        score = Score.of([Note(0.5, 0.4, 64, velocity)])
        plan, movement = led(score, replace(PERSON, palm_dip_m=dip_m))
        _, still = led(score)
        onset = float(plan.strokes.onset_s[0])
        moved = palm_and_tips(still, onset)[0, 2] - palm_and_tips(movement, onset)[0, 2]
        return float(moved)

    assert fall(120, 0.0) == 0
    assert 0 < fall(40, 0.005) < fall(120, 0.005) <= 0.005


def test_a_neighbour_is_taken_along_but_not_down_to_its_key() -> None:
    notes = [Note(0.5 * k, 0.3, p, 80) for k, p in enumerate((60, 62, 64, 65, 67))]

    def ring_at_little(enslaving: float) -> float:
        plan, movement = led(Score.of(notes), replace(PERSON, enslaving=enslaving))
        assert plan.strokes.finger[-1] == LITTLE
        middle_s = float(plan.strokes.onset_s[-1] + plan.strokes.release_s[-1]) / 2
        return float(palm_and_tips(movement, middle_s)[1 + RING, 2])

    free, taken = ring_at_little(0.0), ring_at_little(1.5)
    assert 0.001 < free - taken < 0.006
    assert taken > 0.001


def test_force_is_in_newtons_and_follows_loudness() -> None:
    def peak(velocity: int) -> tuple[float, float]:
        pianist = Pianist(Score.of([Note(0.5, 1.0, 62, velocity)]))
        force = pianist.force(np.arange(0, pianist.period_s, 0.002))
        strokes = pianist.plan.strokes
        late_s = np.array([float(strokes.release_s[0]) - 0.05])
        return float(force.max()), float(pianist.force(late_s).max())

    loudest, held = peak(127)
    assert loudest == pytest.approx(FULL_FORCE_N, rel=0.01)
    assert held == pytest.approx(0.3 * FULL_FORCE_N, rel=0.01)
    softest, kept_down = peak(1)
    assert 0.5 < softest < 2.0
    assert kept_down == pytest.approx(0.5, abs=0.01)


def test_smoothing_takes_no_number_of_a_posture_beyond_its_limits() -> None:
    hand = KinematicHand(PERSON)
    plan = make_plan(random_study(2, 5.0), hand)
    free = Movement(plan, hand, PERSON, 1)
    times = np.arange(0, plan.period_s, 0.0007)
    low, high = np.percentile(free.at(times), [10, 90], axis=0)
    hand.limits = np.stack([low, high], axis=1)
    kept = Movement(plan, hand, PERSON, 1).at(times)
    assert (kept >= low - 1e-12).all()
    assert (kept <= high + 1e-12).all()
    inside = ((free.at(times) > low + 0.01) & (free.at(times) < high - 0.01)).all(axis=1)
    assert np.abs(kept - free.at(times))[inside].max(initial=0.0) < 0.01


def test_frames_of_another_length_are_refused() -> None:
    hand = KinematicHand(PERSON)
    plan = make_plan(random_study(2, 5.0), hand)
    with pytest.raises(ValueError, match="7 frames do not make a pass"):
        Movement(plan, hand, PERSON, 1, np.zeros((7, 18)))
