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

"""The live graph, measured: rate, loss, delay by stage, CPU by process, and our way beside others.

The graph runs as `kpm demo` runs it, on simulated devices, with the usual model and two of
pictures; with `--beside MODEL`, the usual model and that one by turns, which gives what both have
as ratios; with `--beside OPTIONS --usual OPTIONS`, such as "model:=touchnet-sim hand:=both", any
two. Two comparisons, each interleaved and repeated: consuming 2000 messages a second through our
reader and through executor callbacks; publishing them from our paced loop and from a timer.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
from pathlib import Path

from _graph import graph_figures, run_graph, show_graph
from _report import OUT, bench_options, machine, print_table, write_report

ROLES = Path(__file__).with_name("_wire_roles.py")
PACKAGES = ("ros-rclpy", "ros-rmw-fastrtps-cpp", "numpy", "numba")
MODELS = {
    "": "touchnet-sim-rooms",
    "pictures_": "touchnet-sim",
    "causal_": "touchnet-sim-causal",
}


def play(publisher: str, consumer: str, seconds: float) -> tuple[dict[str, float], ...]:
    """Let a publisher and a consumer work side by side; returns what each of them cost."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(ROLES), role, str(seconds)], stdout=subprocess.PIPE, text=True
        )
        for role in (publisher, consumer)
    ]
    try:
        return tuple(json.loads(p.communicate(timeout=seconds + 60)[0]) for p in processes)
    finally:
        for process in processes:
            process.kill()


def cost(measured: dict[str, float]) -> float:
    """CPU microseconds a message."""
    return measured["cpu_s"] / max(measured["messages"], 1) * 1e6


def compare(seconds: float, repeats: int) -> tuple[list[float], list[float], list[list[object]]]:
    """Ratios of our cost a message to the plain way's, one a repeat: consumer, publisher."""
    consumers, publishers, rows = [], [], []
    for repeat in range(repeats):
        paced, read = play("publish-paced", "read", seconds)
        _, called = play("publish-paced", "callback", seconds)
        timed, _ = play("publish-timer", "read", seconds)
        consumers.append(cost(read) / cost(called))
        publishers.append(cost(paced) / cost(timed))
        for name, measured in (
            ("our reader", read),
            ("executor callback", called),
            ("our paced publisher", paced),
            ("timer publisher", timed),
        ):
            rate = measured["messages"] / measured["wall_s"]
            share = measured["cpu_s"] / measured["wall_s"]
            rows.append([name, repeat + 1, round(rate), cost(measured), share])
    return consumers, publishers, rows


def options_of(words: str) -> list[str]:
    """Options of the pipeline, of which a model's name alone is one.

    >>> options_of("touchnet-sim-rooms"), options_of("model:=m hand:=both")
    (['model:=touchnet-sim-rooms'], ['model:=m', 'hand:=both'])
    """
    return [word if ":=" in word else f"model:={word}" for word in shlex.split(words)]


def beside(usual: str, other: str, seconds: float, repeats: int) -> dict[str, float]:
    """Run the usual options and others by turns: medians of each, and of the ratios."""
    names = ("exposure_to_effort_p50_ms", "exposure_to_effort_p99_ms", "estimator_cores")
    found: dict[str, list[float]] = {}
    for repeat in range(repeats):
        pair = []
        for number, words in enumerate((usual, other)):
            out = OUT / "pipeline" / f"beside_{number}_{repeat}"
            pair.append(graph_figures("", run_graph(out, seconds, *options_of(words))))
        for name in names:
            by_turns, beside_it = pair[0][name], pair[1][name]
            found.setdefault(f"by_turns_{name}", []).append(by_turns)
            found.setdefault(f"beside_{name}", []).append(beside_it)
            found.setdefault(f"{name}_ratio_to_beside", []).append(by_turns / beside_it)
    figures = {name: statistics.median(values) for name, values in found.items()}
    rows = [[name, value, min(found[name]), max(found[name])] for name, value in figures.items()]
    print_table(f"{usual} and {other} by turns", ["", "median", "least", "most"], rows)
    return figures


def main() -> None:
    """Run everything and write the report."""
    parser = bench_options(__file__, __doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each run of the graph")
    parser.add_argument("--beside", default="", help="a model, or options, to run by turns with")
    parser.add_argument("--usual", default=MODELS[""], help="these (default: %(default)s)")
    parser.add_argument("--compare-seconds", type=float, default=6, help="of each comparison")
    parser.add_argument("--repeats", type=int, default=3, help="of the comparisons")
    arguments = parser.parse_args()
    os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    here = machine()
    figures: dict[str, float] = {}
    if arguments.beside:
        figures |= beside(arguments.usual, arguments.beside, arguments.seconds, arguments.repeats)
    for prefix, model in MODELS.items():
        summary = run_graph(OUT / "pipeline" / model, arguments.seconds, f"model:={model}")
        figures |= graph_figures(prefix, summary)
        show_graph(f"{model}, simulated devices", summary)
    consumers, publishers, rows = compare(arguments.compare_seconds, arguments.repeats)
    head = ["", "run", "messages/s", "us a message", "cores"]
    print_table("2000 messages a second", head, rows)
    for name, ratios in (("consumer", consumers), ("publisher", publishers)):
        figures[f"{name}_cost_ratio"] = statistics.median(ratios)
        figures[f"{name}_cost_ratio_min"] = min(ratios)
        figures[f"{name}_cost_ratio_max"] = max(ratios)
        print(
            f"{name}: ours costs {statistics.median(ratios):.3f} of the plain way "
            f"({min(ratios):.3f} to {max(ratios):.3f} in {len(ratios)} runs)"
        )
    write_report(arguments.out, figures, here, PACKAGES)


if __name__ == "__main__":
    main()
