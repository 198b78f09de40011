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

"""`kpm up`: the whole pipeline, until it is stopped."""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from kpm_ros import graph, pipeline_nodes
from kpm_ros.core.lock import Lock, hold
from kpm_ros.operate.errors import user_errors
from kpm_ros.operate.options import add_pipeline_options, pipeline_options
from kpm_ros.operate.output_readers import nobody_reads
from kpm_ros.pipeline_options import PipelineOptions

if TYPE_CHECKING:
    from kpm_ros.operate.process import Command, Line
    from kpm_ros.operate.supervisor import Supervisor

COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue")
"""Of processes' names; some recur where there are more of these."""

NAME = "up"
PURPOSE = "run the whole pipeline until Ctrl-C"
EXAMPLES = """\
examples:
  kpm up                                   the simulated pianist and everything behind it
  kpm up source:=topics record:=my_bag     your own drivers; record what happens
  kpm up --midi etude.mid --namespace left

exit status: 0 healthy, 1 a node ended that should not have, 2 the configuration was refused
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the pipeline's options."""
    add_pipeline_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Check, start, keep running, stop."""
    options = pipeline_options(arguments)

    from kpm_ros.core.signals import StopRequests
    from kpm_ros.operate import preflight
    from kpm_ros.operate.process_ends import Policy
    from kpm_ros.operate.supervisor import Supervisor

    preflight.require_ros()
    preflight.check(options)
    commands = pipeline_commands(options)
    with hold_namespace(options), StopRequests() as stop_requests:
        supervisor = Supervisor(
            commands, Policy(respawn=options.respawn), _printer([c.name for c in commands])
        )
        # `kpm up | head`, or a closed terminal: a request to stop like any other.
        status = supervisor.run(lambda: stop_requests() + nobody_reads())
    _conclude(supervisor)
    return status


def pipeline_commands(options: PipelineOptions) -> list[Command]:
    """List the processes of the graph."""
    from kpm_ros.operate.process import Command

    return [
        Command(node.name, tuple(pipeline_nodes.command(node, options)))
        for node in graph.build(options)
    ]


def hold_namespace(options: PipelineOptions) -> Lock:
    """See that no other pipeline runs in this namespace, and keep others from it."""
    with user_errors():
        return hold(f"the pipeline of namespace /{options.namespace}")


def _printer(names: list[str]) -> Callable[[Line], None]:
    """Make what prints each line behind its time and its process's name, in a colour of its own."""
    from rich.text import Text

    from kpm_ros.operate.console import Console

    console = Console(file=sys.stdout)
    width = max(len(name) for name in names)
    colours = dict(zip(names, itertools.cycle(COLOURS), strict=False))

    def show(line: Line) -> None:
        head = Text(f"{line.at:%H:%M:%S} {line.name:<{width}} | ", colours.get(line.name, ""))
        console.print(head, end="", soft_wrap=True)
        print(line.text, flush=True)

    return show


def _conclude(supervisor: Supervisor) -> None:
    last_words, trace = supervisor.last_words(), supervisor.trace()
    if last_words:
        print("kpm: last lines of what failed:", *last_words, sep="\n  ", file=sys.stderr)
    if trace:
        print("kpm: when machines were moved:", *trace, sep="\n  ", file=sys.stderr)
    for problem in supervisor.problems:
        print(f"kpm: {problem}", file=sys.stderr)
    if not supervisor.problems:
        print("kpm: everything has stopped; the run was healthy", file=sys.stderr)
