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


"""Whatever happens between effort and a machine ends in zero at the drive, behind the relay."""

from __future__ import annotations

import time
from contextlib import suppress
from itertools import count
from random import Random

import pytest
from kpm_ros.msg import AssistCommand, DriveState
from sensor_msgs.msg import Joy

from kpm_ros.act.assistance_config import illustrative_gain
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.polling import PolledSubscription
from support.background import Background
from support.intruder import Intruder, Rival
from support.stage import Stage, namespaces
from support.waiting import wait_for
from support.witness import time_to_zero_ms

JOINTS = list(illustrative_gain())
PEDAL = """
/**/exo:
  ros__parameters:
    deadman_button: 0
"""


class Pedal(Background):
    """A pedal that is held down, 200 times a second, unless it is let go or broken."""

    def __init__(self, stage):
        super().__init__()
        self.held, self.silent = True, False
        self._publisher = stage.node.create_publisher(
            Joy, f"/{stage.namespace}/assist/deadman", qos.of("assist/deadman")
        )

    def work(self):
        while not self.stopping.wait(0.005):
            if not self.silent:
                message = Joy(buttons=[int(self.held)])
                message.header.stamp = outgoing.time_message(time.time_ns())
                self._publisher.publish(message)


class StageWithPedal(Stage):
    """A graph whose relay is the drive, and that moves only while a pedal is held."""

    def wait_for_torque(self):
        if not hasattr(self, "pedal"):
            self.pedal = self._stack.enter_context(Pedal(self))
        self.pedal.held, self.pedal.silent = True, False
        super().wait_for_torque()


@pytest.fixture(scope="module")
def running_stage(context, tmp_path_factory):
    """The real graph, with a relay and a pedal."""
    file = tmp_path_factory.mktemp("parameters") / "pedal.yaml"
    file.write_text(PEDAL)
    options = ["drive:=here", f"params_file:={file}"]
    name = next(namespaces("drive"))
    with StageWithPedal(context, name, options, command="drive/command") as made:
        yield made


def test_a_pedal_that_is_let_go_needs_somebody_to_arm(stage, record_property):
    stage.wait_for_torque()
    began_ns = time.time_ns()
    stage.pedal.held = False
    time_to_zero_ms(record_property, stage.witness, began_ns)
    stage.pedal.held = True
    stage.witness.wait_for_news("exo")
    assert stage.witness.values("exo")["state"] == "disarmed"
    assert "released" in stage.witness.values("exo")["reason"]
    assert not any(stage.witness.torque)


def test_a_pedal_that_is_unplugged_counts_as_let_go(stage, record_property):
    stage.wait_for_torque()
    began_ns = time.time_ns()
    stage.pedal.silent = True
    time_to_zero_ms(record_property, stage.witness, began_ns)
    stage.pedal.silent = False


def test_a_second_pedal_beside_the_first_counts_as_none(stage, record_property):
    with Intruder(stage) as intruder:
        intruder.stand_ready("assist/deadman", Joy)
        began_ns = time.time_ns()
        with Rival(lambda: intruder.send("assist/deadman", Joy(buttons=[1]))):
            time_to_zero_ms(record_property, stage.witness, began_ns)


def test_an_exo_node_that_is_killed_leaves_the_drive_at_zero(stage, record_property):
    stage.wait_for_torque()
    began_ns = time.time_ns()
    stage.graph.kill("exo")
    wait_for(lambda: not any(stage.witness.torque), "zero at the drive")
    time_to_zero_ms(record_property, stage.witness, began_ns)
    stage.accept_restart("exo")
    assert not any(stage.witness.torque)


def test_an_exo_node_that_stands_still_leaves_the_drive_at_zero(stage, record_property):
    stage.wait_for_torque()
    began_ns = time.time_ns()
    with stage.stopped("exo"):
        wait_for(lambda: not any(stage.witness.torque), "zero at the drive")
        moved_ns = stage.witness.moved_ns
    record_property("zero_ms", round((moved_ns - began_ns) / 1e6, 1))
    # It comes back by itself, from zero and by the ramp.
    stage.witness.wait_for_news("exo")
    stage.wait_for_torque()


def test_an_estimator_that_stands_still_leaves_the_drive_at_zero(stage, record_property):
    stage.wait_for_torque()
    began_ns = time.time_ns()
    with stage.stopped("inference"):
        time_to_zero_ms(record_property, stage.witness, began_ns)


def command(sequence, **changes):
    fields = {
        "session": 7,
        "sequence": next(sequence),
        "valid_s": 0.05,
        "joints": JOINTS,
        "torque_nm": [0.3] * len(JOINTS),
    }
    return AssistCommand(**fields | changes)


def test_a_second_sender_of_commands_moves_nothing(stage, record_property):
    sequence = count()
    with Intruder(stage) as intruder:
        topic = "assist/command_stamped"
        intruder.stand_ready(topic, AssistCommand, "relay")
        began_ns = time.time_ns()
        with Rival(lambda: intruder.send(topic, command(sequence))):
            time_to_zero_ms(record_property, stage.witness, began_ns)
            stage.witness.wait_for_news("exo")
            assert "a second publisher sends commands" in stage.witness.values("exo")["reason"]


@pytest.mark.parametrize(
    "changes",
    [
        {"joints": ["wrist"], "torque_nm": [0.1]},
        {"torque_nm": [float("nan")] * 5},
        {"valid_s": -1.0},
    ],
    ids=["of a joint that is not there", "of no number", "of no duration"],
)
def test_a_command_that_no_drive_may_get_stops_it(stage, record_property, changes):
    sequence = count()
    with Intruder(stage) as intruder:
        topic = "assist/command_stamped"
        intruder.stand_ready(topic, AssistCommand, "relay")
        began_ns = time.time_ns()
        with Rival(lambda: intruder.send(topic, command(sequence, **changes))):
            time_to_zero_ms(record_property, stage.witness, began_ns)


def test_bytes_that_are_no_command_stop_the_drive(stage, record_property):
    random = Random(3)

    def send():
        with suppress(Exception):  # some, the middleware does not even send
            intruder.send_bytes(
                "assist/command_stamped", AssistCommand, b"\0\1\0\0" + random.randbytes(90)
            )

    with Intruder(stage) as intruder:
        intruder.stand_ready("assist/command_stamped", AssistCommand, "relay")
        began_ns = time.time_ns()
        with Rival(send):
            time_to_zero_ms(record_property, stage.witness, began_ns)


def test_a_relay_that_is_killed_disarms_and_what_follows_it_begins_at_zero(stage):
    """While it is away nobody speaks to the drive, which must take silence for zero."""
    stage.wait_for_torque()
    topic = f"/{stage.namespace}/drive/state"
    states = PolledSubscription(stage.node, DriveState, topic, qos.of("drive/state"))
    stage.graph.kill("relay")
    said = "the drive has echoed nothing"
    wait_for(lambda: said in stage.witness.values("exo")["reason"], "the exo node to disarm")
    assert stage.witness.values("exo")["state"] == "disarmed"
    states.take()
    first = wait_for(states.take, "the next relay")[0][0]
    states.close()
    assert not any(first.torque_nm)
    stage.accept_start("relay")
