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

"""The exoskeleton and the drivers in ROS's lifecycle, moved through it as `ros2 lifecycle` does."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from kpm_ros.msg import KeyEvent
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetAvailableTransitions, GetState
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Float64MultiArray
from std_srvs.srv import SetBool

from kpm_ros import graph
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.camera_node import CameraNode
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.emg_node import EmgNode
from kpm_ros.nodes.exo_node import ExoNode
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.midi_node import MidiNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.relay_node import RelayNode
from support.asking import Asking
from support.waiting import wait_for

CONFIGURE, ACTIVATE = Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE
DEACTIVATE, CLEAN_UP = Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP
MANAGED = (CameraNode, MidiNode, EmgNode, ExoNode, RelayNode)


class Manager(Asking):
    """Moves a node through its states."""

    def move(self, *transitions: int) -> bool:
        requests = [ChangeState.Request(transition=Transition(id=id_)) for id_ in transitions]
        return all(self.call(ChangeState, "change_state", each).success for each in requests)

    @property
    def state(self) -> str:
        return str(self.call(GetState, "get_state", GetState.Request()).current_state.label)


@pytest.fixture
def manage(context, node, make_node):
    def start(kind: type, **parameters: Any) -> Manager:
        managed = make_node(kind, autostart=False, **parameters)
        managed.start()
        return Manager(context, node, managed)

    return start


def listen(node: Any, kind: type, topic: str) -> PolledSubscription[Any]:
    subscription = PolledSubscription(node, kind, topic, qos.deep(topic, 10_000))
    wait_for(lambda: subscription.publishers, topic)
    return subscription


def test_the_graph_says_which_nodes_are_managed():
    assert {kind.name for kind in MANAGED} == set(graph.MANAGED)
    assert all(issubclass(kind, ManagedNode) for kind in MANAGED)


def test_a_managed_node_offers_what_a_lifecycle_node_of_ros_does(context, node, manage):
    exo = manage(ExoNode)
    own = LifecycleNode("own", context=context, namespace=node.get_namespace())
    reference = Manager(context, node, own)
    for service in ("get_available_transitions", "get_transition_graph"):
        request = GetAvailableTransitions.Request()
        ours, theirs = (
            one.call(GetAvailableTransitions, service, request).available_transitions
            for one in (exo, reference)
        )
        assert ours == theirs
    services = [
        {name.rpartition("/")[2] for name, _ in found}
        for found in (
            node.get_service_names_and_types_by_node(one.node.get_name(), node.get_namespace())
            for one in (exo, reference)
        )
    ]
    assert services[1] <= services[0]
    for steps in ((CONFIGURE,), (ACTIVATE,), (DEACTIVATE,), (CLEAN_UP,)):
        assert exo.move(*steps) == reference.move(*steps) is True
        assert exo.state == reference.state
    assert exo.move(ACTIVATE) == reference.move(ACTIVATE) is False
    own.destroy_node()


def test_the_exoskeleton_commands_while_it_is_active_and_ends_in_zero(node, manage):
    exo = manage(ExoNode)
    commands = listen(node, Float64MultiArray, "assist/command")
    assert exo.state == "unconfigured"
    assert exo.move(CONFIGURE)
    assert exo.state == "inactive"
    assert exo.node.report().message == "inactive: nothing is published"
    exo.node.step()
    assert not commands.take()

    assert exo.move(ACTIVATE)
    wait_for(commands.take, "commands")
    with exo.node.lock:
        exo.node.arming.armed = True
        exo.node._assistance._slew.value = [0.2] * exo.node._joints
        exo.node._send([0.2] * exo.node._joints, exo.node.now())
    assert exo.move(DEACTIVATE)
    taken = []
    wait_for(lambda: taken.extend(commands.take()) or any(any(m.data) for m, _ in taken), "torque")
    exo.node.step()
    taken += commands.take()
    assert not any(taken[-1][0].data)
    assert exo.get("enabled") is False

    answer = exo.call(SetBool, "enable", SetBool.Request(data=True))
    assert not answer.success
    assert "cannot be armed while the node is inactive: activate it first" in answer.message
    assert exo.move(ACTIVATE)
    wait_for(commands.take, "commands again")
    assert not exo.node._assistance.armed


def test_settings_that_are_fixed_may_change_before_they_are_used(node, manage):
    exo = manage(ExoNode)
    assert exo.set_all(rate_hz=50.0, gains=["wrist 1DI 0.1"]).successful
    refused = exo.set_all(autostart=True)
    assert "looked at only at the start" in refused.reason
    assert "restart" in refused.reason
    assert exo.move(CONFIGURE)
    assert exo.node._assistance.config.joints == ("wrist",)
    assert not exo.set_all(rate_hz=100.0).successful
    assert exo.move(CLEAN_UP)
    assert exo.set_all(rate_hz=100.0).successful


def test_a_piano_is_connected_while_inactive_and_heard_while_active(node, manage):
    midi = manage(MidiNode, source="tcp_server", tcp_port=0)
    events = listen(node, KeyEvent, "keys/events")
    assert not midi.node.keys.connected
    assert midi.move(CONFIGURE)
    device: Any = midi.node.keys.device
    wait_for(lambda: device.port, "the server to listen")
    with socket.create_connection(("127.0.0.1", device.port)) as line:
        wait_for(lambda: midi.node.keys.connected, "the piano")
        line.sendall(bytes([0x90, 60, 80]))
        wait_for(lambda: midi.node.keys.decoder.sounding, "the note")
        assert not events.take()

        assert midi.move(ACTIVATE)
        line.sendall(bytes([0x90, 64, 80]))
        taken = []
        notes = lambda kind: [m.note for m, _ in taken if m.kind == kind]  # noqa: E731
        wait_for(lambda: taken.extend(events.take()) or notes(KeyEvent.NOTE_ON), "the next note")
        assert notes(KeyEvent.NOTE_ON) == [64]
        assert midi.move(DEACTIVATE)
        wait_for(lambda: taken.extend(events.take()) or notes(KeyEvent.ALL_NOTES_OFF), "their end")
        assert set(notes(KeyEvent.NOTE_OFF)) == {60, 64}
        assert midi.node.keys.connected
        assert midi.move(CLEAN_UP)
        assert line.recv(1) == b""


def test_what_cannot_be_configured_is_said_and_may_be_mended(manage, tmp_path):
    midi = manage(MidiNode, source="tcp_server", tcp_port=0)
    assert midi.set_all(source="file", file=str(tmp_path / "none.mid")).successful
    assert not midi.move(CONFIGURE)
    assert midi.state == "unconfigured"
    assert "no MIDI file at" in str(midi.node._refusal)
    assert midi.set_all(source="tcp_server").successful
    assert midi.move(CONFIGURE)
    assert midi.state == "inactive"


@pytest.mark.parametrize("kind", [OSError, ConfigurationError])
def test_a_step_that_breaks_is_told_and_leaves_nothing_open(manage, capfd, kind):
    midi = manage(MidiNode, source="tcp_server", tcp_port=0)

    configure = midi.node.configure

    def broken() -> None:
        configure()
        raise kind("the cable is on fire")

    midi.node.configure = broken
    assert not midi.move(CONFIGURE)
    assert midi.state == "unconfigured"
    assert "the cable is on fire" in capfd.readouterr().err
    assert not midi.node._loops
    assert not midi.node.keys.connected
    midi.node.configure = configure
    assert midi.move(CONFIGURE, ACTIVATE)


@pytest.mark.parametrize("kind", [MidiNode, EmgNode, ExoNode])
def test_a_node_starts_itself_unless_it_is_told_not_to(make_node, kind, tmp_path):
    wishes = {MidiNode: {"source": "tcp_server", "tcp_port": 0}, ExoNode: {}}
    one = make_node(kind, **wishes.get(kind, {"mvc_folder": str(tmp_path)}))
    one.start()
    assert one.state == "active"
    assert one.report().values["lifecycle"] == "active"
    one.stop()
    assert one.state == "finalized"
    assert one.report().level >= Level.DEGRADED


def test_a_setting_that_cannot_work_is_refused_at_the_start_as_ever(context, node):
    with pytest.raises(ConfigurationError, match="file is empty"):
        MidiNode(
            context=context,
            namespace=node.get_namespace(),
            cli_args=["--ros-args", "-p", "source:=file"],
        )
