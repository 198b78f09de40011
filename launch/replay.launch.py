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

"""A bag through the pipeline: `ros2 launch kpm_ros replay.launch.py bag:=out/demo/bag`.

Takes every option of pipeline.launch.py but `source` and `use_sim_time`. It ends with the bag.
Only what devices said is played, whichever player plays it.
"""

from functools import partial
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.events.process import ProcessExited
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from kpm_ros.operate import launching
from kpm_ros.operate.process_ends import describe_status

PIPELINE = Path(__file__).resolve().parent / "pipeline.launch.py"
FIXED = {"source": "topics", "use_sim_time": "true"}
PLAYERS = ("kpm", "ros2")

ARGUMENTS = (
    DeclareLaunchArgument("bag", description="the bag's folder, or one of its files"),
    DeclareLaunchArgument("rate", default_value="1.0", description="how fast it is played"),
    DeclareLaunchArgument(
        "loop",
        default_value="false",
        description="whether it begins again at its end",
        choices=["true", "false"],
    ),
    DeclareLaunchArgument("start_s", default_value="0.0", description="how far in to begin"),
    DeclareLaunchArgument(
        "player",
        default_value="kpm",
        description="what plays it: this package's player, or `ros2 bag play`",
        choices=list(PLAYERS),
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Check what was asked for, then start the pipeline on the bag's time, and the player."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[IncludeLaunchDescription | OpaqueFunction]:
    """Refuse what cannot be played before any node has been started."""
    given = {a.name: LaunchConfiguration(a.name).perform(context) for a in ARGUMENTS}
    replay = launching.check_replay(given)
    pipeline = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(PIPELINE)), launch_arguments=FIXED.items()
    )
    play = partial(start_player, replay=replay, by_ros=given["player"] == "ros2")
    return [pipeline, OpaqueFunction(function=play)]


def start_player(
    context: LaunchContext, replay: launching.PlayableBag, by_ros: bool
) -> list[Node | ExecuteProcess]:
    """Play the bag; its end is the launch's."""
    namespace = LaunchConfiguration("namespace").perform(context)
    if by_ros:
        return [
            ExecuteProcess(
                cmd=replay.ros2_command(namespace.strip("/")),
                name="player",
                prefix=launching.prefix("ros2"),
                output="screen",
                on_exit=end_of_the_player,
            )
        ]
    return [
        Node(
            package="kpm_ros",
            executable="player",
            name="player",
            exec_name="player",
            namespace=namespace,
            parameters=[replay.parameters],
            prefix=launching.prefix("player"),
            output="screen",
            emulate_tty=True,
            on_exit=end_of_the_player,
        )
    ]


def end_of_the_player(event: ProcessExited, context: LaunchContext) -> list[Shutdown]:
    """End the launch with the bag, or as failed if it was not played to its end."""
    if event.returncode and not context.is_shutdown:
        raise RuntimeError(f"the player ended by itself ({describe_status(event.returncode)})")
    return [Shutdown(reason="the bag is at its end")]
