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

import time as host_time

import pytest
from rclpy.parameter import Parameter

from kpm_ros.core.grid import Grid
from kpm_ros.nodes import outgoing
from kpm_ros.nodes.stepped_time import SteppedTime
from kpm_ros.nodes.synchronizer_node import MOST_EARLY, SynchronizerNode
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.wire import decode
from support import bags
from support.bags import MS, T0, S
from support.queues import Queue, tell


class Output:
    """Stands for a publisher."""

    def __init__(self):
        self.chunks = []

    def publish(self, message):
        self.chunks.append(decode.aligned_chunk(message))


@pytest.fixture
def time(node):
    made = SteppedTime(node)
    made._clock = Queue()
    return made


def test_time_is_not_known_before_somebody_tells_it(time):
    assert time.now_ns() is None
    tell(time._clock, 7, T0)
    assert time.now_ns() == T0


def test_a_message_was_received_after_the_step_that_came_before_it(time):
    for step in range(4):
        tell(time._clock, 1000 * S + step * 5 * MS, T0 + step * 25 * MS)
    assert time.now_ns() == T0 + 75 * MS
    # However late it is looked at, and although the bag runs five times as fast.
    assert time.at(1000 * S + 6 * MS) == T0 + 25 * MS
    assert time.at(1000 * S + 14 * MS) == T0 + 50 * MS
    assert time.at(1000 * S + 99 * MS) == T0 + 75 * MS
    assert time.at(999 * S) == T0


def test_a_message_is_not_received_before_its_stamp_nor_after_the_next_step(time):
    for step in range(3):
        tell(time._clock, 1000 * S + step * 25 * MS, T0 + step * 25 * MS)
    time.now_ns()
    received_ns = 1000 * S + 30 * MS
    assert time.at(received_ns, T0 + 31 * MS) == T0 + 31 * MS
    assert time.at(received_ns, T0 + 80 * MS) == T0 + 50 * MS
    assert time.at(received_ns, T0 + 10 * MS) == T0 + 25 * MS
    # The step after the last one is taken to be like it.
    assert time.at(1000 * S + 60 * MS, T0 + 65 * MS) == T0 + 65 * MS


def test_a_message_that_a_step_has_overtaken_on_its_way_came_before_it(time):
    for step in range(3):
        tell(time._clock, 1000 * S + step * 25 * MS, T0 + step * 250 * MS)
    time.now_ns()
    assert time.at(1000 * S + 25 * MS + 900_000, T0 + 240 * MS) == T0 + 240 * MS
    assert time.at(1000 * S + 25 * MS + 1_100_000, T0 + 240 * MS) == T0 + 250 * MS


def test_a_step_that_may_have_overtaken_something_does_not_count_yet(time):
    now_ns = host_time.time_ns()
    tell(time._clock, now_ns - 50 * MS, T0)
    tell(time._clock, now_ns + S, T0 + 25 * MS)
    assert time.now_ns() == T0


def test_a_jump_is_not_taken_for_a_step(time):
    tell(time._clock, 1000 * S, T0)
    tell(time._clock, 1000 * S + 25 * MS, T0 + 60 * S)
    time.now_ns()
    assert time.at(1000 * S + 10 * MS, T0 + 30 * S) == T0
    tell(time._clock, 1000 * S + 50 * MS, T0)
    assert time.now_ns() == T0
    assert time.at(1000 * S + 30 * MS, T0 + 70 * S) == T0 + 60 * S


