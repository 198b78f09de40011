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

"""A simulated exerciser live: what is delivered, when, and what it is scored against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kpm_ros.models.mia.published import MUSCLES
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.simulate.exerciser.body_camera import usual_camera
from kpm_ros.simulate.exerciser.body_session import SimulatedBodySession, SimulatedExerciser

START_NS = 5_000_000_000


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exercisers")


@pytest.fixture(scope="module")
def exerciser(kept: Path) -> SimulatedExerciser:
    return SimulatedExerciser(1, exercises=("FrontPunch", "LegCross"), each_s=4.0, remembered=kept)


def delivered(exerciser: SimulatedExerciser, until_s: float, step_s: float) -> list:
    session = SimulatedBodySession(exerciser, usual_camera(), START_NS, 3)
    out = []
    for k in range(1, round(until_s / step_s) + 1):
        out += session.advance(START_NS + round(k * step_s * 1e9))
    return out


def test_frames_come_with_metres_and_raw_emg_of_the_eight_muscles(exerciser: SimulatedExerciser):
    given = delivered(exerciser, 4.0, 0.01)
    frames = [d for d in given if isinstance(d.sample, LandmarkFrame)]
    chunks = [d.sample for d in given if isinstance(d.sample, ChannelChunk)]
    assert 110 <= len(frames) <= 120
    seen = [d.sample for d in frames if d.sample.metres is not None]
    assert len(seen) > 100
    assert {frame.skeleton for frame in seen} == {"mediapipe-body"}
    assert seen[0].metres.shape == (33, 3)
    assert seen[0].visibility.shape == (33,)
    assert all(0 < d.deliver_ns - d.sample.stamp_ns < 50_000_000 for d in frames)
    assert {chunk.channels for chunk in chunks} == {MUSCLES}
    assert sum(len(chunk.samples) for chunk in chunks) == pytest.approx(8000, abs=60)


def test_samples_do_not_depend_on_how_time_is_split(exerciser: SimulatedExerciser):
    one, other = (delivered(exerciser, 2.0, step) for step in (0.01, 0.5))
    assert [d.deliver_ns for d in one] == [d.deliver_ns for d in other]
    for a, b in zip(one, other, strict=True):
        if isinstance(a.sample, LandmarkFrame):
            assert np.array_equal(a.sample.metres, b.sample.metres)


def test_a_routine_has_no_end_and_no_jump(exerciser: SimulatedExerciser):
    assert exerciser.period_s == pytest.approx(12.0)
    times = np.arange(0.0, 2.5 * exerciser.period_s, 0.01)
    points, effort = exerciser.landmarks(times), exerciser.activation(times)
    assert np.abs(np.diff(points, axis=0)).max() < 0.15
    assert effort.shape == (len(times), len(MUSCLES))
    again = exerciser.landmarks(times[:100] + exerciser.period_s)
    assert np.allclose(points[:100], again, atol=1e-9)


def test_a_routine_that_was_learnt_is_remembered(exerciser: SimulatedExerciser, kept: Path):
    [path] = kept.iterdir()
    written = path.stat().st_mtime_ns
    again = SimulatedExerciser(1, exercises=("FrontPunch", "LegCross"), each_s=4.0, remembered=kept)
    times = np.arange(0.0, 3.0, 0.01)
    assert np.array_equal(again.landmarks(times), exerciser.landmarks(times))
    assert path.stat().st_mtime_ns == written
