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

"""What Foxglove's layout and RViz's configuration show is what the graph says, by those types."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from kpm_ros import pipeline_topics
from kpm_ros.core.resources import DEFAULT_MODEL, config_dir, find_model
from kpm_ros.models.weight_files import read_card
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.replay.definitions import known_types
from kpm_ros.wire.encode import KEYBOARD_FRAME

PREFIX = f"/{PipelineOptions().namespace}/"
FOXGLOVE = json.loads((config_dir() / "foxglove.json").read_text())
RVIZ = yaml.safe_load((config_dir() / "kpm.rviz").read_text())["Visualization Manager"]
SHOWS = {
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
}
NUMBERS = {"float32", "float64", "uint8", "uint16", "uint32", "uint64", "int32"}
RELIABLE = {"events", "chunks", "latched", "command", "diagnostics", "log"}
"""Profiles that a reliable reader is given anything by."""


def panels(kind):
    return [about for name, about in FOXGLOVE["configById"].items() if name.startswith(f"{kind}!")]


def topic(name):
    """Find what the graph knows of a topic's full name."""
    return pipeline_topics.topic(name.removeprefix(PREFIX))


def field_type(path):
    """Type of what a path such as /topic.field.part[0] is, by the message's definition."""
    name, *fields = path.split(".")
    kind = topic(name).type
    for field in fields:
        word, element = re.fullmatch(r"(\w+)(\[\d+\])?", field).groups()
        found = dict(known_types().fielddefs[kind][1])[word]
        if element:
            assert found[0].name in ("ARRAY", "SEQUENCE"), f"{path}: {word} is no array"
            found = found[1][0]
        assert found[0].name in ("BASE", "NAME"), f"{path}: {word} is an array"
        kind = found[1][0] if found[0].name == "BASE" else found[1]
    return kind


def leaves(layout):
    return (
        [layout] if isinstance(layout, str) else leaves(layout["first"]) + leaves(layout["second"])
    )


def test_every_panel_of_the_layout_has_its_place_and_no_other_has():
    assert sorted(leaves(FOXGLOVE["layout"])) == sorted(FOXGLOVE["configById"])


def test_curves_are_numbers_and_states_are_there_of_messages_that_the_graph_has():
    curves = [path["value"] for plot in panels("Plot") for path in plot["paths"]]
    assert {field_type(path) for path in curves} <= NUMBERS
    states = [path["value"] for shown in panels("StateTransitions") for path in shown["paths"]]
    assert {field_type(path) for path in states} <= NUMBERS | {"string", "bool"}


def test_curves_are_called_what_the_usual_models_muscles_are():
    (plot,) = panels("Plot")
    named = {path["value"]: path["label"] for path in plot["paths"]}
    muscles = read_card(find_model(DEFAULT_MODEL)).muscles
    assert named == {f"{PREFIX}effort/view.effort[{k}]": name for k, name in enumerate(muscles)}


def test_foxglove_shows_pictures_markers_and_diagnostics_as_they_are_sent():
    (space,) = panels("3D")
    assert {topic(name).type for name in space["topics"]} == {"visualization_msgs/msg/MarkerArray"}
    assert space["followTf"] == KEYBOARD_FRAME
    assert {layer["frameId"] for layer in space["layers"].values()} == {KEYBOARD_FRAME}
    (image,) = (panel["imageMode"] for panel in panels("Image"))
    assert topic(image["imageTopic"]).type == "sensor_msgs/msg/Image"
    assert topic(image["calibrationTopic"]).type == "sensor_msgs/msg/CameraInfo"
    ((nodes,), (log,)) = panels("DiagnosticSummary"), panels("RosOut")
    assert topic(nodes["topicToRender"]).type == "diagnostic_msgs/msg/DiagnosticArray"
    assert topic(log["topicToRender"]).type == "rcl_interfaces/msg/Log"


@pytest.mark.parametrize(
    "display", [one for one in RVIZ["Displays"] if "Topic" in one], ids=lambda one: one["Name"]
)
def test_rviz_shows_topics_as_they_are_sent(display):
    about = topic(display["Topic"]["Value"])
    assert about.type == SHOWS[display["Class"]]
    reliable = display["Topic"]["Reliability Policy"] == "Reliable"
    assert not reliable or about.qos in RELIABLE
    assert display["Topic"]["Durability Policy"] == "Volatile"


def test_rviz_stands_in_the_keyboards_frame():
    frames = [RVIZ["Global Options"]["Fixed Frame"], RVIZ["Views"]["Current"]["Target Frame"]]
    frames += [one["Reference Frame"] for one in RVIZ["Displays"] if "Reference Frame" in one]
    assert set(frames) == {KEYBOARD_FRAME}
