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

"""A bag played for the real graph, whose time is the bag's: it pauses, jumps, and runs faster."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from kpm_ros.msg import MuscleEffortChunk
from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray

from kpm_ros import cli
from kpm_ros.client import EffortReader
from kpm_ros.core.flags import Flag
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.models.weight_files import read_card
from kpm_ros.nodes import qos
from kpm_ros.nodes.player_node import PlayerNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.replay.compare import compare
from kpm_ros.replay.effort import TOPICS, joined, load_npz
from kpm_ros.wire.decode import effort_chunk
from support import bags
from support.asking import armed
from support.bags import T0, S
from support.graph import RunningGraph
from support.played import PlayedBag
from support.starvation import measured_fairly
from support.waiting import QUEUED, wait_for
from support.witness import Witness

pytestmark = pytest.mark.graph

NAMESPACE = "test_bag_play"
SECONDS = 3.0
STEP_NS = 500_000


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    return bags.write(tmp_path_factory.mktemp("bag") / "bag", bags.entries(bags.played(SECONDS)))


@pytest.fixture(scope="module")
def running(domain, model):
    options = [f"model:={model}", "source:=topics", "use_sim_time:=true", "gesture:=false"]
    with RunningGraph(NAMESPACE, options) as graph:
        yield graph
        assert graph.stop() == 0, "a node ended by itself"


class Listener:
    """Takes every chunk of effort."""

    def __init__(self, node):
        self.chunks = []
        topic = f"/{NAMESPACE}/effort/chunks"
        profile = qos.QoSProfile(depth=1000, reliability=qos.ReliabilityPolicy.RELIABLE)
        self._subscription = PolledSubscription(node, MuscleEffortChunk, topic, profile)
        wait_for(lambda: self._subscription.publishers, "the inference node", 90)

    def take(self):
        self.chunks += [effort_chunk(message) for message, _ in self._subscription.take()]
        return self.chunks

    def until(self, reached, what):
        wait_for(lambda: self.take() and reached(self.chunks), what, 60)
        return self.chunks

    def until_s(self, seconds):
        """Wait for effort of an instant of the bag, and forget all before."""
        end_ns = T0 + round(seconds * S)
        self.until(lambda chunks: chunks[-1].stamp_ns >= end_ns, f"effort of {seconds:g} s")

    def forget(self):
        self.take()
        self.chunks = []


@pytest.fixture
def effort(running, node):
    return Listener(node)


@pytest.fixture
def playing(running, effort, context, bag):
    with PlayedBag(context, NAMESPACE, bag) as player:
        yield player


def stamps_of(chunks):
    return np.concatenate([c.stamp_ns + STEP_NS * np.arange(len(c)) for c in chunks])


def flags_of(chunks):
    return np.concatenate([chunk.flags for chunk in chunks])


def test_what_is_played_gives_the_effort_of_a_replay(running, effort, bag, model, tmp_path):
    """The player as a user runs it; the clock moves in steps of 25 ms."""
    out = tmp_path / "effort.npz"
    assert cli.main(["replay", str(bag), "--model", str(model), "--out", str(out)]) == 0
    replayed = load_npz(out)
    command = [sys.executable, "-m", "kpm_ros.cli", "play", str(bag), "--namespace", NAMESPACE]
    subprocess.run([*command, "--wait", "60"], check=True, timeout=100)
    effort.until(lambda chunks: chunks[-1].stamp_ns >= replayed.stamps_ns[-100], "the bag's end")
    found = compare(replayed, joined(effort.chunks, 6), read_card(model), tolerance=1e-5)
    assert found.agrees, found
    assert found.both > 0.9 * len(replayed)
    assert found.only_second == 0


def test_a_pause_stops_effort_and_assistance_and_loses_nothing(playing, effort, node, context):
    commands = PolledSubscription(
        node, Float64MultiArray, f"/{NAMESPACE}/assist/command", qos.of("assist/command")
    )
    reader = EffortReader(node, f"/{NAMESPACE}/effort", depth=QUEUED)
    wait_for(lambda: reader.take() is not None and reader.muscles, "the stream's description")
    playing.go()
    wait_for(lambda: armed(context, node, NAMESPACE), "assistance to be armed")
    wait_for(lambda: any(any(m.data) for m, _ in commands.take()), "a torque")
    playing.pause()
    frozen = wait_for(lambda: quiet(effort, commands), "effort to stop")
    newest = stamps_of([frozen])[-1]
    wait_for(
        lambda: newest in reader.take().stamps_ns, "the last sample to leave although time is still"
    )
    commands.take()
    taken = []

    def newest_are_zero():
        taken.extend(any(message.data) for message, _ in commands.take())
        return len(taken) > 100 and not any(taken[-100:])

    wait_for(newest_are_zero, "zero torque while time stands still")
    assert effort.take()[-1] is frozen
    playing.pause(False)
    paused_s = (frozen.stamp_ns - T0) / S
    effort.until_s(paused_s + 0.5)
    stamps = stamps_of(effort.chunks)
    assert (np.diff(stamps) == STEP_NS).all()
    assert not flags_of(effort.chunks)[stamps > T0 + S // 2].any()


def quiet(effort, commands):
    """The last chunk, if none comes while the exoskeleton's node, on its own clock, goes on."""
    last, heard = effort.take()[-1], []

    def gone_on():
        heard.extend(commands.take())
        return len(heard) > 100

    wait_for(gone_on, "a hundred commands")
    return last if effort.take()[-1] is last else None


