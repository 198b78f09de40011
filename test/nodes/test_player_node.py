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

"""A player that was held up makes good for it, without a leap of the time that it tells."""

from __future__ import annotations

import numpy as np
import pytest
from rclpy.parameter import Parameter

from kpm_ros.nodes import player_node
from kpm_ros.nodes.player_node import PlayerNode
from kpm_ros.wire.decode import time_ns
from support import bags
from support.bags import MS, T0


class Heard:
    """Stands for all publishers of the player: remembers what was sent, in order."""

    def __init__(self):
        self.told = []
        self.sent = []

    def get_subscription_count(self):
        return 0

    def publish(self, message):
        if isinstance(message, bytes):
            self.sent.append(message)
        else:
            self.told.append((time_ns(message.clock), len(self.sent)))


@pytest.fixture
def steady(monkeypatch):
    """A steady clock that only the test moves."""
    instant = [10**12]
    monkeypatch.setattr(player_node.time, "monotonic_ns", lambda: instant[0])
    return instant


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_a_player_that_was_held_up_tells_every_step(context, tmp_path, steady, rate):
    entries = bags.entries(bags.played(2.0))
    values = {"bag": str(bags.write(tmp_path / "bag", entries)), "rate": rate, "wait_s": 0.0}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    player = PlayerNode(context=context, namespace="held_up", parameter_overrides=overrides)
    heard = Heard()
    player._time_output = heard
    player._outputs = dict.fromkeys(player._outputs, heard)
    try:
        player.step()
        for passed in (150, 5, 5, 60):
            steady[0] += passed * MS
            player.step()
    finally:
        player.stop()
        player.destroy_node()
    shown = np.array([instant for instant, _ in heard.told])
    assert (np.diff(shown) <= 1.5 * 25 * MS * rate).all()
    assert shown[-1] - shown[0] == pytest.approx(120 * MS * rate, abs=25 * MS * rate)
    received = np.sort([received_ns for _, received_ns, _, _ in entries])
    for instant, sent in heard.told[1:]:
        assert sent == (received <= instant).sum()
    assert shown[0] - T0 < 50 * MS
