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

"""Effort leaves when it is due, one sample at a time, and never when it has become too old."""

from __future__ import annotations

import pytest

from kpm_ros.core.grid import Grid
from kpm_ros.estimate.pacing import Pacer
from kpm_ros.nodes.paced_publisher import Group, PacedPublisher, Valve

MS = 1_000_000
T0 = 1_700_000_000_000 * MS
FIRST = Grid(2000).first_at(T0)
LIMIT_S = 0.3


class Host:
    """The host's clock, and who receives: both stand still while the process is stopped."""

    def __init__(self):
        self.now_ns = T0
        self.received = []
        self.stops = {}
        """How long the process is stopped just before it sends its nth sample."""

    def send(self, data):
        self.now_ns += self.stops.get(len(self.received), 0)
        self.received.append((data, self.now_ns))


@pytest.fixture
def host():
    return Host()


@pytest.fixture
def publisher(host):
    return PacedPublisher(Pacer(), host.send, LIMIT_S, host_ns=lambda: host.now_ns)


def group(first, count, since_ns):
    names = [f"{first - FIRST + k}".encode() for k in range(count)]
    return Group(first, names, since_ns)


def names(host):
    return [int(data) for data, _ in host.received]


def test_samples_leave_evenly_and_in_order(host, publisher):
    publisher.add(group(FIRST, 20, T0), T0 + 60 * MS)
    for ms in range(60, 71):
        host.now_ns = T0 + ms * MS
        publisher.release(host.now_ns)
        assert len(host.received) == min(20, 2 * (ms - 60) + 1)
    assert names(host) == list(range(20))
    assert (publisher.sent, publisher.withheld, len(publisher)) == (20, 0, 0)


@pytest.mark.parametrize("in_hand", [0, 7])
def test_a_process_that_was_stopped_sends_no_more_than_what_it_had_in_hand(
    host, publisher, in_hand
):
    publisher.add(group(FIRST, 20, T0), T0)
    host.stops[in_hand] = 3000 * MS
    host.now_ns = T0 + 20 * MS
    publisher.release(host.now_ns)
    assert names(host) == list(range(in_hand + 1))
    assert publisher.withheld == 19 - in_hand


def test_what_waited_while_the_process_was_stopped_is_withheld(host, publisher):
    publisher.add(group(FIRST, 20, T0), T0)
    publisher.add(group(FIRST + 20, 20, T0 + 2990 * MS), T0 + 3000 * MS)
    host.now_ns = T0 + 3000 * MS
    publisher.release(host.now_ns)
    assert names(host) == list(range(20, 40))
    assert publisher.withheld == 20


def test_the_usual_delay_is_no_reason_to_withhold(host, publisher):
    """Samples wait for their delay; what is too old is counted beyond it."""
    publisher.add(group(FIRST, 1, T0), T0 + 150 * MS)
    publisher.add(group(FIRST + 1, 399, T0), T0 + 151 * MS)
    host.now_ns = T0 + 400 * MS
    publisher.release(host.now_ns)
    assert publisher.withheld == 0


def test_a_stream_that_begins_late_leaves_nothing_to_be_made_up_for(host, publisher):
    """What warming up took is neither waited for nor taken for the usual delay."""
    publisher.add(group(FIRST, 200, T0), T0 + 190 * MS, beginning=True)
    host.now_ns = T0 + 190 * MS
    publisher.release(host.now_ns)
    assert len(host.received) == 200
    publisher.add(group(FIRST + 200, 20, T0 + 160 * MS), T0 + 170 * MS)
    assert publisher.delay_s == pytest.approx(0.07)


def test_what_waits_for_the_future_is_on_time_so_much_later_and_no_older_for_it(host):
    publisher = PacedPublisher(
        Pacer(), host.send, LIMIT_S, host_ns=lambda: host.now_ns, lookahead_s=1.5
    )
    known = T0 + 1500 * MS
    publisher.add(group(FIRST, 20, known), known + 60 * MS)
    for ms in range(60, 71):
        host.now_ns = known + ms * MS
        publisher.release(host.now_ns)
        assert len(host.received) == min(20, 2 * (ms - 60) + 1)
    assert publisher.delay_s == pytest.approx(1.56)
    publisher.add(group(FIRST + 20, 20, known + 10 * MS), known + 70 * MS)
    host.now_ns = known + 400 * MS
    publisher.release(host.now_ns)
    assert (publisher.sent, publisher.withheld) == (20, 20)


def test_a_stream_that_begins_again_forgets_the_delay_of_the_last_one(host, publisher):
    publisher.add(group(FIRST, 20, T0), T0 + 200 * MS)
    publisher.add(group(FIRST + 1000, 20, T0 + 560 * MS), T0 + 600 * MS, beginning=True)
    publisher.add(group(FIRST + 1020, 20, T0 + 570 * MS), T0 + 575 * MS)
    assert publisher.delay_s == pytest.approx(0.065)


def test_what_is_caught_up_with_leaves_no_faster_than_readers_can_take_it(host):
    publisher = PacedPublisher(
        Pacer(), host.send, LIMIT_S, Valve(at_once=40, per_s=8000), lambda: host.now_ns
    )
    publisher.add(group(FIRST, 600, T0 + 300 * MS), T0 + 300 * MS)
    received = []
    for ms in range(300, 520, 2):
        host.now_ns = T0 + ms * MS
        publisher.release(host.now_ns)
        received.append(len(host.received))
    assert received[:4] == [40, 56, 72, 88]
    assert names(host) == list(range(600))
    assert publisher.withheld == 0
