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

"""A movement of hands played for the real graph: effort comes out of it, and joints and markers."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from kpm_ros.msg import Landmarks
from sensor_msgs.msg import JointState
from visualization_msgs.msg import MarkerArray

from kpm_ros.client import EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.models.weight_files import save_model
from kpm_ros.nodes import qos
from kpm_ros.nodes.motion_player_node import MotionPlayerNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.pipeline_options import simulated_room
from kpm_ros.wire.decode import time_ns
from support.graph import RunningGraph
from support.hand_motions import tapping
from support.models import IN_SPACE, small
from support.waiting import QUEUED, wait_for

NAMESPACE = "test_motion_player"


@pytest.mark.graph
def test_effort_joints_and_markers_come_of_a_played_movement(node, domain, tmp_path) -> None:
    model, motion = tmp_path / "space.safetensors", tmp_path / "motion.npz"
    save_model(model, *small(streams=IN_SPACE))
    tapping(seconds=6.0).save(motion)
    options = ["source:=topics", f"registration:={simulated_room()}", f"model:={model}"]
    options += ["emg:=false", "exo:=false", "gesture:=false"]
    reader = EffortReader(node, f"/{NAMESPACE}/effort", depth=QUEUED)
    deep = qos.QoSProfile(depth=2000, reliability=qos.ReliabilityPolicy.RELIABLE)
    heard = {
        name: PolledSubscription(node, kind, f"/{NAMESPACE}/{name}", profile)
        for name, kind, profile in (
            ("motion/joint_states", JointState, deep),
            ("motion/markers", MarkerArray, qos.of("motion/markers")),
        )
    }
    command = [sys.executable, "-m", "kpm_ros.cli", "play", str(motion)]
    # Begun first: while it waits for the graph, it finds who listens to joints.
    playing = subprocess.Popen([*command, "--namespace", NAMESPACE, "--wait", "90"])
    with RunningGraph(NAMESPACE, options) as graph:
        wait_for(lambda: reader.take().valid.any(), "valid effort of a played movement", 90)
        wait_for(lambda: heard["motion/markers"].take(), "markers", 30)
        assert playing.wait(60) == 0
        joints = [message for message, _ in heard["motion/joint_states"].take()]
        assert graph.stop() == 0
    assert "right_mcp2_flexion" in joints[0].name
    assert {"right_wrist_x", "right_wrist_y", "right_wrist_z"} <= set(joints[0].name)
    stamps = np.array([time_ns(message.header.stamp) for message in joints])
    # Every hundredth of a second, from when the listener was found, and no more than there are.
    assert set(np.diff(stamps).tolist()) == {10_000_000}
    assert 300 < len(stamps) < 610
    index = joints[0].name.index("right_mcp2_flexion")
    bent = np.array([message.position[index] for message in joints])
    assert np.ptp(bent) == pytest.approx(0.8, abs=0.05)


def test_a_played_movement_is_seen_by_both_cameras_and_begins_again(
    make_node, node, tmp_path, monkeypatch
) -> None:
    tapping(seconds=0.5).save(tmp_path / "a.npz")
    player = make_node(MotionPlayerNode, motion=str(tmp_path / "a.npz"), wait_s=0.0, loop=True)
    topic = f"{node.get_namespace()}/camera/top/landmarks"
    frames = PolledSubscription(node, Landmarks, topic, qos.of("camera/top/landmarks"))
    seen: list[Landmarks] = []

    def enough() -> bool:
        player.step()
        seen.extend(message for message, _ in frames.take())
        return len(seen) > 60

    wait_for(enough, "more frames than one pass has", 30)
    assert not player.finished
    assert {message.side for message in seen} == {"right"}
    assert all(len(message.points) == 63 for message in seen)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "motion is empty"),
        ({"motion": "nowhere.npz"}, "nowhere.npz"),
        ({"motion": "{folder}/a.npz", "start_s": 9.0}, "start_s is 9, but"),
        ({"motion": "{folder}/a.npz", "registration": "no.yaml"}, "no.yaml"),
    ],
)
def test_what_cannot_be_played_is_refused_in_words(make_node, tmp_path, values, sentence) -> None:
    tapping(seconds=0.5).save(tmp_path / "a.npz")
    given = {
        name: value.format(folder=tmp_path) if isinstance(value, str) else value
        for name, value in values.items()
    }
    with pytest.raises(ConfigurationError, match=sentence):
        make_node(MotionPlayerNode, **given)
