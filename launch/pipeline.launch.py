"""The whole pipeline: `ros2 launch kpm_ros pipeline.launch.py`; `--show-args` lists its options."""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from kpm_ros import graph
from kpm_ros.operate import preflight

RESPAWN_DELAY_S = 1.0

REFUSED = 2
"""Exit status of a node whose configuration is wrong: starting it again would not help."""


def generate_launch_description() -> LaunchDescription:
    """Declare every option of the graph; the nodes are decided once the options are known."""
    arguments = [
        DeclareLaunchArgument(
            option.name,
            default_value=option.default,
            description=option.description,
            choices=list(option.choices) or None,
        )
        for option in graph.OPTIONS
    ]
    return LaunchDescription([*arguments, OpaqueFunction(function=start_nodes)])


def start_nodes(context: LaunchContext) -> list[Node]:
    """Turn each node of the graph into a process."""
    options = graph.PipelineOptions.from_strings(
        {option.name: LaunchConfiguration(option.name).perform(context) for option in graph.OPTIONS}
    )
    # One sentence now rather than one from each node.
    preflight.check(options)
    return [
        Node(
            package="kpm_ros",
            executable=node.executable,
            name=node.name,
            namespace=options.namespace,
            parameters=[
                graph.params_file(options),
                {**graph.shared_parameters(options), **node.parameters},
            ],
            ros_arguments=[
                "--log-level",
                options.log_level,
                "--enclave",
                graph.enclave(node, options),
            ],
            output="screen",
            emulate_tty=True,
            respawn=options.respawn,
            respawn_delay=RESPAWN_DELAY_S,
            on_exit=stop_if_refused,
        )
        for node in graph.build(options)
    ]


def stop_if_refused(event: ProcessExited, context: LaunchContext) -> None:
    """End the launch, as failed, when a node refuses its configuration."""
    if event.returncode == REFUSED and not context.is_shutdown:
        raise RuntimeError(f"{event.process_name} refused its configuration, as it says above")
