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

"""The recorder over real DDS: what is in its bag, under which name, and how it fails."""

from __future__ import annotations

import errno
import json

import pytest
from kpm_ros.msg import EffortInfo
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from std_msgs.msg import Float64MultiArray

from kpm_ros.core import provenance
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.recorder_node import RecorderNode
from kpm_ros.pipeline_topics import SPOKEN_BY_EVERY_NODE
from kpm_ros.replay.bag_reader import BagReader
from support.waiting import wait_for

COMMAND = "assist/command"


@pytest.fixture
def recorder(make_node, tmp_path):
    def start(**parameters):
        made = make_node(RecorderNode, folder=str(tmp_path / "bag"), **parameters)
        made.start()
        return made

    return start


@pytest.fixture
def speak(node):
    """Publish commands until a condition holds."""

    def until(condition, what):
        publisher = node.create_publisher(Float64MultiArray, COMMAND, qos.of(COMMAND))

        def spoken():
            publisher.publish(Float64MultiArray(data=[0.3]))
            return condition()

        wait_for(spoken, what)

    return until


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_command_is_recorded_under_a_name_that_no_machine_listens_to(
    recorder, speak, node, tmp_path, storage
):
    recording = recorder(topics=[COMMAND], storage=storage)
    speak(lambda: int(recording.report().values["messages"]) > 3, "commands in the bag")
    assert recording.report().values["heard"] == f"{node.get_namespace()}/{COMMAND}"
    recording.stop()
    with BagReader(tmp_path / "bag") as bag:
        [name] = bag.topics
        assert name == f"{node.get_namespace()}/recorded/{COMMAND}"
        assert bag.counts[name] > 3


def test_what_comes_after_the_bag_was_finished_is_left_out(recorder, speak, node, tmp_path):
    recording = recorder(topics=[COMMAND])
    speak(lambda: int(recording.report().values["messages"]) > 0, "commands in the bag")
    recording.stop()
    written = recording.report().values["messages"]
    other = PolledSubscription(node, Float64MultiArray, COMMAND, qos.of(COMMAND))
    speak(lambda: other.take(), "a command after the end")
    recording.stop()
    assert not recording.failed
    assert recording.report().values["messages"] == written


def test_a_recording_that_is_not_whole_is_a_failure_of_its_node(
    recorder, speak, tmp_path, monkeypatch, capsys
):
    recording = recorder(topics=[COMMAND])
    disk_is_full = OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise disk_is_full

    monkeypatch.setattr(recording._bag._writer, "write", refuse)
    speak(lambda: recording.report().level == Level.ERROR, "the recorder to say so")
    assert not recording.failed, "the pipeline goes on as long as it is wanted"
    recording.stop()
    assert recording.failed
    said = capsys.readouterr().err
    assert f"kpm_ros: recording has stopped: cannot write to the bag {tmp_path}" in said
    assert "No space left on device" in said
    assert "Traceback" not in said


def test_a_bag_tells_code_model_parameters_and_host(recorder, make_node, node, context, tmp_path):
    executor = SingleThreadedExecutor(context=context)
    other = make_node(GestureNode, timeout_s=0.125)
    recording = recorder(topics=["effort/info"])
    for one in (other, recording):
        executor.add_node(one)
    profile = qos.of("effort/info")
    publisher = node.create_publisher(EffortInfo, "effort/info", profile)
    publisher.publish(EffortInfo(model="a-model", model_sha256="ab" * 32))
    full = other.get_fully_qualified_name()

    def spun():
        executor.spin_once(timeout_sec=0.1)
        return full in recording._survey.values and int(recording.report().values["messages"])

    wait_for(spun, "the other node's parameters, and the model")
    other.set_parameters([Parameter("heartbeat_hz", value=10.0)])

    def changed():
        executor.spin_once(timeout_sec=0.1)
        return recording._survey.values[full]["heartbeat_hz"] == 10.0

    wait_for(changed, "a parameter that was changed since")
    executor.shutdown()
    recording.stop()
    with BagReader(tmp_path / "bag") as bag:
        facts = bag.facts
    assert (facts["model"], facts["model_sha256"]) == ("a-model", "ab" * 32)
    parameters = json.loads(facts["parameters"])
    assert parameters[full]["timeout_s"] == 0.125
    assert parameters[full]["heartbeat_hz"] == 10.0
    assert parameters[recording.get_fully_qualified_name()]["storage"] == "mcap"
    host = json.loads(facts["host"])
    assert {"processor", "cores", "system", "python", "numpy", "rmw"} <= host.keys()
    assert facts.get("commit", "") == provenance.commit()


def test_what_every_node_says_is_recorded_also_what_it_said_before(recorder, node, tmp_path):
    node.get_logger().info("said before the recorder was there")
    recording = recorder(topics=list(SPOKEN_BY_EVERY_NODE))
    wait_for(lambda: int(recording.report().values["messages"]), "a line of the log")
    recording.stop()
    with BagReader(tmp_path / "bag") as bag:
        assert set(bag.topics) == {"/diagnostics", "/parameter_events", "/rosout"}
        lines = [bag.decode(message).msg for message in bag.messages(["/rosout"])]
    assert "said before the recorder was there" in lines
