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

"""Malformed messages on every topic that is read: refused and counted, and nothing ends by them.

Serialised bytes are damaged and published as they are, by a real publisher. `make fuzz` does so for
longer.
"""

from __future__ import annotations

import importlib
import resource
import struct
import time
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from kpm_ros.msg import AssistCommand, DriveState, EffortInfo, Gesture
from rclpy.executors import SingleThreadedExecutor
from rclpy.serialization import serialize_message
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, Joy
from std_msgs.msg import Float64MultiArray, MultiArrayDimension

from kpm_ros import graph, pipeline_topics
from kpm_ros.act.assistance_config import illustrative_gain
from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.effort_info import described
from kpm_ros.learn.gestures.training import train
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.nodes import base, outgoing, qos, tracker_node
from kpm_ros.nodes.effort_wire import effort_encoder
from kpm_ros.nodes.exo_node import ExoNode
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.inference_node import InferenceNode
from kpm_ros.nodes.node_process import serve_once
from kpm_ros.nodes.recorder_node import RecorderNode
from kpm_ros.nodes.relay_node import RelayNode
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from kpm_ros.nodes.tracker_node import TrackerNode
from kpm_ros.nodes.view_node import ViewNode
from kpm_ros.operate.watch import Watch
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame
from support import bags, gestures
from support.fuzzing import cases, mutated
from support.managed import active
from support.waiting import wait_for

CARD = published_card()
USUAL = 60
"""Cases of a usual run, for each reader of a topic."""
AT_ONCE = 10
MOST_GROWTH_MB = 300
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63"
    "606060000000040001f61738550000000049454e44ae426082"
)
"""One black pixel."""
NUMBERS = (float("nan"), float("inf"), -1e38, 1e38, -0.0, 1e-45)


def good():
    """Messages as the pipeline's own nodes send them, by the topic they are sent on."""
    now_ns = time.time_ns()
    info = EffortInfo(**described(CARD, "ab" * 32, 7))
    grid = Grid(CARD.rate_hz)
    index = grid.first_at(now_ns)
    chunk = AlignedChunk(
        grid.stamp_ns(index),
        0,
        index,
        float(CARD.rate_hz),
        np.full((10, CARD.streams.width), 0.5, np.float32),
        np.zeros(10, np.uint32),
        np.zeros(10, FlagBits),
    )
    effort = np.full((4, 6), 0.3, np.float32)
    flags = np.zeros(4, FlagBits)
    stamp_ns = now_ns // 500_000 * 500_000
    stamps_ns = stamp_ns + 500_000 * np.arange(4)
    emg = ChannelChunk("emg", now_ns, 0, 2000.0, ("a", "b"), "uV", np.zeros((20, 2), np.float32))
    messages = {
        "keys/motion": [],
        "keys/events": [],
        "camera/top/landmarks": [],
        "camera/right/landmarks": [],
        "emg/samples": [outgoing.channels_message(emg)],
        "emg/envelope": [outgoing.channels_message(emg)],
        "aligned": [outgoing.aligned_message(chunk, CARD.streams.columns)],
        "effort": effort_encoder(6, info.digest).encode(stamps_ns, 0, flags, effort),
        "effort/info": [info],
        "effort/chunks": [
            outgoing.effort_chunk_message(EffortChunk(stamp_ns, 0, effort, flags), info.digest)
        ],
        "assist/command": [Float64MultiArray(data=[0.1] * 5)],
        "assist/command_stamped": [
            AssistCommand(
                session=7,
                sequence=1,
                valid_s=0.05,
                joints=list(illustrative_gain()),
                torque_nm=[0.1] * 5,
            )
        ],
        "assist/deadman": [Joy(axes=[0.5], buttons=[1, 0])],
        "drive/state": [DriveState(session=7, sequence=1, following=True, joints=["a"])],
        "gesture": [Gesture(name="spread", confidence=0.5)],
        "/diagnostics": [diagnostics()],
        "/clock": [Clock(clock=Time(sec=1_700_000_000, nanosec=5))],
        "camera/top/image_raw": [
            Image(height=4, width=4, encoding="rgb8", step=12, data=bytes(48))
        ],
        "camera/top/camera_info": [CameraInfo(height=4, width=4, k=[1.0] * 9, d=[0.1] * 5)],
        "camera/top/image_raw/compressed": [CompressedImage(format="png", data=PNG)],
    }
    messages["assist/command"][0].layout.dim = [MultiArrayDimension(label="joint", size=5)]
    kinds = {
        LandmarkFrame: (
            lambda sample: f"camera/{sample.view}/landmarks",
            outgoing.landmarks_message,
        ),
        KeyEvent: (lambda _: "keys/events", outgoing.key_event_message),
        KeyMotionChunk: (lambda _: "keys/motion", outgoing.key_motion_message),
    }
    for delivery in bags.played(0.6):
        topic_of, message_of = kinds[type(delivery.sample)]
        sample = replace(delivery.sample, stamp_ns=delivery.sample.stamp_ns - bags.T0 + now_ns)
        messages[topic_of(sample)].append(message_of(sample))
    return {
        topic: [m if isinstance(m, bytes) else bytes(serialize_message(m)) for m in some]
        for topic, some in messages.items()
    }


