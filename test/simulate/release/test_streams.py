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

"""What a simulated data set's streams are: near the truth, with the errors of devices."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.release.released_keys import key_samples
from kpm_ros.simulate.release.released_pose import pose_frames
from kpm_ros.simulate.tasks import task

SECONDS = 20
PIXEL = 1 / 1280


@pytest.fixture(scope="module")
def pianist() -> Pianist:
    return Pianist(task(3, 1, float(SECONDS)), 1, Person.from_seed(4))


@pytest.fixture(scope="module")
def effort(pianist: Pianist) -> np.ndarray:
    return effort_samples(pianist, 1, SECONDS)


def test_effort_is_activation_as_electrodes_and_an_envelope_show_it(
    pianist: Pianist, effort: np.ndarray
) -> None:
    truth = pianist.activation(np.arange(SECONDS * 1024) / 1024)
    assert effort.shape == truth.shape
    for muscle in range(6):
        assert np.corrcoef(effort[:, muscle], truth[:, muscle])[0, 1] > 0.85
    # Besides its own muscle each electrode hears its neighbours, and noise.
    assert 0.9 < effort.mean() / truth.mean() < 1.25


def test_effort_is_not_delayed(pianist: Pianist, effort: np.ndarray) -> None:
    truth = pianist.activation(np.arange(SECONDS * 1024) / 1024)
    lags = range(-60, 61, 4)
    alike = [np.corrcoef(np.roll(truth.mean(1), lag), effort.mean(1))[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(alike))]) <= 8


def test_full_activation_is_one_on_every_electrode(pianist: Pianist) -> None:
    class Straining:
        muscles = pianist.muscles
        person = pianist.person

        def activation(self, times_s: np.ndarray) -> np.ndarray:
            alone = np.zeros((len(times_s), 6))
            alone[:, 2] = 1.0
            return alone

    effort = effort_samples(Straining(), 3, 30)  # type: ignore[arg-type]
    assert effort[1024:-1024, 2].mean() == pytest.approx(1.0, abs=0.04)
    assert effort[:, 5].mean() < 0.05


def test_the_mains_hum_is_filtered_out(pianist: Pianist) -> None:
    class Resting:
        muscles = pianist.muscles
        person = pianist.person

        def activation(self, times_s: np.ndarray) -> np.ndarray:
            return np.zeros((len(times_s), 6))

    rest = effort_samples(Resting(), 3, 5)  # type: ignore[arg-type]
    # White noise of 4 microvolts, of which 430 of 1000 Hz are let through; hum would add a fifth.
    floor = 4.0 * np.sqrt(0.43) / np.array(pianist.person.emg_gain_uv)
    assert rest.mean(axis=0) == pytest.approx(floor, rel=0.1)


def test_keys_are_the_depth_with_slight_noise(pianist: Pianist) -> None:
    keys = key_samples(pianist, 1, SECONDS)
    truth = pianist.key_depth(np.arange(SECONDS * 1024) / 1024)
    assert keys.shape == (SECONDS * 1024, 88)
    assert keys.min() > -0.05
    error = keys - truth
    assert error[truth == 0].std() == pytest.approx(0.003, rel=0.1)
    assert 0.003 < error[truth == 1].std() < 0.02


def test_pose_is_where_the_hand_is_seen_but_for_a_trackers_errors(pianist: Pianist) -> None:
    camera = default_cameras()[0]
    frames = pose_frames(camera, pianist, 1, 0, SECONDS)
    assert frames.shape == (SECONDS * 60, 21, 2)
    assert frames.dtype == np.float32
    assert np.isfinite(frames).all()
    truth = camera.project(pianist.landmarks(np.arange(SECONDS * 60) / 60))[..., :2]
    error = (frames - truth) * (1.0, 720 / 1280) / PIXEL
    constant = np.median(error, axis=0)
    assert 0.5 < np.sqrt((constant**2).mean()) < 5
    assert 0.3 < np.sqrt(((error - constant) ** 2).mean()) < 5


def test_hidden_fingers_are_off_for_a_while(pianist: Pianist, monkeypatch: object) -> None:
    from kpm_ros.simulate.release import released_pose

    camera = default_cameras()[0]
    seen = pose_frames(camera, pianist, 1, 0, SECONDS)
    monkeypatch.setattr(released_pose, "OCCLUSIONS", released_pose.Occlusions(per_s=0.0))  # type: ignore[attr-defined]
    never_hidden = pose_frames(camera, pianist, 1, 0, SECONDS)
    off = np.linalg.norm(seen - never_hidden, axis=2) / PIXEL > 3
    palm = [0, 1, 5, 9, 13, 17]
    assert not off[:, palm].any()
    assert 0.002 < off.mean() < 0.1


def test_each_view_has_its_own_errors(pianist: Pianist) -> None:
    camera = default_cameras()[0]
    first, second = (pose_frames(camera, pianist, 1, view, 3) for view in (0, 1))
    assert np.abs(first - second).max() > PIXEL
