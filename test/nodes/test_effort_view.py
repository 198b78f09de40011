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

"""Effort as plotters read it: named numbers, 100 a second, and none where effort is not valid."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sensor_msgs.msg import JointState

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.core.hands import muscles_of
from kpm_ros.core.resources import find_model
from kpm_ros.models.weight_files import read_card
from kpm_ros.nodes import effort_view, qos
from kpm_ros.nodes.effort_view import EffortView
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.decode import time_ns
from support.bags import T0, S
from support.waiting import wait_for

GRID = Grid(2000)
BEFORE_NS = T0 - S
ONE_HAND = read_card(find_model("touchnet-sim")).muscles
PEOPLE = {
    "one hand": ONE_HAND,
    "both hands": muscles_of(ONE_HAND, "both"),
    "a body": read_card(find_model("bodynet-sim")).muscles,
}


class Viewed:
    """What is published of efforts that the test gives, over DDS."""

    def __init__(self, node, muscles):
        self.view = EffortView(node, muscles)
        self._read = PolledSubscription(node, JointState, "effort/view", qos.of("effort/view"))
        nothing = np.zeros(1, FlagBits), np.zeros((1, len(muscles)), np.float32)

        def known():
            self.view.publish(np.array([BEFORE_NS]), *nothing)
            return self._read.take()

        wait_for(known, "publisher and reader to know each other")

    def of(self, flags, effort):
        """Publish samples from the grid's instant T0 on; give the messages that come of them."""
        stamps = GRID.stamps_ns(GRID.first_at(T0), len(flags))
        self.view.publish(stamps, np.array(flags, FlagBits), np.array(effort, np.float32))
        expected = int((stamps % 10_000_000 == 0).sum())
        found = []

        def all_have_come():
            taken = [message for message, _ in self._read.take()]
            found.extend(m for m in taken if time_ns(m.header.stamp) != BEFORE_NS)
            return len(found) >= expected

        wait_for(all_have_come, f"{expected} messages")
        return found


@pytest.mark.parametrize("who", PEOPLE)
def test_each_muscle_is_a_named_number_every_hundredth_of_a_second(node, who):
    muscles = PEOPLE[who]
    effort = np.arange(200 * len(muscles), dtype=np.float32).reshape(200, -1) / 8
    messages = Viewed(node, muscles).of([0] * 200, effort)
    assert [time_ns(m.header.stamp) - T0 for m in messages] == [k * 10_000_000 for k in range(10)]
    for k, message in enumerate(messages):
        assert list(message.name) == [*muscles, "flags"]
        assert list(message.effort) == [*effort[20 * k].tolist(), 0.0]
        assert not message.position, "nothing that moves robots must take this for angles"


def test_what_is_not_valid_is_no_number_and_the_flags_say_why(node):
    flags = [0] * 20 + [int(Flag.INVALID | Flag.POSE_LOST)] * 20
    valid, invalid = Viewed(node, ["ADM", "PB"]).of(flags, np.full((40, 2), 0.5))
    assert list(valid.effort) == [0.5, 0.5, 0.0]
    assert [math.isnan(value) for value in invalid.effort] == [True, True, False]
    assert invalid.effort[2] == int(Flag.INVALID | Flag.POSE_LOST)


def test_of_two_hands_the_one_that_is_valid_is_shown(node):
    flags = [int(Flag.LEFT_INVALID)] * 20
    (message,) = Viewed(node, ["L_ADM", "R_ADM"]).of(flags, np.full((20, 2), 0.5))
    assert math.isnan(message.effort[0])
    assert message.effort[1] == 0.5


def test_what_nobody_listens_to_is_not_made(node, monkeypatch):
    view = EffortView(node, ["ADM"])
    monkeypatch.setattr(effort_view, "where_valid", None)  # which would fail if it were called
    view.publish(np.array([T0]), np.zeros(1, FlagBits), np.zeros((1, 1), np.float32))
