"""The recorder over real DDS: what is in its bag, under which name, and how it fails."""

from __future__ import annotations

import errno

import pytest
from std_msgs.msg import Float64MultiArray

from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.recorder_node import RecorderNode
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
    recording.stop()
    with BagReader(tmp_path / "bag") as bag:
        [name] = bag.topics
        assert name == f"{node.get_namespace()}/recorded/{COMMAND}"
        assert bag.counts[name] > 3


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
