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

"""`kpm demo`: the whole pipeline for a while, shown, measured, recorded and judged."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.settings import check_number
from kpm_ros.operate.errors import user_errors
from kpm_ros.operate.options import add_pipeline_options, pipeline_options
from kpm_ros.operate.up import hold_namespace, pipeline_commands

if TYPE_CHECKING:
    from kpm_ros.operate.output_folder import OutputFolder
    from kpm_ros.operate.summary import Result
    from kpm_ros.pipeline_options import PipelineOptions

NAME = "demo"
PURPOSE = "run the whole pipeline for a while, show and measure it, record a bag"
EXAMPLES = """\
examples:
  kpm demo                          20 s of the simulated pianist
  kpm demo --seconds 60 --midi etude.mid
  kpm demo --out out/mine source:=topics

It writes OUT/summary.json, OUT/bag and OUT/logs, replacing those of an earlier run.
exit status: 0 healthy, 1 not healthy (it says why), 2 it could not be run as configured
"""

SHORTEST_S, LONGEST_S = 3.0, 24 * 3600.0
"""In less time the burst at either end weighs more than the tolerance of the rate."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Offer the demo's own options and the pipeline's."""
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="length of the measured part (default: 20)"
    )
    parser.add_argument(
        "--out", type=Path, default=Path("out/demo"), help="output folder (default: out/demo)"
    )
    add_pipeline_options(parser, without=("record",))


def run(arguments: argparse.Namespace) -> int:
    """Check, run, judge."""
    options = pipeline_options(arguments)
    with user_errors():
        check_number("seconds", arguments.seconds, least=SHORTEST_S, most=LONGEST_S)
    # Nothing of a demo is meant for other machines.
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

    from kpm_ros.operate import preflight
    from kpm_ros.operate.output_folder import OutputFolder
    from kpm_ros.operate.summary import summarise
    from kpm_ros.operate.summary_text import as_text

    preflight.require_ros()
    # Checked before anything of an earlier run is replaced.
    preflight.check(options)
    with hold_namespace(options):
        folder = OutputFolder(arguments.out.expanduser())

        from kpm_ros.operate.demo_run import DemoRun

        options = dataclasses.replace(options, record=str(folder.bag.absolute()))
        demo = DemoRun(options, pipeline_commands(options), folder, arguments.seconds)
        result = demo.run()
        if demo.measured and result.simulated:
            _score(options, folder, result)
        summary = summarise(result)
        folder.write_summary(summary)
        page = _write_page(options, folder) if demo.measured else ""
    if not demo.measured:
        for fault in result.faults:
            print(f"kpm demo: {fault}", file=sys.stderr)
    else:
        print(as_text(summary), end="")
        print(f"\nsummary: {folder.summary}   logs: {folder.logs}")
        print(page)
        print(f"all of it, to look through: kpm view {folder.bag}   live: kpm up view:=true")
    return demo.exit_status(result)


def _write_page(options: PipelineOptions, folder: OutputFolder) -> str:
    """Show the last seconds on a page, and say where it is, or why there is none."""
    from kpm_ros.operate.demo_page import DemoPage
    from kpm_ros.replay.bag import BagError

    try:
        with DemoPage(folder.bag, options.namespace) as recorded:
            folder.write_page(recorded.page(options.subject, options.registration))
    except BagError as error:
        return f"nothing to look at: {error}"
    return f"to look at, in a browser: {folder.page}"


def _score(options: PipelineOptions, folder: OutputFolder, result: Result) -> None:
    """Compare what was recorded with what the simulated muscles did."""
    from kpm_ros.operate.demo_score import UnknownTruthError, score_demo

    measured = result.measurement
    try:
        result.truth = score_demo(options, folder.bag, measured.begin_ns, measured.end_ns)
    except UnknownTruthError as error:
        result.why_no_truth = str(error)
