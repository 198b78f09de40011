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

"""A measured run's summary as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kpm_ros.core.text_tables import text_table

STAGE_MEANINGS = {
    "exposure_to_effort": "instant described to effort received",
    "first_seconds": "the same, in the seconds before these",
    "tracking": "exposure to landmarks",
    "transport": "landmarks to synchronizer",
    "alignment": "received to on the grid",
    "estimation": "on the grid to estimated",
    "publishing": "estimated to published",
    "compute": "landmarks to published",
}

PART_MEANINGS = {
    "look_ahead": "how much of the future the network waits for",
    "together": "until the last of the samples that it makes at once, if that is later",
    "inputs": "until the inputs of that instant had come, or their time was up, and were aligned",
    "network": "to the network and through it",
    "sending": "evenly, as late as nearly all of the last second needed, and received",
}

INDENT = "  "


def as_text(summary: Mapping[str, Any]) -> str:
    """Write a summary as a table for people, ending in the verdict."""
    effort = summary["effort"]
    what = "simulated devices" if summary["simulated"] else "live topics"
    lines = [
        f"{summary['duration_s']:g} s of effort from {what}",
        text_table(
            (
                ("messages", f"{effort['messages']} ({effort['rate_hz']:.1f} a second)"),
                ("lost", str(effort["lost"])),
                ("out of order", str(effort["out_of_order"])),
                ("not valid", f"{effort['invalid_fraction']:.2%}"),
                ("flagged", _shares(effort["flagged_fraction"])),
            ),
            indent=INDENT,
        ),
        "",
    ]
    delays = [
        (name, _figure(values["p50"]), _figure(values["p99"]), STAGE_MEANINGS[name])
        for name, values in summary["latency_ms"].items()
    ]
    head = ("delay in ms", "p50", "p99", "")
    lines.append(text_table(delays, head, figures=(1, 2), indent=INDENT))
    parts = [
        (name, _figure(value), PART_MEANINGS[name]) for name, value in summary["parts_ms"].items()
    ]
    lines += ["", text_table(parts, ("usual delay", "ms", ""), figures=(1,), indent=INDENT)]
    costs = [(name, f"{cores:.3f}") for name, cores in summary["cpu_cores"].items()]
    lines += ["", text_table(costs, ("CPU", "cores"), figures=(1,), indent=INDENT)]
    if summary["estimator"]:
        figures = ", ".join(f"{name} {value:g}" for name, value in summary["estimator"].items())
        lines += ["", f"  estimator: {figures}"]
    lines += ["", *_truth_as_text(summary)] if summary["simulated"] else []
    if summary["bag"]:
        bag = summary["bag"]
        size = f"{bag['bytes'] / 1e6:.1f} MB"
        lines += ["", f"  bag: {bag['path']}, {bag['messages']} messages, {size}"]
    remarks = [f"  {remark}" for remark in summary["remarks"]]
    lines += ["", "  what the nodes say:", *remarks] if remarks else []
    verdict = [f"not healthy: {fault}" for fault in summary["errors"]] or ["healthy"]
    return "\n".join([*lines, "", *verdict]) + "\n"


def _shares(flagged: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {share:.2%}" for name, share in flagged.items()) or "nothing"


def _truth_as_text(summary: Mapping[str, Any]) -> list[str]:
    if summary["not_scored"]:
        return [f"  not scored against the SIMULATED truth: {summary['not_scored']}"]
    overall = {"rmse": summary["rmse_simulated"], "correlation": summary["correlation_simulated"]}
    rows = [
        (name, _figure(values["rmse"], 3), _figure(values["correlation"], 3))
        for name, values in {"all muscles": overall, **summary["muscles_simulated"]}.items()
    ]
    head = ("against the SIMULATED truth", "RMSE", "correlation")
    return [text_table(rows, head, figures=(1, 2), indent=INDENT)]


def _figure(value: float | None, places: int = 2) -> str:
    return "-" if value is None else f"{value:.{places}f}"
