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

"""The launch file starts the graph that graph.py describes."""

from __future__ import annotations

import os
from contextlib import nullcontext

import pytest

from support import launch_files
from support.bodies import saved_body_model

# isort: split
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument
from launch.events.process import ProcessExited

from kpm_ros import graph
from kpm_ros.operate import launching
from kpm_ros.operate.errors import UserError
from kpm_ros.operate.process_ends import LaunchEnds, Policy
from kpm_ros.pipeline_options import OPTIONS, PipelineOptions


@pytest.fixture
def launch_file():
    return launch_files.load("pipeline.launch.py")


@pytest.fixture
def context(launch_file):
    context = LaunchContext()
    for entity in launch_file.generate_launch_description().entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
    return context


def test_every_option_is_declared_with_its_meaning(launch_file):
    declared = {
        entity.name: entity
        for entity in launch_file.generate_launch_description().entities
        if isinstance(entity, DeclareLaunchArgument)
    }
    assert list(declared) == [option.name for option in OPTIONS]
    for option in OPTIONS:
        assert declared[option.name].description.startswith(option.description)
        assert declared[option.name].choices == (list(option.choices) or None)


@pytest.mark.skipif("AMENT_PREFIX_PATH" not in os.environ, reason="no ROS workspace is sourced")
def test_the_nodes_are_those_of_the_graph(launch_file, context):
    context.launch_configurations.update(exo="false", namespace="studio")
    nodes = launch_file.start_nodes(context)
    options = PipelineOptions(exo=False, namespace="studio")
    assert [node.node_executable for node in nodes] == [node.name for node in graph.build(options)]


@pytest.mark.skipif("AMENT_PREFIX_PATH" not in os.environ, reason="no ROS workspace is sourced")
def test_a_body_before_a_webcam_is_a_matter_of_two_options(launch_file, context, tmp_path):
    model = str(saved_body_model(tmp_path))
    context.launch_configurations.update(subject="body", cameras="0", model=model, emg="false")
    nodes = launch_file.start_nodes(context)
    names = ["camera", "synchronizer", "inference", "exo", "gesture"]
    assert [node.node_executable for node in nodes] == names


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [("views", "top,top", "each camera view once"), ("model", "nonesuch", "nonesuch")],
)
def test_what_cannot_work_is_refused_in_words(launch_file, context, name, value, says):
    context.launch_configurations[name] = value
    with pytest.raises((ValueError, UserError), match=says):
        launch_file.start_nodes(context)


@pytest.mark.parametrize(("status", "ends"), [(2, True), (1, False), (0, False), (-9, False)])
def test_a_refused_configuration_ends_the_launch_as_failed(launch_file, status, ends):
    event = ProcessExited(
        action=None, name="exo-1", cmd=[], cwd="", env={}, pid=1, returncode=status
    )
    refusal = pytest.raises(RuntimeError, match="exo-1 refused") if ends else nullcontext()
    with refusal:
        launch_file.end_of_a_node(LaunchEnds(Policy()))(event, LaunchContext())


@pytest.mark.skipif("AMENT_PREFIX_PATH" not in os.environ, reason="no ROS workspace is sourced")
def test_every_node_ends_with_the_launch(launch_file, context):
    for node in launch_file.start_nodes(context):
        executable = node.process_description
        words = "".join(part.perform(context) for part in executable.prefix)
        assert words == launching.prefix(node.node_executable)
