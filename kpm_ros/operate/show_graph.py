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

"""`kpm graph`: which nodes and topics the pipeline is made of."""

from __future__ import annotations

import argparse

from kpm_ros import diagram, graph, pipeline_topics
from kpm_ros.core.text_tables import text_table
from kpm_ros.operate.errors import user_errors
from kpm_ros.operate.options import add_pipeline_options, pipeline_options
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.pipeline_topics import SPOKEN_BY_EVERY_NODE

NAME = "graph"
PURPOSE = "list the nodes and topics that the options ask for, or draw them"
EXAMPLES = """\
examples:
  kpm graph                        nodes and topics, with types, QoS and rates
  kpm graph --format mermaid       a diagram for a Markdown page
  kpm graph source:=topics record:=my_bag
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the form of the output and the pipeline's options."""
    parser.add_argument(
        "--format", choices=("text", "mermaid"), default="text", help="default: text"
    )
    add_pipeline_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print the graph."""
    options = pipeline_options(arguments)
    with user_errors():
        shown = diagram.mermaid(options) if arguments.format == "mermaid" else listing(options)
    print(shown, end="")
    return 0


def listing(options: PipelineOptions) -> str:
    """Write nodes and topics as text."""
    nodes = graph.build(options)
    lines = [f"nodes in /{options.namespace}"]
    for node in nodes:
        lines.append(f"  {node.name}: {node.purpose}")
        lines += [f"    <- {name}" for name in node.subscribes]
        lines += [f"    -> {name}" for name in node.publishes]
    spoken = [name for node in nodes for name in (*node.publishes, *node.subscribes)]
    rows = []
    for name in dict.fromkeys([*spoken, *SPOKEN_BY_EVERY_NODE]):
        entry = pipeline_topics.topic(name)
        rows.append((name, entry.type, entry.qos, entry.rate))
    topics = text_table(rows, ("topic", "type", "QoS", "rate"))
    return "\n".join([*lines, "", topics]) + "\n"
