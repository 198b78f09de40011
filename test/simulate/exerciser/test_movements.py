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

"""Movements of the simulated exerciser: on the floor, in the air, in balance, no two alike."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from kpm_ros.models.mia.published import EXERCISES
from kpm_ros.simulate.exerciser import balance
from kpm_ros.simulate.exerciser.exercise_performance import RATE_HZ, Performance, perform
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.movements import ALL, RELEASED
from kpm_ros.simulate.exerciser.movements.exercise import Exercise, key
from kpm_ros.simulate.exerciser.movements.timeline import make_timeline
from kpm_ros.simulate.exerciser.take import exertion_of

PERSON = ExercisingPerson()
GRAVITY = 9.81


@lru_cache(maxsize=16)
def performed(exercise: str, figure: Figure) -> Performance:
    return perform(exercise, PERSON, 4, 10.0, figure)


def body_weights(figure: Figure, force: np.ndarray) -> np.ndarray:
    return np.linalg.norm(force, axis=-1) / (figure.person.mass_kg * GRAVITY)


def test_every_released_exercise_is_there_and_more_of_the_first_version():
    assert tuple(each.name for each in RELEASED) == EXERCISES
    assert len(ALL) >= 20
    for exercise in ALL:
        timeline = make_timeline(exercise, PERSON, 1, 20.0, RATE_HZ)
        assert timeline.repetitions, exercise.name


@pytest.mark.parametrize("exercise", ["Squat", "FrontKick", "SideLunges", "Shuffle", "JumpingJack"])
def test_feet_on_the_floor_neither_slide_nor_sink_nor_float(figure: Figure, exercise: str):
    performance = performed(exercise, figure)
    soles = figure.soles(performance.q)
    assert soles[..., 2].min() > -0.003
    for foot in range(2):
        down = performance.contacts[:, foot]
        assert soles[down, foot, :, 2].min(axis=1).max() < 0.003
        stays = down[1:] & down[:-1]
        # Of a foot whose heel is up, the front stays.
        moved = np.linalg.norm(np.diff(soles[:, foot, :, :2], axis=0), axis=-1).min(axis=1)
        assert moved[stays].max() * RATE_HZ < 0.03


def test_in_flight_nothing_but_gravity_moves_the_centre_of_mass(figure: Figure):
    performance = performed("JumpingJack", figure)
    flying = ~performance.contacts.any(axis=1)
    # Well within a flight: its two ends fall between samples.
    flying[1:-1] &= flying[2:] & flying[:-2]
    centre = balance.masses(figure, performance.q).centre
    speeding = balance.change(centre, RATE_HZ)[flying]
    assert flying.sum() > 20
    assert np.abs(speeding[:, 2] + GRAVITY).max() < 0.05 * GRAVITY
    assert np.abs(speeding[:, :2]).max() < 0.1 * GRAVITY
    ground = exertion_of(figure, performance).ground
    assert body_weights(figure, ground.force[flying].sum(axis=1)).max() < 1e-6


def test_in_flight_nothing_changes_how_the_body_turns(figure: Figure):
    performance = performed("JumpingJack", figure)
    flying = ~performance.contacts.any(axis=1)
    flying[2:-2] &= flying[4:] & flying[:-4]
    body = balance.masses(figure, performance.q)
    moment = np.gradient(balance.spin(body, RATE_HZ), 1.0 / RATE_HZ, axis=0)[flying]
    assert flying.sum() > 20
    assert np.sqrt(np.mean(moment**2, axis=0)).max() < 0.8


@pytest.mark.parametrize(
    ("exercise", "most"),
    [("Squat", 0.005), ("FrontKick", 0.02), ("SideLunges", 0.02), ("JumpingJack", 0.10)],
)
def test_what_no_floor_gives_is_a_small_part_of_the_weight(
    figure: Figure, exercise: str, most: float
):
    residual = exertion_of(figure, performed(exercise, figure)).residual[:, :3]
    assert np.sqrt(np.mean(body_weights(figure, residual) ** 2)) < most


def test_quadriceps_work_with_the_depth_of_a_squat(figure: Figure):
    performance = performed("Squat", figure)
    surface = exertion_of(figure, performance).surface
    depth = -performance.q[:, performance.names.index("pelvis_z")]
    for side in "LR":
        quadriceps = surface[:, SURFACE_MUSCLES.index(f"{side}Quad")]
        assert np.corrcoef(depth, quadriceps)[0, 1] > 0.8
        deep, high = depth > np.quantile(depth, 0.9), depth < np.quantile(depth, 0.3)
        assert quadriceps[deep].mean() > 2 * quadriceps[high].mean()


def test_the_standing_leg_carries_a_kick_and_the_kicking_leg_nothing(figure: Figure):
    performance = performed("FrontKick", figure)
    ground = exertion_of(figure, performance).ground
    weight = figure.person.mass_kg * GRAVITY
    for kicking, standing in ((0, 1), (1, 0)):
        lifted = ~performance.contacts[:, kicking]
        if lifted.any():
            assert np.abs(ground.force[lifted, kicking]).max() < 1e-6 * weight
            assert ground.force[lifted, standing, 2].mean() == pytest.approx(weight, rel=0.15)


def test_a_take_follows_from_its_seed_and_people_and_takes_differ(figure: Figure):
    again = perform("Squat", PERSON, 4, 10.0, figure)
    assert np.array_equal(again.q, performed("Squat", figure).q)
    exercise = next(each for each in ALL if each.name == "Squat")
    told = [
        make_timeline(exercise, person, seed, 10.0, RATE_HZ).channels["height"]
        for person, seed in (
            (PERSON, 4),
            (PERSON, 5),
            (ExercisingPerson.from_seed(1), 4),
            (ExercisingPerson.from_seed(2), 4),
        )
    ]
    for first in range(len(told)):
        for second in range(first):
            assert np.abs(told[first] - told[second]).max() > 0.02


def test_a_channel_that_nothing_reads_is_refused():
    with pytest.raises(ValueError, match="Nod: there is no channel 'neck'"):
        Exercise("Nod", (1.0, 2.0), (key(0.5, neck=20.0),))
