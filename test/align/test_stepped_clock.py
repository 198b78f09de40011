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

"""On a bag's time, which moves in steps and jumps, messages are received when they were."""

from __future__ import annotations

import pytest

from kpm_ros.align import stepped_clock
from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.stepped_clock import SteppedClock, SteppedInputs
from kpm_ros.core.grid import Grid
from kpm_ros.models.pianokpm.published import published_streams
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from support import bags
from support.bags import MS, T0, S

PRESENT = 2000 * S
"""On the host's clock."""


@pytest.fixture
def clock():
    return SteppedClock()


def test_time_is_not_known_before_somebody_tells_it(clock):
    assert clock.shown_ns is None
    clock.tell(T0, 7)
    clock.advance(PRESENT)
    assert clock.shown_ns == T0


def test_a_message_was_received_after_the_step_that_came_before_it(clock):
    for step in range(4):
        clock.tell(T0 + step * 25 * MS, 1000 * S + step * 5 * MS)
    clock.advance(PRESENT)
    assert clock.shown_ns == T0 + 75 * MS
    # However late it is looked at, and although the bag runs five times as fast.
    assert clock.at(1000 * S + 6 * MS) == T0 + 25 * MS
    assert clock.at(1000 * S + 14 * MS) == T0 + 50 * MS
    assert clock.at(1000 * S + 99 * MS) == T0 + 75 * MS
    assert clock.at(999 * S) == T0


def test_a_message_is_not_received_before_its_stamp_nor_after_the_next_step(clock):
    for step in range(3):
        clock.tell(T0 + step * 25 * MS, 1000 * S + step * 25 * MS)
    clock.advance(PRESENT)
    received_ns = 1000 * S + 30 * MS
    assert clock.at(received_ns, T0 + 31 * MS) == T0 + 31 * MS
    assert clock.at(received_ns, T0 + 80 * MS) == T0 + 50 * MS
    assert clock.at(received_ns, T0 + 10 * MS) == T0 + 25 * MS
    # The step after the last one is taken to be like it.
    assert clock.at(1000 * S + 60 * MS, T0 + 65 * MS) == T0 + 65 * MS


def test_a_message_that_a_step_has_overtaken_on_its_way_came_before_it(clock):
    for step in range(3):
        clock.tell(T0 + step * 250 * MS, 1000 * S + step * 25 * MS)
    clock.advance(PRESENT)
    assert clock.at(1000 * S + 25 * MS + 900_000, T0 + 240 * MS) == T0 + 240 * MS
    assert clock.at(1000 * S + 25 * MS + 1_100_000, T0 + 240 * MS) == T0 + 250 * MS


def test_a_step_that_may_have_overtaken_something_does_not_count_yet(clock):
    clock.tell(T0, PRESENT - 50 * MS)
    clock.tell(T0 + 25 * MS, PRESENT)
    clock.advance(PRESENT)
    assert clock.shown_ns == T0


def test_a_jump_is_not_taken_for_a_step(clock):
    clock.tell(T0, 1000 * S)
    clock.tell(T0 + 60 * S, 1000 * S + 25 * MS)
    clock.advance(PRESENT)
    assert clock.at(1000 * S + 10 * MS, T0 + 30 * S) == T0
    clock.tell(T0, 1000 * S + 50 * MS)
    clock.advance(PRESENT)
    assert clock.shown_ns == T0
    assert clock.at(1000 * S + 30 * MS, T0 + 70 * S) == T0 + 60 * S


