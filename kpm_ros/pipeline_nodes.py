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

"""One node of the pipeline, and the command that runs it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kpm_ros.core.resources import config_dir
from kpm_ros.pipeline_options import PipelineOptions


@dataclass(frozen=True)
class NodeSpec:
    """One node of the graph: the module that runs it and the topics it speaks."""

    name: str
    purpose: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    """What runs the node, where it is not called like the node itself."""

    @property
    def executable(self) -> str:
        """Executable that `ros2 run` knows it by."""
        return self.kind or self.name

    @property
    def module(self) -> str:
        """Python module that runs the node."""
        return f"kpm_ros.nodes.{self.executable}_node"


def params_file(options: PipelineOptions) -> str:
    """Path of the parameters file in force."""
    return options.params_file or str(config_dir() / "pipeline.yaml")


def shared_parameters(options: PipelineOptions) -> dict[str, Any]:
    """Parameters that every node is given."""
    return {"use_sim_time": options.use_sim_time}


def enclave(node: NodeSpec, options: PipelineOptions) -> str:
    """Name under which a node has keys and permissions, where ROS's security is switched on."""
    return f"/{options.namespace}/{node.name}"


def command(node: NodeSpec, options: PipelineOptions) -> list[str]:
    """Command line that runs one node of the graph as a process of its own."""
    words = [sys.executable, "-m", node.module, "--ros-args", "--enclave", enclave(node, options)]
    words += ["-r", f"__ns:=/{options.namespace}", "-r", f"__node:={node.name}"]
    words += ["--log-level", options.log_level, "--params-file", params_file(options)]
    for name, value in {**shared_parameters(options), **node.parameters}.items():
        words += ["-p", f"{name}:={_yaml(value)}"]
    return words


def _yaml(value: Any) -> str:
    """Write a value as the YAML that `--ros-args -p` reads."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return str(value)
