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

"""Recorded effort is scored against what the simulated muscles did at the same instants."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("kpm_ros.msg", reason="the package's messages are not built")

from kpm_ros.core.chunks import EffortChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.nodes import simulated_pianist
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.operate.demo_score import UnknownTruthError, score_demo
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.sense.samples import KeyMotionChunk
from support import bags
from support.bags import MS, T0, S

SECONDS = 3.0
AGAIN_NS = T0 + 10 * S
"""When the simulator begins anew."""
OPTIONS = PipelineOptions(body="plain")
CARD = published_card()


@pytest.fixture(scope="module")
def pianist():
    return simulated_pianist.pianist(SimulatorSettings(body="plain"))


@pytest.fixture(scope="module")
def motion():
    return [d for d in bags.played(SECONDS) if isinstance(d.sample, KeyMotionChunk)]


def truth(pianist, began_ns=T0, late_s=0.0, add=0.0):
    """Effort that is the truth, in one chunk; or what that was a while ago, or more than it."""
    times = np.arange(round(SECONDS * 2000)) / 2000
    names = [pianist.muscles.index(name) for name in CARD.muscles]
    effort = pianist.activation(np.maximum(times - late_s, 0))[:, names].astype(np.float32) + add
    return EffortChunk(began_ns, 0, effort, np.zeros(len(times), FlagBits))


def write(folder, chunks, motion):
    later = [entry for chunk in chunks for entry in [bags.entry(chunk, chunk.stamp_ns)]]
    return bags.write(folder, [bags.info(CARD, "sha"), *bags.entries(motion), *later])


def scored(bag, begin_ns=T0, end_ns=T0 + 100 * S):
    return score_demo(OPTIONS, bag, begin_ns, end_ns)


def test_effort_that_is_the_truth_has_no_error(pianist, motion, tmp_path):
    found = scored(write(tmp_path / "bag", [truth(pianist)], motion))
    assert found.rmse < 1e-6
    assert found.correlation > 0.9999
    assert found.muscles == CARD.muscles


def test_effort_is_compared_at_the_instant_that_it_describes(pianist, motion, tmp_path):
    found = scored(write(tmp_path / "bag", [truth(pianist, late_s=0.1)], motion))
    assert found.rmse > 0.01
    assert found.correlation < 0.95


def test_an_error_of_all_muscles_is_the_rmse(pianist, motion, tmp_path):
    found = scored(write(tmp_path / "bag", [truth(pianist, add=0.25)], motion))
    assert found.rmse == pytest.approx(0.25, abs=1e-6)
    assert found.correlation > 0.9999


def test_only_valid_effort_of_the_measured_part_counts(pianist, motion, tmp_path):
    chunk = truth(pianist)
    chunk.effort[1000:2000] = 5.0
    chunk.flags[1000:2000] = Flag.INVALID
    chunk.effort[:500] = 7.0
    bag = write(tmp_path / "bag", [chunk], motion)
    assert scored(bag, begin_ns=T0 + 250 * MS).rmse < 1e-6
    assert scored(bag).rmse > 1


def test_a_simulator_that_began_anew_played_from_the_beginning(pianist, motion, tmp_path):
    again = [replace_delivery(delivery, AGAIN_NS - T0) for delivery in motion]
    chunks = [truth(pianist), truth(pianist, AGAIN_NS)]
    assert scored(write(tmp_path / "bag", chunks, [*motion, *again])).rmse < 1e-6


def replace_delivery(delivery, later_ns):
    sample = replace(delivery.sample, stamp_ns=delivery.sample.stamp_ns + later_ns)
    return delivery._replace(deliver_ns=delivery.deliver_ns + later_ns, sample=sample)


def test_another_persons_effort_is_not_this_ones(motion, tmp_path):
    other = simulated_pianist.pianist(SimulatorSettings(seed=2, body="plain"))
    assert scored(write(tmp_path / "bag", [truth(other)], motion)).rmse > 0.005


@pytest.mark.parametrize(
    ("told", "begin_ns", "reason"),
    [
        (False, T0, "neither key motion nor EMG"),
        (True, T0 + 50 * S, "no valid effort was recorded"),
    ],
)
def test_what_cannot_be_scored_is_said_in_words(pianist, motion, tmp_path, told, begin_ns, reason):
    bag = write(tmp_path / "bag", [truth(pianist)], motion if told else [])
    with pytest.raises(UnknownTruthError, match=reason):
        scored(bag, begin_ns=begin_ns)
