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

"""Writes the table of figures in README from out/bench/*.json; `python tools/figures.py`."""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
BEGIN, END = "<!-- figures:begin -->", "<!-- figures:end -->"

# What is shown: words, benchmark, figure, how it is written.
ROWS = (
    ("effort samples a second, simulated devices", "pipeline", "effort_rate_hz", "{:.0f}"),
    ("of them lost", "pipeline", "effort_lost", "{:.0f}"),
    ("exposure to effort, p50", "pipeline", "exposure_to_effort_p50_ms", "{:.0f} ms"),
    ("exposure to effort, p99", "pipeline", "exposure_to_effort_p99_ms", "{:.0f} ms"),
    (
        "the same with the model that looks 0 ahead, p50",
        "pipeline",
        "causal_exposure_to_effort_p50_ms",
        "{:.0f} ms",
    ),
    ("compute and transport alone, p99", "pipeline", "compute_p99_ms", "{:.0f} ms"),
    ("synchronizer and inference together", "pipeline", "estimator_cores", "{:.2f} cores"),
    ("our reader, of an executor callback's cost", "pipeline", "consumer_cost_ratio", "{:.2f}"),
    ("our publisher, of a 2 kHz timer's cost", "pipeline", "publisher_cost_ratio", "{:.2f}"),
    (
        "streaming PianoKPM Net in 10 ms hops, of the published manner's cost",
        "estimate",
        "cost_ratio_hop10",
        "{:.2f}",
    ),
    ("one 10 ms hop of it, p99", "estimate", "hop10_p99_ms", "{:.1f} ms"),
    ("streaming TouchNet, of PianoKPM Net's cost", "estimate", "touch_cost_ratio", "{:.2f}"),
    ("largest difference from one pass", "estimate", "max_abs_error", "{:.0e}"),
)


def table() -> str:
    """The rows as Markdown; a benchmark that was not run is an error that names it."""
    reports = {}
    for name in dict.fromkeys(row[1] for row in ROWS):
        path = ROOT / "out" / "bench" / f"{name}.json"
        if not path.is_file():
            raise SystemExit(f"there is no {path.relative_to(ROOT)}: run make bench BENCH={name}")
        reports[name] = json.loads(path.read_text())
    lines = ["| figure | value | from |", "|---|---|---|"]
    for words, name, figure, form in ROWS:
        value = form.format(reports[name]["figures"][figure])
        lines.append(f"| {words} | {value} | `make bench BENCH={name}` |")
    machine = reports["pipeline"]["machine"]
    lines += ["", f"Machine: {machine['cpu']}, {machine['cores']} cores; simulated devices."]
    return "\n".join(lines)


def main() -> None:
    """Put the table where README has its place for it."""
    before, _, rest = README.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    README.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