@pytest.mark.parametrize("to_s", [0.2, 2.2])
def test_after_a_jump_the_stream_begins_anew(playing, effort, to_s):
    playing.go()
    effort.until_s(1.2)
    playing.tell("seek", to_s)
    jumped_ns = T0 + round(to_s * S)
    effort.until(
        lambda chunks: abs(chunks[-1].stamp_ns - jumped_ns - S // 2) < S // 10, "effort after it"
    )
    stamps, flags = stamps_of(effort.chunks), flags_of(effort.chunks)
    [jump] = np.flatnonzero(np.abs(np.diff(stamps)) > S // 2)
    first = stamps[jump + 1]
    # What the network still remembers of before is not passed off as now.
    assert (flags[jump + 1 : jump + 100] & Flag.INVALID).all()
    assert abs(first - jumped_ns) < S // 4
    assert not flags[-100:].any()
    indices = np.concatenate([c.first_index + np.arange(len(c)) for c in effort.chunks])
    assert (np.diff(indices) > 0).all()


def test_a_bag_that_loops_gives_its_effort_again(running, effort, context, bag):
    with PlayedBag(context, NAMESPACE, bag, loop=True, start_s=1.5) as player:
        player.go()
        effort.until_s(2.5)
        effort.until(lambda chunks: chunks[-1].stamp_ns < T0 + 2 * S, "the bag's beginning again")
        effort.until_s(1.0)
        assert player.figure("passes") == 2
    stamps, flags = stamps_of(effort.chunks), flags_of(effort.chunks)
    [jump] = np.flatnonzero(np.diff(stamps) < 0)
    assert stamps[jump + 1] < T0 + S // 2
    assert (flags[jump + 1 : jump + 100] & Flag.INVALID).all()
    assert not flags[-100:].any()


@pytest.mark.parametrize("rate", [0.5, 2.0])
def test_another_rate_gives_the_same_samples(playing, effort, rate):
    playing.go()
    effort.until_s(0.5)
    playing.tell("rate", rate)
    wait_for(lambda: playing.figure("rate") == rate, "the rate")
    effort.until_s(1.2 if rate < 1 else 2.5)
    stamps = stamps_of(effort.chunks)
    assert (np.diff(stamps) == STEP_NS).all()
    assert not flags_of(effort.chunks)[stamps > T0 + S // 2].any()


@pytest.mark.parametrize("rate", [4.0, 10.0])
def test_a_bag_that_is_played_many_times_as_fast_gives_every_sample(
    running, effort, node, context, bag, rate
):
    """The clock then moves by 100 or 250 ms at a time; that by itself loses nothing."""

    def pids():
        found = (running.pid_of(name) for name in ("synchronizer", "inference"))
        return [os.getpid(), *(pid for pid in found if pid is not None)]

    with Witness(node, NAMESPACE, clock_steps=True) as witness:
        measured_fairly(lambda: _play_whole(witness, effort, context, bag, rate), pids, 60)


def _play_whole(witness, effort, context, bag, rate):
    """Play the bag once: every sample comes, and nothing is refused."""

    def refused():
        witness.wait_for_news("synchronizer", "inference")
        counts = {
            "synchronizer": ("future", "late", "refused_messages"),
            "inference": ("refused_messages", "lost_inputs", "dropped_inputs"),
        }
        return [int(witness.values(who)[name]) for who, names in counts.items() for name in names]

    effort.forget()
    with PlayedBag(context, NAMESPACE, bag, rate=rate) as player:
        wait_for(lambda: player.figure("begun"), "the pipeline to listen", 60)
        before = refused()
        player.go()
        effort.until(
            lambda chunks: any(T0 + 2.7 * S <= c.stamp_ns < T0 + SECONDS * S for c in chunks),
            "effort of 2.7 s",
        )
        after = refused()
    assert after == before
    stamps = stamps_of(effort.chunks)
    assert (np.diff(stamps) == STEP_NS).all()
    assert not flags_of(effort.chunks)[stamps > T0 + S // 2].any()


def test_what_cannot_be_done_is_refused_and_counted(playing):
    for what, value in (("rate", 0.0), ("rate", float("nan")), ("seek", -1.0), ("seek", 1e6)):
        before = playing.figure("refused_messages")
        playing.tell(what, value)
        wait_for(lambda n=before: playing.figure("refused_messages") == n + 1, f"{what} {value}")
    assert playing.figure("rate") == 1.0
    assert playing.figure("position_s") == 0.0


def test_nodes_say_how_they_are_while_time_stands_still(playing, node):
    diagnostics = PolledSubscription(node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics"))
    playing.go()
    playing.pause()
    diagnostics.take()
    said = set()

    def both_have_spoken():
        said.update(s.name for message, _ in diagnostics.take() for s in message.status)
        return {f"{NAMESPACE}/synchronizer", f"{NAMESPACE}/inference"} <= said

    wait_for(both_have_spoken, "the nodes' own reports")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["/nowhere"], "no bag at /nowhere"),
        (["/nowhere", "--rate", "0"], "rate is 0.0, but must be from 0.01 to 100"),
    ],
)
def test_what_cannot_be_played_is_refused_in_a_sentence(words, complaint):
    command = [sys.executable, "-m", "kpm_ros.cli", "play", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"start_s": 99.0}, "start_s is 99, but the bag is 3.0 s long"),
        ({"bag_namespace": "left"}, "no topic in the namespace /left"),
        ({"bag_topics": ["/kpm/effort"]}, "has no topic /kpm/effort"),
        ({"bag": ""}, "bag is empty"),
        ({"use_sim_time": True}, "use_sim_time is true"),
    ],
)
def test_a_player_refuses_what_it_cannot_play(context, bag, settings, complaint):
    values = {"bag": str(bag), **settings}
    overrides = [Parameter(name, value=value) for name, value in values.items()]
    with pytest.raises(ConfigurationError, match=complaint):
        PlayerNode(context=context, namespace=NAMESPACE, parameter_overrides=overrides)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_replays_bag_offers_effort_as_the_nodes_do(topic):
    ours, nodes = TOPICS[topic], qos.of(topic)
    assert ours.depth == nodes.depth
    assert ours.reliable == (nodes.reliability == qos.ReliabilityPolicy.RELIABLE)
    assert ours.latched == (nodes.durability == qos.DurabilityPolicy.TRANSIENT_LOCAL)
