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

"""The real graph over real DDS: what comes out, and what happens when a part of it fails."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from kpm_ros.msg import AlignedSamples, Gesture, MuscleEffortChunk
from rcl_interfaces.srv import DescribeParameters
from sensor_msgs.msg import JointState
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool, Trigger

from kpm_ros.client import EffortReader
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.wire import decode
from support.asking import armed, called
from support.effort import gapless
from support.graph import RunningGraph
from support.player import Player
from support.waiting import QUEUED, wait_for
from support.witness import Witness

RECORDED = ("aligned", "keys/events", "effort/info", "effort/view")

names = (f"test_{i}" for i in itertools.count())


def listen(node, message_type, topic):
    return PolledSubscription(node, message_type, topic, qos.of(topic.split("/", 2)[2]))


@pytest.fixture(scope="module")
def running(domain):
    with RunningGraph(next(names)) as graph:
        yield graph


@pytest.fixture
def reader(running, node):
    made = EffortReader(node, f"/{running.namespace}/effort", depth=QUEUED)
    yield made
    made.close()


def take_until(reader, enough, what):
    batches = []

    def more():
        batches.append(reader.take())
        return enough(batches)

    wait_for(more, what, 60)
    return batches


def valid_samples(batches):
    return sum(int(batch.valid.sum()) for batch in batches)


def test_two_thousand_valid_samples_lie_on_an_exact_grid_without_a_gap(reader):
    take_until(reader, lambda batches: valid_samples(batches) > 0, "valid effort")
    batches = gapless(reader, 4000)
    stamps = np.concatenate([batch.stamps_ns for batch in batches])
    assert (np.diff(stamps) == 500_000).all()
    assert (stamps % 500_000 == 0).all()
    assert np.isfinite(np.concatenate([b.effort for b in batches])).all()
    assert reader.muscles == ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
    assert "simulated" in reader.info.trained_on
    assert reader.status().ready


def test_chunks_carry_the_same_samples_and_a_trace_in_the_order_of_events(running, node, reader):
    chunks = listen(node, MuscleEffortChunk, f"/{running.namespace}/effort/chunks")
    singles, grouped = {}, {}

    def both_have_come():
        batch = reader.take()
        singles.update(zip(batch.index.tolist(), batch.effort.tolist(), strict=True))
        for message, _ in chunks.take():
            assert_trace_in_order(decode.trace(message.trace))
            rows = np.array(message.effort, np.float32).reshape(-1, message.muscles).tolist()
            grouped.update(enumerate(rows, message.first_index))
        return len(singles.keys() & grouped.keys()) > 1000

    wait_for(both_have_come, "a thousand samples in both forms", 60)
    assert all(singles[index] == grouped[index] for index in singles.keys() & grouped.keys())


def test_plotters_are_given_the_samples_of_every_hundredth_of_a_second(running, node, reader):
    views = listen(node, JointState, f"/{running.namespace}/effort/view")
    singles, viewed = {}, {}

    def both_have_come():
        batch = reader.take()
        valid = zip(batch.stamps_ns[batch.valid], batch.effort[batch.valid], strict=True)
        singles.update((int(stamp_ns), effort.tolist()) for stamp_ns, effort in valid)
        viewed.update((decode.time_ns(m.header.stamp), m) for m, _ in views.take())
        return len(singles.keys() & viewed.keys()) > 50

    wait_for(both_have_come, "fifty samples in both forms", 60)
    assert all(stamp_ns % 10_000_000 == 0 for stamp_ns in viewed)
    for stamp_ns in singles.keys() & viewed.keys():
        message = viewed[stamp_ns]
        assert list(message.name) == [*reader.muscles, "flags"]
        assert list(message.effort)[:-1] == singles[stamp_ns]


def assert_trace_in_order(trace):
    times = (
        trace.input_ns,
        trace.processed_ns,
        trace.received_ns,
        trace.aligned_ns,
        trace.estimated_ns,
        trace.published_ns,
    )
    assert list(times) == sorted(times)
    assert times[-1] - times[0] < 2_000_000_000


def test_aligned_samples_follow_each_other_on_the_clock(running, node):
    aligned = listen(node, AlignedSamples, f"/{running.namespace}/aligned")
    taken = []

    def enough():
        taken.extend(message for message, _ in aligned.take())
        return len(taken) > 50

    wait_for(enough, "fifty chunks of aligned samples", 60)
    for before, after in itertools.pairwise(taken):
        assert after.first_index == before.first_index + before.count
        assert after.grid_index == before.grid_index + before.count
    assert {message.rate_hz for message in taken} == {1024.0}


def test_every_node_tells_how_it_is_doing(running, node):
    said = {}
    diagnostics = PolledSubscription(node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics"))
    expected = {"simulator", "synchronizer", "inference", "exo", "gesture"}

    def listened():
        for message, _ in diagnostics.take():
            said.update({status.name: status for status in message.status})
        return {n.rpartition("/")[2] for n in said if n.startswith(running.namespace)}

    def figures():
        listened()
        status = said[f"{running.namespace}/inference"]
        return {item.key: item.value for item in status.values}

    def all_are_healthy():
        return expected <= listened() and all(said[n].level == b"\0" for n in said)

    wait_for(all_are_healthy, "every node to report that it is ready", 60)
    # A second in which starting up was made up for, or others were busy, counts more or less.
    wait_for(lambda: abs(float(figures()["effort_rate_hz"]) - 2000) < 20, "2000 samples a second")
    assert {"hop_ms_p99", "cpu_s_per_s", "lost_inputs", "flags"} <= figures().keys()


def test_parameters_are_described_with_meaning_and_bounds(running, node, context):
    request = DescribeParameters.Request(names=["hop_s", "model"])
    service = f"/{running.namespace}/synchronizer/describe_parameters"
    hop, model = called(context, node, DescribeParameters, service, request).descriptors
    assert hop.description
    assert hop.floating_point_range[0].from_value == 0.001
    assert hop.read_only
    assert model.description


def test_the_exoskeleton_moves_only_when_armed_and_stops_when_told(running, node, context):
    commands = listen(node, Float64MultiArray, f"/{running.namespace}/assist/command")
    seen = []

    def newest():
        seen.extend(list(message.data) for message, _ in commands.take())
        return seen[-1] if seen else None

    wait_for(lambda: len(seen) > 20 or (newest() and False), "commands", 60)
    assert all(torque == 0 for row in seen for torque in row)
    exo = f"/{running.namespace}/exo"
    wait_for(lambda: armed(context, node, running.namespace), "assistance to be armed", 60)
    wait_for(lambda: any(newest() or []), "a torque once armed", 30)
    assert called(context, node, Trigger, f"{exo}/stop", Trigger.Request()).success
    commands.take()
    seen.clear()
    wait_for(lambda: len(seen) > 20 or (newest() and False), "commands after the stop")
    assert all(torque == 0 for row in seen for torque in row)


def test_gestures_are_not_valid_until_enabled(running, node, context):
    gestures = listen(node, Gesture, f"/{running.namespace}/gesture")
    [first, *_] = wait_for(gestures.take, "a gesture message", 60)
    assert (first[0].name, first[0].valid) == ("none", False)
    service = f"/{running.namespace}/gesture/enable"
    assert called(context, node, SetBool, service, SetBool.Request(data=True)).success
    wait_for(lambda: any(m.valid for m, _ in gestures.take()), "a valid gesture", 30)


def test_a_second_pipeline_on_the_same_namespace_is_refused_in_a_sentence(running):
    with RunningGraph(running.namespace) as second:
        assert second.wait() == 2
        assert "already running" in second.output
        assert "Traceback" not in second.output


def test_a_killed_node_comes_back_and_assistance_is_zero_in_between(node, context, domain):
    with RunningGraph(next(names), ["gesture:=false", "body:=plain"]) as graph:
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        commands = listen(node, Float64MultiArray, f"/{graph.namespace}/assist/command")
        take_until(reader, lambda b: valid_samples(b) > 100, "valid effort")
        wait_for(lambda: armed(context, node, graph.namespace), "assistance to be armed", 60)
        wait_for(lambda: any(any(m.data) for m, _ in commands.take()), "assistance", 30)
        before = graph.kill("inference")
        wait_for(lambda: len(reader.take()) == 0 and not reader.status().ready, "staleness")
        wait_for(
            lambda: [m for m, _ in commands.take() if not any(m.data)], "the torque to be zero"
        )
        wait_for(lambda: graph.pid_of("inference") not in (None, before), "the node to come back")
        take_until(reader, lambda b: valid_samples(b) > 100, "valid effort again")
        assert reader.restarts == 1
        # Where the node was away for long, it must be armed again.
        wait_for(lambda: armed(context, node, graph.namespace), "assistance to be armed again", 30)
        wait_for(lambda: any(any(m.data) for m, _ in commands.take()), "assistance again", 30)
        assert graph.stop() == 1
        assert "inference ended by itself" in graph.output
        trace = graph.output.partition("kpm: when machines were moved:")[2]
        assert re.search(r"exo: [\d:.]+ armed by exo/enable", trace)
        assert re.search(r"exo: [\d:.]+ withheld by effort_stale: no effort for", trace)
        assert re.search(r"exo: [\d:.]+ disarmed by deactivated", trace)


def hide_the_hand(sample):
    return replace(sample, points=None) if isinstance(sample, LandmarkFrame) else sample


def test_effort_without_a_hand_in_sight_is_marked_and_decays_to_zero(node, domain):
    options = ["source:=topics", "exo:=false", "gesture:=false"]
    with RunningGraph(next(names), options) as graph, Player(node, graph.namespace) as player:
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        take_until(reader, lambda b: valid_samples(b) > 100, "valid effort")
        player.alter = hide_the_hand
        wait_for(lambda: not reader.take().valid.all(), "effort to be marked")
        assert "pose lost" in reader.status().reason
        wait_for(lambda: len(b := reader.take()) and not b.effort.any(), "effort to reach zero")
        player.alter = lambda sample: sample
        gapless(reader, 100, valid=True)


def test_what_was_recorded_is_what_was_sent(node, domain, tmp_path):
    bag = tmp_path / "bag"
    with RunningGraph(next(names), [f"record:={bag}", "exo:=false", "body:=plain"]) as graph:
        with Witness(node, graph.namespace) as witness:
            # So many only come when effort is among what is recorded.
            wait_for(
                lambda: int(witness.values("recorder").get("messages", 0)) > 5000,
                "the recorder to hear effort",
                60,
            )
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        batches = take_until(reader, lambda b: valid_samples(b) > 2500, "valid effort")
        assert graph.stop() == 0
    received = {
        int(i): row.tolist() for b in batches for i, row in zip(b.index, b.effort, strict=True)
    }
    recorded = {}
    with BagReader(bag) as reading:
        topics = set(reading.topics)
        for message in reading.messages([f"/{graph.namespace}/effort"]):
            sample = reading.decode(message)
            recorded[sample.index] = [float(value) for value in sample.effort]
    assert {f"/{graph.namespace}/{t}" for t in RECORDED} <= topics
    common = received.keys() & recorded.keys()
    assert len(common) > 2000
    assert all(received[index] == recorded[index] for index in common)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["model:=nonesuch"], "nonesuch"),
        (["model:=/nowhere/net.safetensors"], "/nowhere/net.safetensors"),
        (["log_level:=loud"], "loud"),
        (["record:=/proc/bag"], "/proc/bag"),
        (["params_file:=/nowhere.yaml"], "/nowhere.yaml"),
    ],
)
def test_what_cannot_work_is_refused_in_a_sentence_that_names_it(options, complaint):
    with RunningGraph(next(names), options) as graph:
        assert graph.wait() == 2
        output = graph.output
        assert complaint in output
        assert "Traceback" not in output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--params-file", "/nowhere.yaml"], "/nowhere.yaml"),
        (["-p", "rate_hz:=5000.0"], "exo: rate_hz is 5000.0, but must be from 10 to 1000"),
        (["-p", "rat_hz:=500.0"], "exo: there is no parameter 'rat_hz'"),
    ],
)
def test_a_node_alone_refuses_its_arguments_in_a_sentence(arguments, complaint):
    command = [sys.executable, "-m", "kpm_ros.nodes.exo_node", "--ros-args", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
