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


"""A movement is played to a drive as joints' targets, while it is armed and not longer."""

from __future__ import annotations

import numpy as np
import pytest
from std_srvs.srv import SetBool, Trigger
from trajectory_msgs.msg import JointTrajectory

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.playback_node import PlaybackNode
from kpm_ros.nodes.polling import PolledSubscription
from support.asking import Asking
from support.managed import active
from support.waiting import wait_for

FAST = {"pace": 4.0, "max_speed_rad_s": 50.0}


@pytest.fixture
def file(tmp_path):
    """Fingers bend slowly for two seconds, from where they rest."""
    joints = np.tile(np.linspace(0.2, 0.8, 100, dtype=np.float32)[:, None], (1, 23))
    path = tmp_path / "bend.npz"
    HandMotion(50.0, {"right": OneHandMotion(np.ones(100, bool), joints=joints)}).save(path)
    return str(path)


def test_targets_come_while_it_is_armed_and_stop_when_told(node, make_node, context, file):
    playback = Asking(context, node, active(make_node(PlaybackNode, file=file, **FAST)))
    topic = "playback/targets"
    targets = PolledSubscription(node, JointTrajectory, topic, qos.deep(topic, 1000))
    wait_for(lambda: targets.publishers, "the node")
    playback.node.step()
    assert not targets.take()
    assert playback.call(SetBool, "enable", SetBool.Request(data=True)).success
    assert playback.get("enabled") is True

    taken = []

    def some():
        playback.node.step()
        taken.extend(message for message, _ in targets.take())
        return len(taken) > 10

    wait_for(some, "targets")
    assert taken[-1].joint_names[1] == "index_flexion"
    positions = np.array([message.points[0].positions for message in taken])
    assert positions[0] == pytest.approx(np.full(5, 0.2), abs=0.05)
    assert (np.diff(positions, axis=0) >= 0).all()
    assert playback.call(Trigger, "stop", Trigger.Request()).success
    playback.node.step()
    targets.take()
    playback.node.step()
    assert not targets.take()
    assert playback.get("enabled") is False


def test_the_end_of_the_movement_disarms(node, make_node, context, file):
    playback = Asking(context, node, active(make_node(PlaybackNode, file=file, **FAST)))
    assert playback.set_all(enabled=True).successful
    wait_for(lambda: playback.node.step() or not playback.node.arming.armed, "the end")
    playback.settle()
    assert playback.get("enabled") is False
    assert playback.node.report().values["reason"] == "the movement has ended"


@pytest.mark.parametrize(
    ("wishes", "words"),
    [
        ({"file": ""}, "file is empty: name a movement of hands"),
        ({"side": "left"}, "the movement has no left hand"),
        ({"enabled": True}, "playback starts disarmed"),
    ],
)
def test_what_cannot_be_played_is_refused_at_the_start(make_node, file, wishes, words):
    with pytest.raises(ConfigurationError, match=words):
        make_node(PlaybackNode, **{"file": file, **wishes})