class Synchronizer:
    """The node without its threads and transport, on two seconds of the simulated devices."""

    def __init__(self, context, model):
        overrides = [Parameter("use_sim_time", value=True), Parameter("model", value=str(model))]
        self.node = SynchronizerNode(
            context=context, namespace="test_stepped_time", parameter_overrides=overrides
        )
        self.clock = self.node._stepped._clock = Queue()
        self.output = self.node._output = Output()
        self.inputs = {}
        for place, (subscription, take) in enumerate(self.node._inputs):
            queue = Queue()
            self.inputs[subscription.topic.split("/", 2)[2]] = queue
            self.node._inputs[place] = (queue, take)

    def receive(self, delivery, host_ns):
        sample = delivery.sample
        if isinstance(sample, LandmarkFrame):
            topic, message = f"camera/{sample.view}/landmarks", outgoing.landmarks_message(sample)
        elif isinstance(sample, KeyEvent):
            topic, message = "keys/events", outgoing.key_event_message(sample)
        else:
            topic, message = "keys/motion", outgoing.key_motion_message(sample)
        self.inputs[topic].waiting.append((message, host_ns))

    def play(self, deliveries, host_ns, look_every_ns, rate=1):
        """Send deliveries with a clock that steps every 25 ms, and look now and then."""
        for moment in range(0, (deliveries[-1].deliver_ns - T0) // rate + 25 * MS, MS):
            while deliveries and deliveries[0].deliver_ns - T0 <= moment * rate:
                self.receive(deliveries.pop(0), host_ns + moment)
            if moment % (25 * MS) == 0:
                # As a player does: who hears the time has heard everything until then.
                tell(self.clock, host_ns + moment + 1, T0 + moment * rate)
            if moment % look_every_ns == 0:
                self.node.step()

    @property
    def counts(self):
        return self.node.aligner.counts


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture
def synchronizer(context, model):
    made = Synchronizer(context, model)
    yield made
    made.node.destroy_node()


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
    assert not any(chunk.flags.any() for chunk in synchronizer.output.chunks[10:])


@pytest.mark.parametrize("look_every_ns", [2 * MS, 80 * MS])
@pytest.mark.parametrize("rate", [4, 10])
def test_a_clock_that_runs_faster_loses_nothing_even_to_a_busy_process(
    synchronizer, long_deliveries, rate, look_every_ns
):
    """At ten times real time a step is 250 ms: several at once are no jump of the clock."""
    synchronizer.play(list(long_deliveries), 5 * S, look_every_ns, rate)
    synchronizer.node.step()
    counts = synchronizer.counts
    assert (counts.late, counts.future, counts.clock_steps) == (0, 0, 0)
    chunks = synchronizer.output.chunks
    ends = [chunk.grid_index + len(chunk) for chunk in chunks]
    assert [chunk.grid_index for chunk in chunks[1:]] == ends[:-1]
    assert counts.emitted > 2600
    assert not any(chunk.flags.any() for chunk in chunks[10:])


def test_what_comes_before_the_first_step_is_not_lost(synchronizer, deliveries):
    early = [d for d in deliveries if d.deliver_ns < T0 + 20 * MS]
    for delivery in early:
        synchronizer.receive(delivery, 5 * S)
        synchronizer.node.step()
    assert synchronizer.counts.emitted == 0
    synchronizer.play(list(deliveries[len(early) :]), 6 * S, 2 * MS)
    assert synchronizer.counts.future == 0
    first_ns = min(delivery.sample.stamp_ns for delivery in early)
    assert synchronizer.output.chunks[0].grid_index == Grid(1024).first_at(first_ns)


def test_a_clock_that_speeds_up_makes_nothing_come_from_the_future(synchronizer, long_deliveries):
    """Between two steps nobody knows that they are longer now."""
    slow = [d for d in long_deliveries if d.deliver_ns < T0 + S]
    synchronizer.play(list(slow), 5 * S, 2 * MS)
    told = synchronizer.node._stepped.now_ns()
    later = [d for d in long_deliveries if d.deliver_ns >= T0 + S]
    while later:
        told += 250 * MS
        while later and later[0].deliver_ns <= told:
            synchronizer.receive(later.pop(0), 7 * S + (told - T0) // 10 - MS)
            synchronizer.node.step()
        tell(synchronizer.clock, 7 * S + (told - T0) // 10, told)
        synchronizer.node.step()
    assert (synchronizer.counts.future, synchronizer.counts.clock_steps) == (0, 0)
    assert synchronizer.counts.emitted > 2600


def test_messages_that_wait_for_a_step_that_never_comes_do_not_grow_without_bound(
    synchronizer, deliveries
):
    tell(synchronizer.clock, 5 * S, T0)
    frames = [
        d
        for d in deliveries
        if isinstance(d.sample, LandmarkFrame) and T0 + S // 10 < d.deliver_ns < T0 + S // 2
    ]
    for number in range(3000):
        synchronizer.receive(frames[number % len(frames)], 6 * S + number)
        if number % 100 == 0:
            synchronizer.node.step()
    assert len(synchronizer.node._early) == MOST_EARLY


def test_messages_far_ahead_of_the_clock_are_refused_rather_than_kept(synchronizer, deliveries):
    tell(synchronizer.clock, 5 * S, T0)
    ahead = [
        d
        for d in deliveries
        if isinstance(d.sample, LandmarkFrame) and d.deliver_ns > T0 + S * 6 // 10
    ]
    for number, delivery in enumerate(ahead):
        synchronizer.receive(delivery, 6 * S + number)
    synchronizer.node.step()
    assert not synchronizer.node._early
    assert synchronizer.counts.future == len(ahead)


def test_what_comes_with_a_jump_back_belongs_to_the_new_stream(synchronizer, deliveries):
    tell(synchronizer.clock, 5 * S, T0 + 60 * S)
    synchronizer.node.step()
    # The jump, and what is received just after it, are found in one look.
    tell(synchronizer.clock, 6 * S - 2 * MS, T0)
    early = [d for d in deliveries if d.deliver_ns < T0 + 20 * MS]
    for delivery in early:
        synchronizer.receive(delivery, 6 * S - 1)
    synchronizer.play(list(deliveries[len(early) :]), 6 * S, 2 * MS)
    assert synchronizer.counts.clock_steps == 1
    first_ns = min(delivery.sample.stamp_ns for delivery in early)
    assert synchronizer.output.chunks[0].grid_index == Grid(1024).first_at(first_ns)
