"""A bag through the pipeline: `ros2 launch kpm_ros replay.launch.py bag:=out/demo/bag`.

Takes every option of pipeline.launch.py but `source` and `use_sim_time`. It ends with the bag.
"""

from pathlib import Path
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    OpaqueFunction,
    Shutdown,
)
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

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
        description="what plays it: this package's player, which finds topics by their types, or "
        "`ros2 bag play`, which keeps their names",
        choices=list(PLAYERS),
    ),
)


def generate_launch_description() -> LaunchDescription:
    """Start the pipeline on the bag's time, and the player."""
    pipeline = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(PIPELINE)), launch_arguments=FIXED.items()
    )
    return LaunchDescription([*ARGUMENTS, pipeline, OpaqueFunction(function=start_player)])


def start_player(context: LaunchContext) -> list[Node | ExecuteProcess]:
    """Play the bag; its end is the launch's."""
    ends = Shutdown(reason="the bag is at its end")
    settings = player_settings(context)
    if LaunchConfiguration("player").perform(context) == "ros2":
        command = ["ros2", "bag", "play", settings["bag"], "--clock", "40"]
        command += ["--rate", str(settings["rate"]), "--start-offset", str(settings["start_s"])]
        command += ["--loop"] * settings["loop"]
        return [ExecuteProcess(cmd=command, output="screen", on_exit=ends)]
    return [
        Node(
            package="kpm_ros",
            executable="player",
            name="player",
            namespace=LaunchConfiguration("namespace").perform(context),
            parameters=[settings],
            output="screen",
            emulate_tty=True,
            on_exit=ends,
        )
    ]


def player_settings(context: LaunchContext) -> dict[str, Any]:
    """Type what the user chose; a word that is no number is refused by name."""
    given = {a.name: LaunchConfiguration(a.name).perform(context) for a in ARGUMENTS}
    numbers = {}
    for name in ("rate", "start_s"):
        try:
            numbers[name] = float(given[name])
        except ValueError:
            raise ValueError(f"{name} is {given[name]!r}, but must be a number") from None
    return {"bag": given["bag"], "loop": given["loop"] == "true", **numbers}
