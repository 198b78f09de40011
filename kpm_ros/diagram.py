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

"""The graph as a drawing."""

from __future__ import annotations

from kpm_ros import graph
from kpm_ros.pipeline_options import PipelineOptions


def mermaid(options: PipelineOptions | None = None) -> str:
    """Draw the graph as a Mermaid flowchart: nodes are boxes, topics label the arrows."""
    nodes = graph.build(options or PipelineOptions())
    lines = ["flowchart LR"]
    lines += [f'    {node.name}["<b>{node.name}</b><br/>{node.purpose}"]' for node in nodes]
    for source in nodes:
        for target in nodes:
            shared = [name for name in source.publishes if name in target.subscribes]
            if shared:
                lines.append(f'    {source.name} -- "{"<br/>".join(shared)}" --> {target.name}')
    spoken = {name for node in nodes for name in node.subscribes}
    for node in nodes:
        for name in node.publishes:
            if name not in spoken:
                sink = "topic_" + name.replace("/", "_")
                lines.append(f'    {node.name} --> {sink}(["{name}"])')
    return "\n".join(lines) + "\n"
