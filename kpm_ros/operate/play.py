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

"""`kpm play`: a recording's senses, or a movement of hands, in real time for whoever listens."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpm_ros import pipeline_nodes
from kpm_ros.core.settings import declared, make_settings
from kpm_ros.nodes.motion_player_settings import MotionPlayerSettings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.operate.errors import UserError, user_errors
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions, simulated_room

NAME = "play"
PURPOSE = "play a recording's senses, or a movement of hands, for whoever listens"
EXAMPLES = """\
examples:
  kpm up source:=topics use_sim_time:=true     in one terminal: the pipeline, waiting
  kpm play out/demo/bag                        in another: what it listens to
  kpm play my_bag --rate 0.5 --loop

  kpm up source:=topics hand:=both registration:=ROOM   the pipeline, waiting for a movement
  kpm play motion.npz --midi piece.mid                  what two cameras would see of it, and notes

While a bag plays, for namespace kpm:
  pause      ros2 service call /kpm/player/pause std_srvs/srv/SetBool '{data: true}'
  go to 5 s  ros2 topic pub --once /kpm/player/seek std_msgs/msg/Float64 '{data: 5.0}'
  faster     ros2 topic pub --once /kpm/player/rate std_msgs/msg/Float64 '{data: 2.0}'

A bag brings its own time, on /clock. A movement (.npz, or landmarks as .csv) plays in the wall's
time, or with --use-sim-time in that of /clock, as:
  camera/VIEW/landmarks    of each registered camera (--registration), or the simulator's two;
                           of two hands camera/VIEW/left/landmarks and .../right/landmarks
  keys/events              the notes of --midi
  motion/joint_states      sensor_msgs/JointState: right_mcp2_flexion, left_wrist_x, ...
  motion/markers           visualization_msgs/MarkerArray, in the frame keyboard

exit status: 0 played to its end or stopped, 2 it cannot be played
"""
MOTIONS = (".npz", ".csv")
"""How files of a movement end; all else is a bag."""
_ONLY_OF_BAGS = {"paused": "--paused", "bag_namespace": "--bag-namespace", "topic": "--topic"}
_ONLY_OF_MOTIONS = {
    "midi": "--midi",
    "midi_offset_s": "--midi-offset",
    "registration": "--registration",
    "use_sim_time": "--use-sim-time",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the players' options."""
    parser.add_argument(
        "bag",
        type=Path,
        metavar="BAG|MOTION",
        help="a bag's folder or one of its files; or a movement of hands (.npz, .csv)",
    )
    known = declared(PlayerSettings)
    for flag, name, metavar in (
        ("--rate", "rate", "RATE"),
        ("--start", "start_s", "S"),
        ("--wait", "wait_s", "S"),
    ):
        setting = known[name]
        parser.add_argument(
            flag,
            dest=name,
            type=float,
            default=setting.default,
            metavar=metavar,
            help=f"{setting.description} (default: {setting.default:g})",
        )
    parser.add_argument("--loop", action="store_true", help="begin again at the end")
    parser.add_argument("--paused", action="store_true", help="a bag: begin paused")
    parser.add_argument(
        "--namespace", default="kpm", help="namespace to play into (default: %(default)s)"
    )
    parser.add_argument(
        "--bag-namespace", default="", help="namespace in the bag, where it holds several pipelines"
    )
    parser.add_argument(
        "--topic",
        action="append",
        default=[],
        metavar="NAME",
        help="use only the topics of the bag named so, where it has several of a type; repeatable",
    )
    of_motion = parser.add_argument_group("of a movement")
    of_motion.add_argument("--midi", default="", metavar="FILE", help="notes played with it")
    of_motion.add_argument(
        "--midi-offset",
        dest="midi_offset_s",
        type=float,
        default=0.0,
        metavar="S",
        help="when the MIDI file begins, on the movement's clock (default: 0)",
    )
    of_motion.add_argument(
        "--registration",
        default="",
        metavar="FILE",
        help="where the cameras stand that see it (default: the simulator's two)",
    )
    of_motion.add_argument("--use-sim-time", action="store_true", help="in the time of /clock")


def run(arguments: argparse.Namespace) -> int:
    """Check what can be checked, and run the player."""
    from kpm_ros.operate import preflight

    of_motion = arguments.bag.suffix in MOTIONS
    for name, flag in (_ONLY_OF_BAGS if of_motion else _ONLY_OF_MOTIONS).items():
        if getattr(arguments, name):
            kind, other = ("bag", "movement") if of_motion else ("movement", "bag")
            raise UserError(f"{flag} is of a {kind}, and {arguments.bag} is a {other}")
    preflight.require_ros()
    return _play_motion(arguments) if of_motion else _play_bag(arguments)


def _play_bag(arguments: argparse.Namespace) -> int:
    values = {
        "bag": str(arguments.bag.expanduser()),
        "rate": arguments.rate,
        "loop": arguments.loop,
        "start_s": arguments.start_s,
        "paused": arguments.paused,
        "wait_s": arguments.wait_s,
        "bag_namespace": arguments.bag_namespace,
        "bag_topics": list(arguments.topic),
    }
    with user_errors():
        settings = make_settings("player", PlayerSettings, values)
        options = PipelineOptions.from_strings({"namespace": arguments.namespace})

    from kpm_ros.nodes.node_process import run as run_node
    from kpm_ros.nodes.player_node import PlayerNode

    # An empty list has no type in ROS, and is what the node takes anyway.
    given = {name: value for name, value in dataclasses.asdict(settings).items() if value != []}
    return run_node(PlayerNode, _ros_arguments(player(given), options))


def _play_motion(arguments: argparse.Namespace) -> int:
    values = {
        "motion": str(arguments.bag.expanduser()),
        "rate": arguments.rate,
        "loop": arguments.loop,
        "start_s": arguments.start_s,
        "wait_s": arguments.wait_s,
        "midi": arguments.midi,
        "midi_offset_s": arguments.midi_offset_s,
        "registration": arguments.registration,
    }
    with user_errors():
        settings = make_settings("motion_player", MotionPlayerSettings, values)
        simulated_time = str(arguments.use_sim_time).lower()
        options = PipelineOptions.from_strings(
            {"namespace": arguments.namespace, "use_sim_time": simulated_time}
        )
    from kpm_ros.nodes.motion_player_node import MotionPlayerNode
    from kpm_ros.nodes.node_process import run as run_node

    print(f"The room that sees it: registration:={arguments.registration or simulated_room()}")
    return run_node(MotionPlayerNode, _ros_arguments(motion_player(settings), options))


def _ros_arguments(node: NodeSpec, options: PipelineOptions) -> list[str]:
    words = pipeline_nodes.command(node, options)
    return words[words.index("--ros-args") :]


def player(parameters: Mapping[str, Any]) -> NodeSpec:
    """Describe the player as the graph describes its nodes."""
    return NodeSpec("player", "a bag's senses once more", parameters=parameters)


def motion_player(settings: MotionPlayerSettings) -> NodeSpec:
    """Describe the movement's player likewise."""
    return NodeSpec("motion_player", "a movement of hands", parameters=dataclasses.asdict(settings))
