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

"""A node's process: made, served, and ended in good order."""

from __future__ import annotations

import sys

import rclpy
from rclpy.executors import Executor, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from kpm_ros.core import lock
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.signals import StopRequested, StopRequests
from kpm_ros.nodes.base import PipelineNode

REFUSED = 2
"""Exit status of a node that cannot work as it is configured: starting it again will not help."""

MAKING_ENDS_WITHIN_S = 3.0
"""A node that is told to stop while it is being made ends so long after at the latest: sooner than
those who start nodes lose patience."""


def run(node_type: type[PipelineNode], arguments: list[str] | None = None) -> int:
    """Run one node until it is told to stop; returns the process's exit status."""
    with StopRequests() as stop:
        try:
            return _run(node_type, arguments, stop)
        except StopRequested:
            return 0
        except ConfigurationError as error:
            print(f"kpm_ros: {error}", file=sys.stderr, flush=True)
            return REFUSED
        finally:
            rclpy.try_shutdown()


def _run(node_type: type[PipelineNode], arguments: list[str] | None, stop: StopRequests) -> int:
    # Nothing depends on a node that is still being made, such as one that compiles.
    with stop.ending_within(MAKING_ENDS_WITHIN_S):
        _initialise(arguments)
        stop.check()
        node = node_type(stop=stop)
    try:
        with _lock(node):
            _serve(node, stop)
        if isinstance(node.failure, ConfigurationError):
            raise node.failure
        return 1 if node.failed else 0
    finally:
        node.destroy_node()


def _initialise(arguments: list[str] | None) -> None:
    # ROS's own handlers would invalidate every publisher at once; the last words of a node, such
    # as a command of zero, want to be said first.
    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # its own type is not public, and differs between distributions
        reason = str(error).removeprefix("failed to initialize rcl: ").split(", at /")[0]
        raise ConfigurationError(f"the arguments were refused: {reason}") from None


def serve_once(executor: Executor, node: PipelineNode) -> None:
    """Serve ROS for a moment; what its own readers stumble over, as a time below zero, is refused.

    Names that are no UTF-8 and times that cannot be come up here, as ValueError, and not where the
    node reads its own topics.
    """
    try:
        executor.spin_once(timeout_sec=0.1)
    except ValueError as error:
        node.refuse(f"ROS could not take what came: {error}")


def _serve(node: PipelineNode, stop: StopRequests) -> None:
    """Let the node work, and serve ROS, until it is told to stop or fails."""
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    node.start()
    node.get_logger().info(node.readiness)
    try:
        while rclpy.ok() and not (stop() or node.failed or node.finished):
            serve_once(executor, node)
    finally:
        node.stop()
        executor.shutdown(timeout_sec=1.0)


def _lock(node: Node) -> lock.Lock:
    """Hold this node's name on this machine, so that it cannot run twice side by side."""
    try:
        return lock.hold(f"node {node.get_fully_qualified_name()}")
    except lock.AlreadyRunning as error:
        raise ConfigurationError(str(error)) from None