def diagnostics():
    values = [KeyValue(key="cpu_s", value="1.5"), KeyValue(key="flags", value="held")]
    status = DiagnosticStatus(level=b"\1", name="x/exo", message="ready", values=values)
    return DiagnosticArray(status=[status, status])


def spoilt(message, random):
    """Bytes that are not what they were, or not what a publisher may mean."""
    way = random.randrange(8)
    if way == 0:
        return random.choice((b"", b"\0", b"\0\1\0\0", message[:5], b"\0\1\0\0" + b"\xff" * 40))
    if way == 1:
        return b"\0\1\0\0" + random.randbytes(random.randrange(400))
    if way == 2:
        bad = bytearray(message)
        for _ in range(random.randint(1, 20)):
            if len(bad) >= 8:
                at = random.randrange(4, len(bad) - 3) // 4 * 4
                bad[at : at + 4] = struct.pack("<f", random.choice(NUMBERS))
        return bytes(bad)
    return mutated(message, random)


class Watcher:
    """What `kpm up`, `kpm demo` and `kpm watch` read, as a node that is stepped by hand."""

    def __init__(self, node):
        self.watch = Watch(node, ["effort", "effort/chunks", "gesture"])
        self.watch.close()

    def step(self):
        for _ in range(20):
            self.watch._look()


def stepper(node):
    """What a node does in its loops."""
    return lambda: [loop._work() for loop in node._loops]


class NoHand:
    """Stands for the tracker of hands, which would take longer than everything else here."""

    def __init__(self, node, view, settings):
        self.pictures = 0

    def show(self, picture, stamp_ns, index, frame_id, lens):
        self.pictures += 1

    def report(self, report):
        pass

    def close(self):
        pass


