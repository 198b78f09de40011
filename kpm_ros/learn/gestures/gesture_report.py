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

"""Scores of gesture models as tables and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.learn.gestures.executions import ExecutionSet
from kpm_ros.learn.gestures.gesture_protocols import PROTOCOLS
from kpm_ros.learn.gestures.gesture_scores import (
    GestureScores,
    Heard,
    Outcome,
    by,
    hear,
    mean_of,
    outcomes,
    scores,
)
from kpm_ros.learn.gestures.training import train, train_baseline

Trainer = Callable[[ExecutionSet], GestureModel]
Listener = Callable[[str], None]

TRAINERS: Mapping[str, Trainer] = {"lda": train, "hudgins": train_baseline}
"""Models that are trained on the spot."""
SURE = (0.5, 0.8, 0.9, 0.95, 0.97, 0.98, 0.985, 0.99, 0.992, 0.994, 0.996, 0.998, 0.999, 0.9999)
"""Probabilities from which a gesture may begin, that are tried."""
PARTS = ("person", "day", "posture", "repetition", "gesture")


@dataclass(frozen=True)
class GestureReport:
    """Scores of each model in each protocol, and by what executions differ in."""

    origin: str
    simulated: bool
    rows: Mapping[str, GestureScores]
    """By model and protocol."""
    parts: Mapping[str, Mapping[str, GestureScores]] = field(default_factory=dict)
    """The same of the parts of each row."""

    def to_json(self) -> str:
        """Write everything."""
        content = {
            "origin": self.origin,
            "simulated": self.simulated,
            "scores": {name: each.as_plain() for name, each in self.rows.items()},
            "parts": {
                name: {part: each.as_plain() for part, each in parts.items()}
                for name, parts in self.parts.items()
            },
        }
        return f"{json.dumps(content, indent=1)}\n"


class Tested(NamedTuple):
    """A model, and what it says of executions that it was not trained on."""

    model: GestureModel
    heard: list[Heard]


def hear_protocol(
    trainer: Trainer,
    recorded: ExecutionSet,
    protocol: str,
    listener: Listener = lambda _: None,
) -> list[Tested]:
    """Train, and test, in each split of a protocol."""
    tested: list[Tested] = []
    trained: ExecutionSet | None = None
    for split in PROTOCOLS[protocol](recorded):
        if split.trained is not trained:
            model, trained = trainer(split.trained), split.trained
        tested.append(Tested(model, hear(model, split.tested)))
        listener(f"{protocol} {split.title}")
    return tested


def told_of(tested: Sequence[Tested], sure: float | None = None) -> list[list[Outcome]]:
    """What was decided in each split, from another probability on where one is given."""
    found = []
    for model, heard in tested:
        rules = model.card.decision
        found.append(outcomes(model, heard, replace(rules, sure=sure) if sure else rules))
    return found


def when_found(tested: Sequence[Tested], share: float) -> tuple[float, GestureScores]:
    """The surest a model may be for this share of executions to be found, and its scores then."""
    best = SURE[0], scores(_flat(told_of(tested, SURE[0])))
    for sure in SURE[1:]:
        found = scores(_flat(told_of(tested, sure)))
        if found.found < share:
            break
        best = sure, found
    return best


def _flat(told: Sequence[Sequence[Outcome]]) -> list[Outcome]:
    return [one for some in told for one in some]


def report_of(recorded: ExecutionSet, tested: Mapping[str, Sequence[Tested]]) -> GestureReport:
    """Put together what models say, by model and protocol, with each part there are several of.

    Shares are means over the splits, as each person and day counts alike; what happens seldom, and
    how soon, is taken of all splits together.
    """
    rows: dict[str, GestureScores] = {}
    parts: dict[str, dict[str, GestureScores]] = {}
    for name, each in tested.items():
        told = told_of(each)
        rows[name] = summed(told)
        parts[name] = {}
        for what in PARTS:
            found = by(_flat(told), what)
            if len(found) > 1:
                parts[name] |= {f"{what} {value}": part for value, part in found.items()}
    return GestureReport(recorded.origin, recorded.simulated, rows, parts)


def summed(told: Sequence[Sequence[Outcome]]) -> GestureScores:
    """Sum up the splits of a protocol."""
    return mean_of([scores(some) for some in told], scores(_flat(told)))


HEADS = (
    "window %",
    "execution %",
    "active error %",
    "instability %",
    "rejected %",
    "found %",
    "false/h",
    "decided ms",
    "executions",
)


def as_text(report: GestureReport) -> str:
    """Write the tables for a terminal."""
    rows = _table(report)
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    lines = [_title(report)]
    for first, *rest in rows:
        cells = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *cells]))
    return "\n".join(lines) + "\n"


def as_markdown(report: GestureReport) -> str:
    """Write the tables in Markdown."""
    head, *rows = _table(report)
    lines = [_title(report), "", f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def _title(report: GestureReport) -> str:
    simulated = "SIMULATED " if report.simulated else ""
    return f"gestures of {simulated}{report.origin or 'recordings'}"


def _table(report: GestureReport) -> list[list[str]]:
    rows = [["", *HEADS]]
    for name, found in report.rows.items():
        rows.append([name, *_cells(found)])
        rows += [[f"  {part}", *_cells(each)] for part, each in report.parts[name].items()]
    return rows


def _cells(found: GestureScores) -> list[str]:
    shares = (
        found.window_accuracy,
        found.execution_accuracy,
        found.active_error,
        found.instability,
        found.rejected,
        found.found,
    )
    return [
        *(_number(100 * share, 1) for share in shares),
        _number(found.false_activations_per_hour, 0),
        _number(found.decision_ms, 0),
        str(found.executions),
    ]


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
