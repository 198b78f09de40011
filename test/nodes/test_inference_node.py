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

"""The estimator's node on the host's time, and on a bag's, which it hears of step by step."""

from __future__ import annotations

import time

import numpy as np
import pytest
from rclpy.parameter import Parameter

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.nodes import outgoing
from kpm_ros.nodes.inference_node import InferenceNode
from kpm_ros.wire.effort_bytes import decode_efforts
from support import bags
from support.bags import MS, T0, S
from support.queues import Queue


class Inference:
    """The node without its threads and transport."""

    def __init__(self, context, model, simulated_time=True):
        overrides = [
            Parameter("use_sim_time", value=simulated_time),
            Parameter("model", value=str(model)),
        ]
        self.node = InferenceNode(
            context=context, namespace="test_stepped_inference", parameter_overrides=overrides
        )
        if simulated_time:
            self.clock = self.node.clock_listener.clock
        self.input = self.node._input = Queue()

    def receive(self, stamp_ns):
        grid = Grid(1024)
        index = grid.first_at(stamp_ns)
        card = self.node.card
        chunk = AlignedChunk(
            stamp_ns=grid.stamp_ns(index),
            first_index=index,
            grid_index=index,
            rate_hz=1024.0,
            values=np.full((10, card.streams.width), 0.5, np.float32),
            missing=np.zeros(10, np.uint32),
            flags=np.zeros(10, FlagBits),
        )
        self.input.waiting.append(
            (outgoing.aligned_message(chunk, card.streams.columns), time.time_ns())
        )
        self.node.estimate()

    def receive_all(self, begin_ns, end_ns):
        """Receive hop after hop of what lies between two instants, and let out what is due."""
        grid = Grid(1024)
        for index in range(grid.first_at(begin_ns), grid.first_at(end_ns), 10):
            self.receive(grid.stamp_ns(index))
            self.node.release()

    @property
    def refused(self):
        return self.node.report().values["refused_messages"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture
def inference(context, model):
    made = Inference(context, model)
    yield made
    made.node.destroy_node()


@pytest.mark.parametrize("rate", [1, 4, 10])
def test_what_was_aligned_on_a_step_that_is_not_known_here_yet_is_taken(inference, rate):
    """Each process hears of a step by itself, one a little later than the other."""
    step_ns = 25 * MS * rate
    for step in range(3):
        inference.clock.tell(T0 + step * step_ns, 1000 * S + step * 25 * MS)
    inference.receive(T0 + 3 * step_ns - 10 * MS)
    assert inference.refused == 0
    assert inference.node.estimator.counts.samples == 10


def test_what_is_stamped_further_ahead_than_a_step_is_refused(inference):
    for step in range(3):
        inference.clock.tell(T0 + step * 250 * MS, 1000 * S + step * 25 * MS)
    inference.receive(T0 + 3 * 250 * MS + 110 * MS)
    assert inference.refused == 1
    # After a jump, which is no step, only the usual tolerance is left.
    inference.clock.tell(T0 + 60 * S, 1000 * S + 75 * MS)
    inference.receive(T0 + 60 * S + 110 * MS)
    assert inference.refused == 2


def test_what_comes_to_the_estimator_before_the_first_step_waits_for_it(inference):
    inference.receive(T0)
    assert (inference.refused, len(inference.input.waiting)) == (0, 1)
    inference.clock.tell(T0, 1000 * S)
    inference.node.estimate()
    assert inference.node.estimator.counts.samples == 10


def test_effort_that_was_aligned_too_late_does_not_pass_for_news(context, model):
    """The synchronizer was held up: what it sends now is about an instant long ago."""
    inference = Inference(context, model, simulated_time=False)
    sent = []
    inference.node._publisher._send = sent.append
    try:
        now_ns = time.time_ns()
        inference.receive_all(now_ns - 2 * S, now_ns - S)
        held_up = decode_efforts(sent, len(inference.node.card.muscles))
        assert len(held_up.flags)
        assert (held_up.flags & int(Flag.INVALID)).all()
        report = inference.node.report()
        assert int(report.values["withheld"]) > 1000
        assert "too old to be sent" in report.message
        sent.clear()
        now_ns = time.time_ns()
        inference.receive_all(now_ns - 250 * MS, now_ns - 50 * MS)
        fresh = decode_efforts(sent, len(inference.node.card.muscles))
        assert (fresh.flags == 0).any()
    finally:
        inference.node.destroy_node()
