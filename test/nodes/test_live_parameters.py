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

"""Parameters that change while a node runs: within bounds, all or none; others say why not."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from kpm_ros.act.assistance import Assistance
from kpm_ros.nodes import qos
from kpm_ros.nodes.emg_node import EmgNode
from kpm_ros.nodes.exo_node import ExoNode
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.midi_node import MidiNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from kpm_ros.nodes.tracker_node import TrackerNode
from support.asking import Asking
from support.managed import active
from support.waiting import wait_for


@pytest.fixture
def ask(context, node, make_node):
    def start(kind: type, **parameters: Any) -> Asking:
        asked = make_node(kind, **parameters)
        if asked.managed:
            active(asked)
        return Asking(context, node, asked)

    return start


def test_gains_and_limits_change_together_or_not_at_all(ask):
    exo = ask(ExoNode)
    before = exo.node.settings
    refused = exo.set_all(deadband=0.2, max_torque_nm=99.0)
    assert not refused.successful
    assert refused.reason == "exo: max_torque_nm is 99.0, but must be from 0.001 to 50"
    assert exo.node.settings == before
    assert exo.get("deadband") == before.assistance.deadband

    assert exo.set_all(deadband=0.2, max_torque_nm=0.1, smoothing_s=0).successful
    config = exo.node._assistance.config
    assert (config.deadband, config.max_torque_nm, config.smoothing_s) == (0.2, 0.1, 0.0)
    assert exo.get("smoothing_s") == 0.0


def test_what_is_fixed_says_why_and_what_to_do(ask):
    exo = ask(ExoNode)
    [rate, stranger] = exo.set_each(rate_hz=100.0, gians=["a b 1"])
    assert not rate.successful
    assert "rate_hz cannot change now, for the pace is set" in rate.reason
    assert f"`ros2 lifecycle set {exo.node.get_fully_qualified_name()} deactivate`" in rate.reason
    assert not stranger.successful
    assert stranger.reason == "exo: there is no parameter 'gians' (did you mean 'gains'?)"
    [wait] = ask(SynchronizerNode).set_each(pose_wait_s=0.1)
    assert "replayed with one set of rules for all of it: give it another value" in wait.reason


def test_the_same_value_again_is_no_change(ask):
    exo = ask(ExoNode)
    assert exo.node.set_parameters_atomically([Parameter("deadband", value=0.03)]).successful


def test_other_joints_are_not_taken_over_while_somebody_follows_the_command(ask):
    exo = ask(ExoNode)
    before = exo.node.settings
    refused = exo.set_all(gains=["wrist 1DI 0.1"], deadband=0.3)
    assert not refused.successful
    assert "the joints would be wrist" in refused.reason
    assert exo.node.settings == before


@pytest.fixture
def well(monkeypatch):
    """Nothing is ever missing that arming needs."""
    monkeypatch.setattr(Assistance, "missing", lambda *_: [])


def test_enabled_reads_what_is_so_whoever_has_changed_it(ask, well):
    exo = ask(ExoNode, heals=["effort_stale"])
    assert exo.get("enabled") is False
    assert exo.call(SetBool, "enable", SetBool.Request(data=True)).success
    assert exo.get("enabled") is True
    assert exo.call(Trigger, "stop", Trigger.Request()).success
    assert exo.get("enabled") is False
    assert exo.set_all(enabled=True).successful
    assert exo.node._assistance.armed
    assert exo.set_all(enabled=False).successful
    assert not exo.node._assistance.armed


def test_enabled_is_false_once_assistance_has_disarmed_itself(ask, well):
    exo = ask(ExoNode)
    assistance = exo.node._assistance
    muscles = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
    assistance.describe(muscles, "one")
    assert exo.set_all(enabled=True).successful
    assistance.describe(muscles, "another")  # effort means something else now
    exo.node.step()
    exo.settle()
    assert exo.get("enabled") is False
    assert "another meaning" in assistance.command(exo.node.now()).reason


def test_gestures_are_enabled_by_the_parameter_as_by_the_service(ask):
    gesture = ask(GestureNode)
    assert gesture.set_all(enabled=True, timeout_s=0.1).successful
    assert gesture.node.report().values["enabled"] is True
    assert gesture.call(SetBool, "enable", SetBool.Request(data=False)).success
    assert gesture.get("enabled") is False


def test_time_cannot_become_anothers_while_a_node_runs(ask):
    exo = ask(ExoNode)
    for name in ("set_parameters", "set_parameters_atomically"):
        answer = exo.set_all(use_sim_time=True) if "atom" in name else None
        [answer] = [answer] if answer else exo.set_each(use_sim_time=True)
        assert not answer.successful
        assert "use_sim_time cannot change while the node runs" in answer.reason
    assert not exo.node.simulated_time
    assert not exo.node.get_clock().ros_time_is_active
    assert not exo.node.set_parameters([Parameter("use_sim_time", value=True)])[0].successful


def test_electrodes_and_envelope_are_judged_otherwise_from_now_on(ask, tmp_path):
    emg = ask(EmgNode, mvc_folder=str(tmp_path))
    envelope = emg.node.personal
    assert emg.set_all(hum_uv=5.0, silence_s=1.0).successful
    assert emg.node.health.config.hum_uv == 5.0
    assert emg.node.stream.config.silence_s == 1.0
    assert emg.node.personal is envelope
    assert emg.set_all(smooth_hz=3.0).successful
    assert emg.node.personal.envelope.config.smooth_hz == 3.0
    emg.node.personal.start_recording()
    refused = emg.set_all(smooth_hz=4.0, hum_uv=7.0)
    assert "being recorded" in refused.reason
    assert emg.node.health.config.hum_uv == 5.0


def test_another_hand_is_chosen_and_cleaned_up_without_loading_the_tracker_anew(ask):
    pytest.importorskip("mediapipe", reason="MediaPipe is not installed")
    hands = ask(TrackerNode, view="top", model="lite")
    tracker = hands.node._landmarks._tracker
    assert hands.set_all(hand="left", min_confidence=0.7, clean_up="smooth").successful
    output = hands.node._landmarks
    assert tracker.sides == ("left",)
    assert output._tracker is tracker
    assert tracker._tracker.config.min_confidence == 0.7
    assert all(output._cleaners)
    [refused] = hands.set_each(hands=1)
    assert "the tracker is loaded with it" in refused.reason
    [refused] = hands.set_each(hand="both")
    assert "is decided when the node starts" in refused.reason


def test_diagnostics_name_the_device_or_the_machine(node, make_node):
    diagnostics = PolledSubscription(node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics"))
    for kind, wishes in ((ExoNode, {}), (MidiNode, {"source": "tcp_server", "tcp_port": 0})):
        one = make_node(kind, **wishes)
        wait_for(lambda one=one: one._diagnostics._publisher.get_subscription_count(), "the test")
        one._diagnostics.send(one.report())
        name = one.get_fully_qualified_name().lstrip("/")
        [status] = wait_for(
            lambda name=name: [
                s for m, _ in diagnostics.take() for s in m.status if s.name == name
            ],
            "the diagnostics",
        )
        device = one.keys.device.name if kind is MidiNode else socket.gethostname()
        assert status.hardware_id == device
