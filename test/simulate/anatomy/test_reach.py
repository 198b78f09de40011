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

"""A finger that reaches: exact within reach, sensible beyond it, and always bent the same way."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.simulate.anatomy.reach import Finger
from kpm_ros.simulate.anatomy.reach_table import ReachTable

RANGES = np.array([[-0.3, 1.5], [-0.4, 0.4], [0.0, 1.5], [0.0, 1.5]])
REST = np.array([0.5, 0.0, 0.7, 0.7 * 2 / 3])
ACROSS = np.array([-1.0, 0.0, 0.0])
"""What joints bend about: ahead goes downwards."""


@pytest.fixture(scope="module")
def finger() -> Finger:
    axes = np.array([ACROSS, [0.1, 0.0, 1.0] / np.sqrt(1.01), ACROSS, ACROSS])
    links = np.array([[0, 0, 0], [0, 0.045, 0], [0, 0.026, 0.001], [0, 0.020, 0]])
    return Finger(np.array([0.01, 0.08, 0.0]), axes, links, RANGES, REST, 2 / 3)


def some_angles(count: int = 3000) -> np.ndarray:
    free = np.random.default_rng(1).uniform(RANGES[:3, 0], RANGES[:3, 1], (count, 3))
    return np.concatenate([free, free[:, 2:] * 2 / 3], axis=1)


def test_every_point_within_reach_is_reached(finger: Finger) -> None:
    points = finger.tip(some_angles())
    reached = finger.reach(points)
    assert np.linalg.norm(finger.tip(reached.angles) - points, axis=1) == pytest.approx(
        reached.miss_m, abs=1e-12
    )
    assert np.mean(reached.miss_m < 2e-5) > 0.98


def test_the_first_guess_makes_no_difference(finger: Finger) -> None:
    angles = some_angles()
    points = finger.tip(angles)
    assert finger.reach(points, angles).miss_m.max() < 2e-5
    guessed = finger.reach(points, np.repeat([RANGES[:, 1]], len(points), axis=0))
    off = np.linalg.norm(finger.tip(guessed.angles) - points, axis=1)
    assert np.mean(off < 2e-5) > 0.98


def test_limits_are_kept_and_the_last_joints_bend_together(finger: Finger) -> None:
    points = np.random.default_rng(2).uniform(-0.15, 0.15, (500, 3)) + finger.root
    angles, miss = finger.reach(points)
    assert miss.max() > 0.05
    assert (angles >= RANGES[:, 0] - 1e-12).all()
    assert (angles <= RANGES[:, 1] + 1e-12).all()
    assert angles[:, 3] == pytest.approx(angles[:, 2] * 2 / 3)


def test_out_of_reach_to_the_side_the_height_is_met_all_the_same(finger: Finger) -> None:
    point = finger.root + np.array([[0.06, 0.04, -0.03]])
    reached = finger.reach(point)
    off = (finger.tip(reached.angles) - point)[0]
    assert abs(off[0]) > 0.005
    assert abs(off[2]) < 0.001


def test_a_finger_that_could_bend_both_ways_bends_as_at_rest() -> None:
    axes = np.array([ACROSS, [0.0, 0.0, 1.0], ACROSS, ACROSS])
    links = np.array([[0, 0, 0], [0, 0.04, 0], [0, 0.03, 0], [0, 0.02, 0]])
    both_ways = np.array([[-1.0, 1.0], [-0.5, 0.5], [-1.0, 1.0], [-1.0, 1.0]])
    rest = np.array([0.0, 0.0, 0.3, 0.3])
    thumb = Finger(np.zeros(3), axes, links, both_ways, rest, 1.0)
    mirrored = thumb.tip(np.array([[0.2, 0.1, -0.4, -0.4]]))
    reached = thumb.reach(mirrored, np.array([[0.2, 0.1, -0.4, -0.4]]))
    assert reached.angles[0, 2] > 0
    assert reached.miss_m[0] < 1e-5


def test_the_table_agrees_with_what_it_was_made_from(finger: Finger) -> None:
    rest = finger.tip(REST[None])[0]
    table = ReachTable([finger], rest[None])
    around = rest + np.random.default_rng(3).uniform(-0.006, 0.006, (200, 3))
    assert np.abs(table.angles(0, around) - finger.reach(around).angles).max() < 0.1
    stretch = table.stretch(
        np.zeros(4, dtype=np.int64), rest + np.outer([0, 1, 2, 6], [0, 0.02, 0])
    )
    assert (np.diff(stretch) > 0).all()
    assert stretch[0] < 0.6
    assert stretch[-1] > 1.0
