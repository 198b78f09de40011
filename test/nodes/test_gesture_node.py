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

"""The gesture node, enabled or not, and whatever its effort means."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest
from kpm_ros.msg import Gesture
from std_srvs.srv import SetBool

from kpm_ros import client
from kpm_ros.nodes import gesture_node, qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire import decode
from support.effort_senders import rigged
from support.waiting import wait_for

MUSCLES = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
TURNED = MUSCLES[::-1]


def test_while_disabled_a_gesture_is_stamped_when_it_is_sent(node, make_node):
    made = make_node(GestureNode)
    gestures = PolledSubscription(node, Gesture, "gesture", qos.of("gesture"))
    wait_for(lambda: gestures.publishers, "the node")
    before_ns = time.time_ns()
    [(gesture, _)] = wait_for(lambda: made.step() or gestures.take(), "a gesture")
    assert (gesture.name, gesture.valid) == ("none", False)
    assert before_ns <= decode.time_ns(gesture.header.stamp) <= time.time_ns()


class Hand:
    """Presses and rests as one of two estimators says, 4 ms a step, by clocks of its own."""

    def __init__(self, made, monkeypatch):
        self.made = made
        for module in (client, gesture_node):
            steady = SimpleNamespace(monotonic_ns=lambda: self.told)
            monkeypatch.setattr(module, "time", steady)
        self.effort, _, self.senders = rigged(made, MUSCLES, made._way)
        self.told = 1_700_000_000 * 10**9
        made.now_ns = lambda: self.told
        made._on_enable(SetBool.Request(data=True), SetBool.Response())

    def press(self, strong, steps=60, who=0):
        """Give what was recognised in the end."""
        for _ in range(steps):
            self.told += 4_000_000
            self.effort.waiting += self.senders[who].messages(self.told, strong)
            self.made.step()
        return self.made._last.name


@pytest.fixture
def hand(make_node, monkeypatch):
    return Hand(make_node(GestureNode), monkeypatch)


def test_gestures_are_of_the_muscles_by_name_when_their_order_changes(hand):
    assert hand.press("PB") == "thumb_press"
    hand.made._way._reader._watch.lose()
    hand.senders[0].announce(TURNED, "a model", 3)
    assert hand.press("PB") == "thumb_press"


def test_two_estimators_at_a_time_are_no_gesture(hand):
    hand.press("PB")
    assert hand.press("PB", who=1, steps=10) == "none"
    assert not hand.made._last.valid
    assert hand.made._last.reason == "a second publisher sends effort"


def test_effort_without_a_muscle_that_a_gesture_needs_is_said(hand):
    hand.senders[0].announce(("PB", "ADM", "1DI", "2DI", "3DI", "biceps"), "a model", 3)
    assert hand.press("PB") == "none"
    report = hand.made.report()
    assert report.level == Level.ERROR
    assert "'4DI', which the effort does not have" in report.message
