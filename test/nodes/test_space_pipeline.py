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

"""A model of the keyboard's frame in the real graph: where cameras stand goes all the way."""

from __future__ import annotations

import itertools
import json

import numpy as np
from kpm_ros.msg import HandPoints
from rclpy.executors import SingleThreadedExecutor
from visualization_msgs.msg import MarkerArray

from kpm_ros.cli import main
from kpm_ros.client import EffortReader
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.registration import Registration
from kpm_ros.models.weight_files import save_model
from kpm_ros.nodes import qos
from kpm_ros.pipeline_options import simulated_room
from kpm_ros.replay.bag_reader import BagReader
from support.graph import RunningGraph
from support.models import IN_SPACE, small
from support.waiting import QUEUED, wait_for

names = (f"space_{i}" for i in itertools.count())


def test_a_hand_in_space_is_estimated_shown_recorded_and_replayed(node, domain, tmp_path) -> None:
    model, bag = tmp_path / "space.safetensors", tmp_path / "bag"
    save_model(model, *small(streams=IN_SPACE))
    options = [f"model:={model}", "body:=plain", "emg:=false", "exo:=false", "gesture:=false"]
    heard: dict[str, list] = {"hand/points": [], "hand/markers": []}
    with RunningGraph(next(names), [*options, f"record:={bag}"]) as graph:
        for (name, messages), kind in zip(heard.items(), (HandPoints, MarkerArray), strict=True):
            topic = f"/{graph.namespace}/{name}"
            node.create_subscription(kind, topic, messages.append, qos.of(name))
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        wait_for(lambda: reader.take().valid.any(), "valid effort", 90)
        came = itertools.accumulate(iter(lambda: int(reader.take().valid.sum()), None))
        wait_for(lambda: next(came) > 4_000, "two seconds of valid effort", 90)
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)

        def seen() -> bool:
            executor.spin_once(timeout_sec=0.1)
            return min(map(len, heard.values())) > 10

        wait_for(seen, "points and markers", 30)
        executor.shutdown()
        assert graph.stop() == 0
    newest = heard["hand/points"][-1]
    points = np.array(newest.points).reshape(-1, 3)
    assert newest.header.frame_id == "keyboard"
    assert newest.skeleton == "mediapipe-hand"
    assert len(newest.covariance) == 6 * len(points) == 6 * 21
    assert (np.abs(points[:, 0] - KEY_X_M.mean()) < 0.7).all()
    assert (np.array(newest.covariance).reshape(-1, 6)[:, 0] > 0).all()
    assert len(heard["hand/markers"][-1].markers) == len(points) + 1
    with BagReader(bag) as recorded:
        assert f"/{graph.namespace}/camera/right/landmarks" in recorded.topics
        told = recorded.facts["registration"]
    assert Registration.from_plain(json.loads(told), "it") == Registration.read(simulated_room())
    words = ["replay", str(bag), "--model", str(model), "--namespace", graph.namespace]
    assert main([*words, "--compare"]) == 0
