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

"""`kpm play`: a recording's senses once more, in real time, for a pipeline that listens."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpm_ros import graph
from kpm_ros.core.settings import declared, make_settings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.operate.errors import user_errors

NAME = "play"
PURPOSE = "play a recording's senses for a running pipeline, with its time on /clock"
EXAMPLES = """\
examples:
  kpm up source:=topics use_sim_time:=true     in one terminal: the pipeline, waiting
  kpm play out/demo/bag                        in another: what it listens to
  kpm play my_bag --rate 0.5 --loop

While it plays, for namespace kpm:
  pause      ros2 service call /kpm/player/pause std_srvs/srv/SetBool '{data: true}'
  go to 5 s  ros2 topic pub --once /kpm/player/seek std_msgs/msg/Float64 '{data: 5.0}'
  faster     ros2 topic pub --once /kpm/player/rate std_msgs/msg/Float64 '{data: 2.0}'

exit status: 0 played to its end or stopped, 2 it cannot be played
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the player's options."""
    parser.add_argument("bag", type=Path, metavar="BAG", help="a bag's folder or one of its files")
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
    parser.add_argument("--paused", action="store_true", help="begin paused")
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


def run(arguments: argparse.Namespace) -> int:
    """Check what can be checked, and run the player."""
    from kpm_ros.operate import preflight

    preflight.require_ros()
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
        options = graph.PipelineOptions.from_strings({"namespace": arguments.namespace})

    from kpm_ros.nodes.node_process import run as run_node
    from kpm_ros.nodes.player_node import PlayerNode

    # An empty list has no type in ROS, and is what the node takes anyway.
    given = {name: value for name, value in dataclasses.asdict(settings).items() if value != []}
    words = graph.command(player(given), options)
    return run_node(PlayerNode, words[words.index("--ros-args") :])


def player(parameters: Mapping[str, Any]) -> graph.NodeSpec:
    """Describe the player as the graph describes its nodes."""
    return graph.NodeSpec("player", "a bag's senses once more", parameters=parameters)
