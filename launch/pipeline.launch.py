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

"""The whole pipeline: `ros2 launch kpm_ros pipeline.launch.py`; `--show-args` lists its options."""

import time
from collections.abc import Callable

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from kpm_ros import graph, pipeline_nodes
from kpm_ros.operate import launching, preflight
from kpm_ros.operate.process_ends import LaunchEnds, Policy
from kpm_ros.pipeline_nodes import shared_parameters
from kpm_ros.pipeline_options import OPTIONS, PipelineOptions

RESPAWN_DELAY_S = 1.0


def generate_launch_description() -> LaunchDescription:
    """Declare every option of the graph; the nodes are decided once the options are known."""
    arguments = [
        DeclareLaunchArgument(
            option.name,
            default_value=option.default,
            description=option.description,
            choices=list(option.choices) or None,
        )
        for option in OPTIONS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_nodes)])


def start_nodes(context: LaunchContext) -> list[Node]:
    """Turn each node of the graph into a process."""
    options = PipelineOptions.from_strings(
        {option.name: LaunchConfiguration(option.name).perform(context) for option in OPTIONS}
    )
    # One sentence now rather than one from each node.
    preflight.check(options)
    on_exit = end_of_a_node(LaunchEnds(Policy(respawn=options.respawn)))
    user_prefix = [
        context.launch_configurations.get(name, "")
        for name in ("launch-prefix", "launch-prefix-filter")
    ]
    return [
        Node(
            package="kpm_ros",
            executable=node.executable,
            name=node.name,
            exec_name=node.name,
            namespace=options.namespace,
            parameters=[
                pipeline_nodes.params_file(options),
                {**shared_parameters(options), **node.parameters},
            ],
            ros_arguments=[
                "--log-level",
                options.log_level,
                "--enclave",
                pipeline_nodes.enclave(node, options),
            ],
            prefix=launching.prefix(node.executable, *user_prefix),
            output="screen",
            emulate_tty=True,
            respawn=options.respawn,
            respawn_delay=RESPAWN_DELAY_S,
            on_exit=on_exit,
        )
        for node in graph.build(options)
    ]


def end_of_a_node(ends: LaunchEnds) -> Callable[[ProcessExited, LaunchContext], None]:
    """End the launch, as failed, when a node's end leaves no sense in going on."""

    def ended(event: ProcessExited, context: LaunchContext) -> None:
        reason = ends.why_over(
            event.process_name, event.returncode, context.is_shutdown, time.monotonic()
        )
        if reason:
            raise RuntimeError(reason)

    return ended
