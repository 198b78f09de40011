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

"""Training data: aligned, complete, and what the live pipeline would see."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.dataset import render
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession
from kpm_ros.simulate.tracked_view import TrackerErrors

RATE = 1024


@pytest.fixture(scope="module")
def study() -> Pianist:
    return Pianist(five_finger_study())


def test_a_rendering_has_all_channels_at_the_grids_rate(study: Pianist) -> None:
    made = render(study, default_cameras(), 3.0, seed=1)
    assert made.pose.shape == (3 * RATE, 84)
    assert made.keys.shape == (3 * RATE, 88)
    assert made.effort.shape == (3 * RATE, 6)
    for part in made:
        assert part.dtype == np.float32
        assert np.isfinite(part).all()
        assert part.min() >= 0
        assert part.max() <= 1


def test_effort_and_keys_are_the_truth(study: Pianist) -> None:
    made = render(study, default_cameras(), 2.0)
    times = np.arange(2 * RATE) / RATE
    assert made.effort == pytest.approx(study.activation(times), abs=1e-6)
    assert np.array_equal(made.keys, study.key_depth(times))


def test_pose_is_the_sessions_frames_joined_by_straight_lines(study: Pianist) -> None:
    made = render(study, default_cameras(), 2.0, seed=8)
    session = SimulatedSession(study, default_cameras(), 0, 8, emg=False)
    samples = [delivery.sample for delivery in session.advance(2_100_000_000)]
    for number, view in enumerate(("top", "right")):
        frames = [s for s in samples if isinstance(s, LandmarkFrame) and s.view == view]
        stamps = np.array([frame.stamp_ns for frame in frames]) / 1e9
        for landmark, axis in ((0, 0), (8, 1), (20, 0)):
            seen = np.array([frame.points[landmark, axis] for frame in frames])
            expected = np.interp(np.arange(2 * RATE) / RATE, stamps, seen)
            column = 42 * number + 2 * landmark + axis
            assert made.pose[:, column] == pytest.approx(expected, abs=1e-5)


def test_keys_from_events_lag_behind_sensed_keys_but_agree_on_what_is_down(
    study: Pianist,
) -> None:
    motion = render(study, default_cameras(), 20.0).keys
    events = render(study, default_cameras(), 20.0, keys="events").keys
    assert events.max() == 1
    assert np.corrcoef(motion.ravel(), events.ravel())[0, 1] > 0.75
    centre = [(np.arange(len(k)) * k.sum(axis=1)).sum() / k.sum() for k in (motion, events)]
    assert centre[1] > centre[0]


def test_a_rendering_follows_from_its_seed(study: Pianist) -> None:
    one, same, other = (render(study, default_cameras(), 1.0, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.pose, same.pose)
    assert not np.array_equal(one.pose, other.pose)


def test_a_rendering_longer_than_the_score_repeats_it() -> None:
    short = Pianist(random_study(1, 2.0), 1, Person.from_seed(1))
    made = render(short, default_cameras(), 2.5 * short.period_s)
    assert made.keys[-RATE:].any() or made.keys[-2 * RATE :].any()
    assert np.abs(np.diff(made.effort, axis=0)).max() < 0.05


def test_lost_frames_are_bridged(study: Pianist) -> None:
    whole = render(study, default_cameras(), 5.0, seed=3)
    errors = TrackerErrors(drop_fraction=0.1)
    lossy = render(study, default_cameras(), 5.0, seed=3, errors=errors)
    assert np.isfinite(lossy.pose).all()
    assert 0 < np.abs(lossy.pose - whole.pose).max() < 0.05


@pytest.mark.parametrize("wrong", [{"duration_s": 0.0}, {"rate_hz": 0}, {"keys": "midi"}])
def test_impossible_renderings_are_refused(study: Pianist, wrong: dict) -> None:
    options = {"duration_s": 1.0, **wrong}
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        render(study, default_cameras(), **options)
