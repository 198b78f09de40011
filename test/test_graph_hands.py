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

"""The graph of either hand, or both."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros import graph
from kpm_ros.core.resources import config_dir
from kpm_ros.models.weight_files import save_model
from kpm_ros.nodes import models
from kpm_ros.nodes.effort_settings import SynchronizerSettings
from kpm_ros.operate import preflight
from kpm_ros.operate.errors import UserError
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions
from support.models import IN_SPACE, light, small


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "in_space.safetensors"
    save_model(path, *small(streams=IN_SPACE, offset=(), scale=(), name="in-space"))
    return str(path)


def nodes_of(**given: str) -> dict[str, NodeSpec]:
    return {node.name: node for node in graph.build(PipelineOptions.from_strings(given))}


def test_both_hands_have_a_topic_each_and_one_inference_node(model: str) -> None:
    nodes = nodes_of(hand="both", model=model)
    landmarks = {name for name in nodes["synchronizer"].subscribes if "landmarks" in name}
    assert landmarks == {
        f"camera/{view}/{side}/landmarks" for view in ("top", "right") for side in ("left", "right")
    }
    assert landmarks <= set(nodes["simulator"].publishes)
    assert {node.parameters.get("hand") for name, node in nodes.items() if name != "exo"} == {
        "both",
        None,
    }
    gains = nodes["exo"].parameters["gains"]
    assert "left_index_abduction L_1DI 0.1" in gains
    assert "right_index_abduction R_1DI 0.1" in gains
    assert "left_thumb_press L_PB 1" in nodes["gesture"].parameters["gestures"]


def test_a_left_hand_is_published_as_one_hand_is(model: str) -> None:
    nodes = nodes_of(hand="left", model=model)
    assert "camera/top/landmarks" in nodes["simulator"].publishes
    assert nodes["exo"].parameters["gains"][0].startswith("left_thumb_abduction L_PB")


def test_of_the_right_hand_nothing_is_said(model: str) -> None:
    nodes = nodes_of(model=model)
    assert all("hand" not in node.parameters for node in nodes.values())
    assert "gains" not in nodes["exo"].parameters


def test_each_camera_finds_both_hands(model: str, tmp_path: Path) -> None:
    registration = str(config_dir() / "rooms" / "simulated.yaml")
    nodes = nodes_of(
        hand="both", model=model, source="devices", cameras="0,1", registration=registration
    )
    assert nodes["camera_top"].publishes == (
        "camera/top/left/landmarks",
        "camera/top/right/landmarks",
    )
    assert nodes["camera_right"].parameters["hand"] == "both"


def test_cameras_that_are_not_registered_show_both_hands_each(model: str) -> None:
    nodes = nodes_of(hand="both", model=model, source="devices", cameras="0,1")
    for view in ("view1", "view2"):
        assert nodes[f"camera_{view}"].publishes == (
            f"camera/{view}/left/landmarks",
            f"camera/{view}/right/landmarks",
        )


def test_the_grid_is_that_of_the_models_own_network(model: str) -> None:
    one, two = (
        models.aligner_config(SynchronizerSettings(model=model, hand=hand))
        for hand in ("right", "both")
    )
    assert one.frame == two.frame
    assert two.streams.names == ("hand_left", "hand_right", "keys")


def test_a_model_of_pictures_alone_is_refused_before_anything_starts(tmp_path: Path) -> None:
    path = tmp_path / "pictures.safetensors"
    save_model(path, *light())
    with pytest.raises(UserError, match="of another room"):
        preflight.check(PipelineOptions.from_strings({"hand": "left", "model": str(path)}))
