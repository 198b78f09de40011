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

"""The launch file of a replay runs the pipeline on the bag's time, and ends with the bag."""

from __future__ import annotations

import pytest

from support import launch_files

# isort: split
from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, Shutdown
from launch.events.process import ProcessExited

from kpm_ros.core.settings import make_settings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.operate import launching
from kpm_ros.operate.errors import UserError
from support import bags

GIVEN = {"namespace": "studio", "loop": "true", "rate": "2"}


@pytest.fixture
def launch_file():
    return launch_files.load("replay.launch.py")


@pytest.fixture(scope="module")
def bag(tmp_path_factory):
    entries = bags.entries(bags.played(0.3))
    return bags.write(tmp_path_factory.mktemp("bag") / "bag", entries)


def start(launch_file, **given):
    """The entities that are started for these arguments, and what their context is."""
    context = LaunchContext()
    context.launch_configurations.update(given)
    for argument in launch_file.ARGUMENTS:
        argument.execute(context)
    return context, launch_file.start(context)


def player(launch_file, **given):
    context, (_, opaque) = start(launch_file, **{**GIVEN, **given})
    [action] = opaque.execute(context)
    return action


def ended(status):
    return ProcessExited(
        action=None, name="player-5", cmd=[], cwd="", env={}, pid=1, returncode=status
    )


def test_the_pipeline_takes_its_samples_and_its_time_from_the_bag(launch_file, bag):
    entities = launch_file.generate_launch_description().entities
    names = [e.name for e in entities if isinstance(e, DeclareLaunchArgument)]
    assert names == ["bag", "rate", "loop", "start_s", "player"]
    _, (included, _) = start(launch_file, bag=str(bag))
    assert isinstance(included, IncludeLaunchDescription)
    assert dict(included.launch_arguments) == {"source": "topics", "use_sim_time": "true"}


@pytest.mark.parametrize(
    ("given", "says"),
    [({"rate": "fast"}, "rate is 'fast'"), ({"bag": "/nope"}, "no bag at /nope")],
)
def test_what_cannot_be_played_is_refused_before_anything_is_started(launch_file, bag, given, says):
    with pytest.raises(UserError, match=says):
        start(launch_file, **{"bag": str(bag), **given})


def test_the_player_is_given_settings_that_it_takes(launch_file, bag):
    assert player(launch_file, bag=str(bag)).node_executable == "player"
    settings = launching.check_replay({"bag": str(bag), "start_s": "0", **GIVEN}).parameters
    assert make_settings("player", PlayerSettings, settings) == PlayerSettings(
        bag=str(bag), rate=2.0, loop=True
    )


def test_ros_own_player_is_given_what_devices_said(launch_file, bag):
    action = player(launch_file, bag=str(bag), player="ros2")
    words = [part.text for word in action.cmd for part in word]
    replay = launching.check_replay({"bag": str(bag), "start_s": "0", **GIVEN})
    assert words == replay.ros2_command("studio")
    assert "/kpm/keys/events:=/studio/keys/events" in words


def test_the_players_end_is_the_launchs(launch_file):
    [end] = launch_file.end_of_the_player(ended(0), LaunchContext())
    assert isinstance(end, Shutdown)
    with pytest.raises(RuntimeError, match="the player ended by itself"):
        launch_file.end_of_the_player(ended(127), LaunchContext())
