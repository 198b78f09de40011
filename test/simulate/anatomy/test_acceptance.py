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

"""What anyone who knows hands would ask of the anatomical one, over several people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")

from kpm_ros.simulate.anatomy.probe_figure import draw
from kpm_ros.simulate.anatomy.probe_study import PlayedScore
from kpm_ros.simulate.anatomy.probes import OWN_FINGER, SPREAD_JOINT, Probe
from kpm_ros.simulate.anatomy.statics import CHANNELS
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.person import MUSCLES, Person

HELD_N = 8.0
LOUD_N = np.array([2.0, 4.0, 8.0, 12.0, 16.0])


@pytest.fixture(scope="module", params=[None, 2, 5], ids=["average", "person 2", "person 5"])
def probe(request: pytest.FixtureRequest) -> Probe:
    return Probe(Person() if request.param is None else Person.from_seed(request.param))


@pytest.fixture(scope="module")
def played() -> PlayedScore:
    return PlayedScore(Probe(Person.from_seed(1)), random_study(3, 12.0))


def test_each_channel_answers_most_to_its_own_finger(probe: Probe) -> None:
    rises = probe.responses(HELD_N)
    for row, name in enumerate(MUSCLES):
        others = np.delete(rises[row], OWN_FINGER[name])
        assert rises[row, OWN_FINGER[name]] > 0.05
        assert rises[row, OWN_FINGER[name]] > 5.0 * others.max()


@pytest.mark.parametrize("channel", MUSCLES)
def test_activation_grows_with_force(probe: Probe, channel: str) -> None:
    found = probe.channels(probe.press(OWN_FINGER[channel], LOUD_N))[:, MUSCLES.index(channel)]
    free = found < 0.999
    assert np.all(np.diff(found)[free[1:]] > 0.0)
    assert found[-1] > 2.0 * found[0]


@pytest.mark.parametrize("channel", MUSCLES)
def test_activation_grows_with_spread(probe: Probe, channel: str) -> None:
    angles = np.deg2rad([5.0, 10.0, 15.0, 20.0])
    found = probe.channels(probe.spread(channel, angles))[:, MUSCLES.index(channel)]
    assert np.all(np.diff(found) > 0.0)
    assert found[-1] > 2.0 * found[0]


def test_a_finger_pulled_to_the_other_side_leaves_the_muscle_alone(probe: Probe) -> None:
    inwards = probe.channels(probe.spread("1DI", np.deg2rad([-15.0])))[0]
    outwards = probe.channels(probe.spread("1DI", np.deg2rad([15.0])))[0]
    assert inwards[MUSCLES.index("1DI")] < 0.3 * outwards[MUSCLES.index("1DI")]
    assert SPREAD_JOINT["1DI"] == ("mcp2_abduction_r", 1.0)


def test_a_spread_index_finger_has_little_strength_left_as_measured_on_people() -> None:
    widest = np.deg2rad([0.0, 15.0, 30.0])
    strength = Probe().outward_strength(widest)
    assert np.all(np.diff(strength) < 0.0)
    # Zijdewind & Kernell (1994) measured 37 percent.
    assert strength[-1] / strength[0] == pytest.approx(0.37, abs=0.05)


def test_muscles_do_nearly_all_of_what_a_passage_takes(played: PlayedScore) -> None:
    assert played.force.max() > 5.0
    assert played.summary.residual_share < 0.10


def test_no_muscle_is_stuck_at_nothing_or_everything(played: PlayedScore) -> None:
    assert played.summary.pinned.max() < 0.5
    channels = [played.probe.body.muscle_names.index(name) for name in CHANNELS.values()]
    activation = played.found.activation[:, channels]
    assert np.all(activation.max(axis=0) > 0.05)
    assert np.all(np.ptp(activation, axis=0) > 0.05)


def test_the_figure_is_drawn(played: PlayedScore, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    path = tmp_path / "made" / "acceptance.png"
    draw(path, played.probe, played.found, played.force, played.rate_hz)
    assert path.stat().st_size > 20_000
