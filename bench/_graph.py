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

"""The live graph run as `kpm demo` runs it, and what its summary says in figures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _report import print_table

ESTIMATORS = ("synchronizer", "inference")


def run_graph(out: Path, seconds: float, *options: str) -> dict[str, Any]:
    """Run the demo with these options into a folder, and return its summary."""
    command = [sys.executable, "-m", "kpm_ros.cli", "demo", "--seconds", str(seconds)]
    done = subprocess.run(
        [*command, "--out", str(out), *options], stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode not in (0, 1):
        sys.exit(f"the demo could not run with {' '.join(options)}")
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def graph_figures(prefix: str, summary: dict[str, Any]) -> dict[str, float]:
    """The figures of one run of the graph under their flat names."""
    latency, cores = summary["latency_ms"], summary["cpu_cores"]
    figures = {
        f"{prefix}effort_rate_hz": summary["effort"]["rate_hz"],
        f"{prefix}effort_lost": summary["effort"]["lost"],
        f"{prefix}exposure_to_effort_p50_ms": latency["exposure_to_effort"]["p50"],
        f"{prefix}exposure_to_effort_p99_ms": latency["exposure_to_effort"]["p99"],
        f"{prefix}first_seconds_p99_ms": latency["first_seconds"]["p99"],
        f"{prefix}compute_p99_ms": latency["compute"]["p99"],
        f"{prefix}estimator_cores": sum(cores[name] for name in ESTIMATORS),
        f"{prefix}exo_cores": cores["exo"],
    }
    scores = ("rmse_simulated", "correlation_simulated")
    figures |= {f"{prefix}{name}": summary[name] for name in scores if summary[name] is not None}
    parts = summary["parts_ms"]
    figures |= {f"{prefix}delay_{part}_ms": value for part, value in parts.items()}
    return figures | {f"{prefix}{stage}_p50_ms": values["p50"] for stage, values in latency.items()}


def show_graph(title: str, summary: dict[str, Any]) -> None:
    """Print one run of the graph."""
    rows = [
        [stage, values["p50"], values["p99"]] for stage, values in summary["latency_ms"].items()
    ]
    print_table(f"{title}: delay in ms", ["", "p50", "p99"], rows)
    parts = [[part, value] for part, value in summary["parts_ms"].items()]
    print_table(f"{title}: of the usual delay, ms", ["", "ms"], parts)
    rows = [[name, cores] for name, cores in summary["cpu_cores"].items()]
    print_table(f"{title}: CPU", ["", "cores"], rows)
    for error in summary["errors"]:
        print(f"  not healthy: {error}")
