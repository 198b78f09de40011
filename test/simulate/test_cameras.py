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

"""Cameras: known points, hands in the picture, and a tracker's errors as stated."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.cameras import SimulatedCamera, default_cameras
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.tracked_view import TrackedView, TrackerErrors

NO_ERRORS = TrackerErrors(
    jitter_px=0.0,
    bias_px=0.0,
    depth_noise=0.0,
    depth_scale=0.0,
    stamp_jitter_s=0.0,
)


@pytest.fixture(scope="module")
def study() -> Pianist:
    return Pianist(five_finger_study())


def test_a_known_point_is_where_optics_put_it() -> None:
    camera = SimulatedCamera(
        "top", (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (0.0, 1.0, 0.0), 0.8, (1000, 500)
    )
    points = np.array([[[0.0, 0.0, 0.0], [0.1, 0.0, 0.0], [0.0, 0.1, 0.0], [0.1, 0.1, 0.2]]])
    seen = camera.project(points)[0]
    assert seen[0] == pytest.approx([0.5, 0.5, 0.0])
    assert seen[1] == pytest.approx([0.58, 0.5, 0.0])
    assert seen[2] == pytest.approx([0.5, 0.5 - 0.16, 0.0])
    assert seen[3] == pytest.approx([0.6, 0.3, -0.16])


def test_a_view_from_the_right_shows_height_upwards_and_nearness_negative() -> None:
    right = default_cameras()[1]
    wrist, higher, nearer = [0.8, 0.0, 0.0], [0.8, 0.0, 0.05], [0.9, 0.0, 0.0]
    seen = right.project(np.array([[wrist, higher, nearer]]))[0]
    assert seen[1, 1] < seen[0, 1]
    assert seen[2, 2] < 0


def test_hands_stay_in_the_picture(real_scores: list[Score]) -> None:
    scores = [five_finger_study(), random_study(2), *real_scores[::3]]
    for seed, score in enumerate(scores):
        pianist = Pianist(score, seed, Person.from_seed(seed))
        landmarks = pianist.landmarks(np.arange(0, pianist.period_s, 0.1))
        for camera in default_cameras():
            seen = camera.nudged(seed).project(landmarks)[..., :2]
            assert seen.min() > 0.02
            assert seen.max() < 0.98


def test_a_tracker_without_errors_sees_the_projection(study: Pianist) -> None:
    camera = default_cameras()[0]
    frames = TrackedView(camera, study, seed=1, stream=0, errors=NO_ERRORS).block(3)
    expected = camera.project(study.landmarks(frames.times_s))
    assert frames.points == pytest.approx(expected, abs=1e-6)
    assert frames.points.dtype == np.float32
    assert np.diff(frames.times_s) == pytest.approx(1 / 60)


def test_jitter_is_as_large_and_as_slow_as_stated(study: Pianist) -> None:
    camera = default_cameras()[0]
    errors = TrackerErrors(jitter_px=2.0, jitter_correlation=0.6, bias_px=0.0)
    view = TrackedView(camera, study, seed=1, stream=0, errors=errors)
    blocks = [view.block(block) for block in range(40)]
    off = np.concatenate(
        [frames.points - camera.project(study.landmarks(frames.times_s)) for frames in blocks]
    )
    pixels = off[..., 0] * 1280
    assert pixels.std() == pytest.approx(2.0, rel=0.05)
    assert (off[..., 1] * 720).std() == pytest.approx(2.0, rel=0.05)
    neighbours = np.corrcoef(pixels[1:].ravel(), pixels[:-1].ravel())[0, 1]
    assert neighbours == pytest.approx(0.6, abs=0.05)


def test_frames_come_at_their_rate_with_jittered_stamps_and_a_delay(study: Pianist) -> None:
    view = TrackedView(default_cameras()[1], study, seed=4, stream=16)
    frames = [view.block(block) for block in range(10)]
    times = np.concatenate([one.times_s for one in frames])
    delay = np.concatenate([one.processed_s for one in frames]) - times
    regular = times[0] + np.arange(len(times)) / 60
    assert 0.0002 < np.abs(times - regular).max() <= 0.002
    assert (np.diff(times) > 0).all()
    assert delay.min() >= 0.007
    assert delay.max() <= 0.012
    assert all(one.times_s[0] >= view.block_start_s(k) for k, one in enumerate(frames))


def test_views_are_not_exposed_together(study: Pianist) -> None:
    first, second = (TrackedView(default_cameras()[0], study, 1, stream) for stream in (0, 16))
    assert abs(first.block(0).times_s[0] - second.block(0).times_s[0]) > 1e-4


def test_drop_outs_are_as_frequent_as_asked_and_come_in_runs(study: Pianist) -> None:
    errors = TrackerErrors(drop_fraction=0.05)
    view = TrackedView(default_cameras()[0], study, seed=2, stream=0, errors=errors)
    seen = np.concatenate([view.block(block).seen for block in range(200)])
    assert (~seen).mean() == pytest.approx(0.05, abs=0.02)
    starts = np.flatnonzero(seen[:-1] & ~seen[1:])
    assert (~seen).sum() / len(starts) > 2
    again = TrackedView(default_cameras()[0], study, seed=2, stream=0, errors=errors)
    assert np.array_equal(again.block(57).seen, seen[57 * 30 : 58 * 30])


def test_no_frame_is_lost_unless_asked(study: Pianist) -> None:
    view = TrackedView(default_cameras()[0], study, seed=2, stream=0)
    assert all(view.block(block).seen.all() for block in range(20))


def test_an_impossible_drop_fraction_is_refused(study: Pianist) -> None:
    with pytest.raises(ValueError, match=r"drop_fraction must be in 0\.\.1, not 1\.5"):
        TrackedView(default_cameras()[0], study, 0, 0, errors=TrackerErrors(drop_fraction=1.5))