class Synchronizer:
    """What the synchronizer does with what it is told, on a clock of the host's that tests set."""

    def __init__(self):
        self.clock = SteppedClock()
        self.inputs = SteppedInputs(self.clock)
        self.aligner = Aligner(AlignerConfig(streams=published_streams(), rate_hz=1024))
        self.chunks = []

    def receive(self, delivery, host_ns):
        sample = delivery.sample
        if isinstance(sample, LandmarkFrame):
            push = self.aligner.push_frame
        elif isinstance(sample, KeyEvent):
            push = self.aligner.push_key_event
        else:
            push = self.aligner.push_key_motion
        self.inputs.add(sample, host_ns, push)

    def look(self, host_ns=PRESENT):
        self.inputs.follow(host_ns, lambda now_ns: self.chunks.extend(self.aligner.advance(now_ns)))

    def play(self, deliveries, host_ns, look_every_ns, rate=1):
        """Send deliveries with a clock that steps every 25 ms, and look now and then."""
        for moment in range(0, (deliveries[-1].deliver_ns - T0) // rate + 25 * MS, MS):
            while deliveries and deliveries[0].deliver_ns - T0 <= moment * rate:
                self.receive(deliveries.pop(0), host_ns + moment)
            if moment % (25 * MS) == 0:
                # As a player does: who hears the time has heard everything until then.
                self.clock.tell(T0 + moment * rate, host_ns + moment + 1)
            if moment % look_every_ns == 0:
                self.look()

    @property
    def counts(self):
        return self.aligner.counts


@pytest.fixture
def synchronizer():
    return Synchronizer()


@pytest.fixture(scope="module")
def deliveries():
    return bags.played(1.0)


@pytest.fixture(scope="module")
def long_deliveries():
    return bags.played(3.0)


@pytest.mark.parametrize("look_every_ns", [2 * MS, 80 * MS])
def test_a_busy_process_makes_nothing_late(synchronizer, deliveries, look_every_ns):
    synchronizer.play(list(deliveries), 5 * S, look_every_ns)
    assert (synchronizer.counts.late, synchronizer.counts.future) == (0, 0)
    assert synchronizer.counts.emitted > 800
    assert not any(chunk.flags.any() for chunk in synchronizer.chunks[10:])


@pytest.mark.parametrize("look_every_ns", [2 * MS, 80 * MS])
@pytest.mark.parametrize("rate", [4, 10])
def test_a_clock_that_runs_faster_loses_nothing_even_to_a_busy_process(
    synchronizer, long_deliveries, rate, look_every_ns
):
    """At ten times real time a step is 250 ms: several at once are no jump of the clock."""
    synchronizer.play(list(long_deliveries), 5 * S, look_every_ns, rate)
    synchronizer.look()
    counts = synchronizer.counts
    assert (counts.late, counts.future, counts.clock_steps) == (0, 0, 0)
    chunks = synchronizer.chunks
    ends = [chunk.grid_index + len(chunk) for chunk in chunks]
    assert [chunk.grid_index for chunk in chunks[1:]] == ends[:-1]
    assert counts.emitted > 2600
    assert not any(chunk.flags.any() for chunk in chunks[10:])


def test_what_comes_before_the_first_step_is_not_lost(synchronizer, deliveries):
    early = [d for d in deliveries if d.deliver_ns < T0 + 20 * MS]
    for delivery in early:
        synchronizer.receive(delivery, 5 * S)
        synchronizer.look()
    assert synchronizer.counts.emitted == 0
    synchronizer.play(list(deliveries[len(early) :]), 6 * S, 2 * MS)
    assert synchronizer.counts.future == 0
    first_ns = min(delivery.sample.stamp_ns for delivery in early)
    assert synchronizer.chunks[0].grid_index == Grid(1024).first_at(first_ns)


def test_a_clock_that_speeds_up_makes_nothing_come_from_the_future(synchronizer, long_deliveries):
    """Between two steps nobody knows that they are longer now."""
    slow = [d for d in long_deliveries if d.deliver_ns < T0 + S]
    synchronizer.play(list(slow), 5 * S, 2 * MS)
    told = synchronizer.clock.shown_ns
    later = [d for d in long_deliveries if d.deliver_ns >= T0 + S]
    while later:
        told += 250 * MS
        while later and later[0].deliver_ns <= told:
            synchronizer.receive(later.pop(0), 7 * S + (told - T0) // 10 - MS)
            synchronizer.look()
        synchronizer.clock.tell(told, 7 * S + (told - T0) // 10)
        synchronizer.look()
    assert (synchronizer.counts.future, synchronizer.counts.clock_steps) == (0, 0)
    assert synchronizer.counts.emitted > 2600


def test_messages_that_wait_for_a_step_that_never_comes_do_not_grow_without_bound(
    synchronizer, deliveries
):
    synchronizer.clock.tell(T0, 5 * S)
    frames = [
        d
        for d in deliveries
        if isinstance(d.sample, LandmarkFrame) and T0 + S // 10 < d.deliver_ns < T0 + S // 2
    ]
    for number in range(3000):
        synchronizer.receive(frames[number % len(frames)], 6 * S + number)
        if number % 100 == 0:
            synchronizer.look()
    synchronizer.look()
    assert len(synchronizer.inputs) == stepped_clock.MOST_WAITING
    assert synchronizer.inputs.dropped == 3000 - stepped_clock.MOST_WAITING


def test_messages_that_wait_for_a_first_step_do_not_grow_without_bound(synchronizer, deliveries):
    for number in range(3000):
        synchronizer.receive(deliveries[number % len(deliveries)], 6 * S + number)
    synchronizer.look()
    assert len(synchronizer.inputs) == stepped_clock.MOST_WAITING


def test_messages_far_ahead_of_the_clock_are_refused_rather_than_kept(synchronizer, deliveries):
    synchronizer.clock.tell(T0, 5 * S)
    ahead = [
        d
        for d in deliveries
        if isinstance(d.sample, LandmarkFrame) and d.deliver_ns > T0 + S * 6 // 10
    ]
    for number, delivery in enumerate(ahead):
        synchronizer.receive(delivery, 6 * S + number)
    synchronizer.look()
    assert not len(synchronizer.inputs)
    assert synchronizer.counts.future == len(ahead)


def test_what_comes_with_a_jump_back_belongs_to_the_new_stream(synchronizer, deliveries):
    synchronizer.clock.tell(T0 + 60 * S, 5 * S)
    synchronizer.look()
    # The jump, and what is received just after it, are found in one look.
    synchronizer.clock.tell(T0, 6 * S - 2 * MS)
    early = [d for d in deliveries if d.deliver_ns < T0 + 20 * MS]
    for delivery in early:
        synchronizer.receive(delivery, 6 * S - 1)
    synchronizer.play(list(deliveries[len(early) :]), 6 * S, 2 * MS)
    assert synchronizer.counts.clock_steps == 1
    first_ns = min(delivery.sample.stamp_ns for delivery in early)
    assert synchronizer.chunks[0].grid_index == Grid(1024).first_at(first_ns)
