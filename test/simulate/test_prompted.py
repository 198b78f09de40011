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

"""Somebody simulated who does what a session asks for."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.prompted import OTHERS, RESTING, STRONGEST, Act, PromptedPianist
from kpm_ros.simulate.session import SimulatedSession

S = 1_000_000_000


@pytest.fixture(scope="module")
def pianist():
    return make_pianist(five_finger_study(), seed=1, body="plain")


def at(*times_s):
    return np.array(times_s)


def test_a_muscle_that_is_to_be_contracted_rises_smoothly_above_the_others(pianist):
    person = PromptedPianist(pianist)
    person.obey(Act(1.0, muscles=("1DI",)))
    person.obey(Act(4.0))
    asked = person.muscles.index("1DI")
    effort = person.activation(np.linspace(0, 6, 3001))
    assert effort[:499] == pytest.approx(RESTING)
    assert effort[750:2000, asked] == pytest.approx(STRONGEST)
    assert np.delete(effort, asked, axis=1)[750:2000] == pytest.approx(OTHERS)
    assert effort[2300:] == pytest.approx(RESTING)
    assert np.abs(np.diff(effort, axis=0)).max() < 0.02


def test_a_performance_begins_when_it_is_asked_for_and_every_key_is_let_go_at_its_end(pianist):
    person = PromptedPianist(pianist)
    person.obey(Act(2.0, plays=True))
    person.obey(Act(5.0))
    first = next(iter(pianist.moves(0.0, 100.0)))
    moves = list(person.moves(0.0, 8.0))
    assert moves[0].time_s == pytest.approx(2.0 + first.time_s)
    assert (moves[-1].kind, moves[-1].time_s) == (KeyEventKind.ALL_NOTES_OFF, 5.0)
    assert all(2.0 <= move.time_s <= 5.0 for move in moves)
    windows = [m for k in range(80) for m in person.moves(k / 10, (k + 1) / 10)]
    assert windows == moves, "however it is asked for"
    depth = person.key_depth(np.linspace(0, 8, 801))
    assert depth[200:500].any()
    assert not depth[:200].any()
    assert not depth[500:].any()
    assert person.activation(at(3.0)) == pytest.approx(pianist.activation(at(1.0)))


def test_the_hand_goes_back_without_a_jump_and_then_lies_still(pianist):
    person = PromptedPianist(pianist)
    person.obey(Act(1.0, plays=True))
    person.obey(Act(3.3))
    there = person.landmarks(np.linspace(0, 5, 5001))
    assert there[:1000] == pytest.approx(np.broadcast_to(there[0], (1000, 21, 3)))
    assert there[3800:] == pytest.approx(np.broadcast_to(there[0], (1201, 21, 3)))
    assert np.abs(np.diff(there[3200:], axis=0)).max() < 0.002
    assert person.hands["right"].landmarks(at(2.0)) == pytest.approx(person.landmarks(at(2.0)))


def test_who_begins_anew_goes_on_with_what_was_asked(pianist):
    person = PromptedPianist(pianist)
    person.obey(Act(7.0, muscles=("ADM",)))
    person.restart()
    assert person.activation(at(1.0))[0, person.muscles.index("ADM")] == pytest.approx(STRONGEST)


def test_devices_deliver_what_is_done_and_nothing_of_a_dead_channel(pianist):
    person = PromptedPianist(pianist)
    session = SimulatedSession(person, default_cameras(), start_ns=0, seed=1, dead_channels=["2DI"])
    session.advance(S)
    person.obey(Act(1.5, muscles=("ADM",)))
    samples = [delivery.sample for delivery in session.advance(4 * S)]
    emg = [each for each in samples if isinstance(each, ChannelChunk)]
    level = np.concatenate([chunk.samples for chunk in emg if chunk.stamp_ns > 2 * S]).std(axis=0)
    by_name = dict(zip(emg[0].channels, level, strict=True))
    assert by_name["2DI"] == 0
    assert by_name["ADM"] > 5 * by_name["4DI"] > 0
    events = [each for each in samples if isinstance(each, KeyEvent)]
    assert {event.kind for event in events} == {KeyEventKind.HEARTBEAT}
    assert any(isinstance(each, LandmarkFrame) for each in samples)