READERS = {
    "synchronizer": (
        SynchronizerNode,
        {},
        ("camera/top/landmarks", "camera/right/landmarks", "keys/events", "keys/motion"),
    ),
    "synchronizer under simulated time": (SynchronizerNode, {"use_sim_time": True}, ("/clock",)),
    "inference": (InferenceNode, {}, ("aligned",)),
    "exo": (
        ExoNode,
        {"deadman_button": 0, "drive_echo": True},
        ("effort/info", "effort", "assist/deadman", "drive/state"),
    ),
    "relay": (RelayNode, {}, ("assist/command_stamped",)),
    "gesture": (GestureNode, {"enabled": True}, ("effort/info", "effort")),
    "gesture by a model": (GestureNode, {"enabled": True, "model": ""}, ("emg/samples",)),
    "tracker": (TrackerNode, {"view": "top"}, ("camera/top/image_raw",)),
    "tracker of compressed images": (
        TrackerNode,
        {"view": "top", "compressed": True},
        ("camera/top/image_raw/compressed",),
    ),
    "tracker of a camera whose lens is known": (
        TrackerNode,
        {"view": "top", "undistort": True},
        ("camera/top/camera_info", "camera/top/image_raw"),
    ),
    "recorder": (
        RecorderNode,
        {},
        ("emg/samples", "gesture", "assist/command", "effort/chunks", "effort"),
    ),
    "view": (
        ViewNode,
        {},
        ("camera/top/landmarks", "keys/events", "effort/chunks", "/diagnostics"),
    ),
    "watch": (Watcher, {}, ("effort/chunks", "/diagnostics", "effort", "gesture")),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return bags.small_model(tmp_path_factory.mktemp("model"))[0]


@pytest.fixture
def made(request, node, make_node, model, tmp_path, monkeypatch):
    monkeypatch.setattr(tracker_node, "LandmarkOutput", NoHand)
    kind, parameters, topics = READERS[request.param]
    if kind is Watcher:
        watcher = Watcher(node)
        return watcher, watcher.step, topics
    if kind is InferenceNode:
        parameters = {"model": str(model), **parameters}
    if kind is GestureNode and "model" in parameters:
        path = tmp_path / "gestures.safetensors"
        train(gestures.executions(repetitions=3)).save(path)
        parameters = {**parameters, "model": str(path)}
    if kind is RecorderNode:
        parameters = {"folder": str(tmp_path / "bag"), "topics": list(topics)}
    if kind is ViewNode:
        parameters = {"save": str(tmp_path / "run.rrd"), "topics": list(topics)}
    reader = make_node(kind, **parameters)
    if kind in (ExoNode, RelayNode):
        return active(reader), reader.step, topics
    return reader, stepper(reader), topics


OTHER_TYPES = {
    "assist/deadman": Joy,
    "camera/top/camera_info": CameraInfo,
    "/clock": Clock,
    "camera/top/image_raw": Image,
    "camera/top/image_raw/compressed": CompressedImage,
}
"""Of topics that are not the pipeline's own."""


def type_of(topic):
    if topic in OTHER_TYPES:
        return OTHER_TYPES[topic]
    package, _, kind = pipeline_topics.topic(topic).type.split("/")
    return getattr(importlib.import_module(f"{package}.msg"), kind)


def profile_of(topic):
    return 10 if topic in OTHER_TYPES else qos.of(topic)


def published(publisher, label, step, seeds):
    """Publish cases a few at a time and let the reader take them; give how many were sent."""
    sent = 0
    for number, random in cases(USUAL, label):
        # What the middleware itself will not send, nobody receives.
        with suppress(Exception):
            message = random.choice(seeds)
            # Some are whole, so that the reader is in the midst of things.
            publisher.publish(spoilt(message, random) if random.random() < 0.8 else message)
            sent += 1
        if number % AT_ONCE == AT_ONCE - 1:
            # On the way: what is best effort, or malformed, is never acknowledged.
            time.sleep(0.005)
            step()
    return sent


@pytest.mark.parametrize("made", READERS, indirect=True, ids=list(READERS))
def test_malformed_messages_are_refused_and_end_nothing(made, node, request):
    reader, step, topics = made
    grown_mb = peak_mb()
    publishers = {
        topic: node.create_publisher(type_of(topic), topic, profile_of(topic)) for topic in topics
    }
    for topic, publisher in publishers.items():
        wait_for(publisher.get_subscription_count, f"a reader of {topic}")
        label = f"{request.node.name} {topic}"
        assert published(publisher, label, step, good()[topic]) > USUAL // 2
        publisher.publish(good()[topic][0])
    for publisher in publishers.values():
        node.destroy_publisher(publisher)
    if isinstance(reader, base.PipelineNode) and not isinstance(reader, RecorderNode):
        wait_for(lambda: (step(), refused(reader))[1], "refusals to be counted")
    assert peak_mb() - grown_mb < MOST_GROWTH_MB


def refused(reader):
    return int(reader.report().values["refused_messages"])


def peak_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_every_topic_of_the_graph_that_is_read_is_tried():
    options = PipelineOptions(source="devices", record="bag", emg=True)
    nodes = [spec for spec in graph.build(options) if spec.name != "recorder"]
    read = {topic for spec in nodes for topic in spec.subscribes}
    assert read <= {topic for _, _, topics in READERS.values() for topic in topics}


@pytest.mark.parametrize("sec", [-5, -(2**31)])
def test_a_clock_before_all_time_ends_no_node(node, make_node, context, sec):
    """ROS's own reader of /clock raises on it, in the executor that serves the node."""
    exo = make_node(ExoNode, use_sim_time=True)
    publisher = node.create_publisher(Clock, "/clock", 10)
    wait_for(publisher.get_subscription_count, "a reader of the clock")
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(exo)
    publisher.publish(Clock(clock=Time(sec=sec)))
    wait_for(lambda: serve_once(executor, exo) or refused(exo), "the refusal")
    publisher.publish(Clock(clock=Time(sec=7)))
    wait_for(lambda: serve_once(executor, exo) or exo.now_ns() == 7 * 10**9, "the time")
