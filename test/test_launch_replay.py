"""The launch file of a replay runs the pipeline on the bag's time, and ends with the bag."""

from __future__ import annotations

import pytest

from support import launch_files

# isort: split
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription

from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.nodes.settings import check


@pytest.fixture
def launch_file():
    return launch_files.load("replay.launch.py")


@pytest.fixture
def context(launch_file):
    context = LaunchContext()
    context.launch_configurations.update(bag="/bags/etude", namespace="studio")
    for argument in launch_file.ARGUMENTS:
        argument.execute(context)
    return context


def test_the_pipeline_takes_its_samples_and_its_time_from_the_bag(launch_file):
    entities = launch_file.generate_launch_description().entities
    [included] = [e for e in entities if isinstance(e, IncludeLaunchDescription)]
    assert dict(included.launch_arguments) == {"source": "topics", "use_sim_time": "true"}
    names = [e.name for e in entities if isinstance(e, DeclareLaunchArgument)]
    assert names == ["bag", "rate", "loop", "start_s", "player"]


def test_the_player_is_given_settings_that_it_takes(launch_file, context):
    context.launch_configurations.update(rate="2", loop="true")
    [player] = launch_file.start_player(context)
    assert player.node_executable == "player"
    settings = launch_file.player_settings(context)
    assert check("player", PlayerSettings, settings) == PlayerSettings(
        bag="/bags/etude", rate=2.0, loop=True
    )


def test_ros_own_player_steps_the_clock_by_25_ms(launch_file, context):
    context.launch_configurations.update(player="ros2", start_s="1.5")
    [player] = launch_file.start_player(context)
    words = [part.text for word in player.cmd for part in word]
    assert words[:6] == ["ros2", "bag", "play", "/bags/etude", "--clock", "40"]
    assert words[words.index("--start-offset") + 1] == "1.5"
    assert "--loop" not in words
