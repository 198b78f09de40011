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

"""What sums up the tables of Muscles in Action, as Markdown for a page that explains them."""

from __future__ import annotations

from collections.abc import Sequence

from kpm_ros.learn.scores.mia_report import MiaReport
from kpm_ros.learn.scores.mia_report_text import Part, laid_out, origin, seen_in_training, tables

SET_AND_WINDOWS = 2
"""Columns of a table of exercises before its models."""


def as_summary(report: MiaReport) -> str:
    """Write one table of all test sets, a model a row, and the tables that are to be seen whole."""
    parts = tables(report)
    summed_up = [part for part in parts if part.sums]
    whole = [part for part in parts if part.sums is None]
    first = [_by_model(summed_up, report.unit)] if summed_up else []
    return laid_out(report, [*first, *whole], [*seen_in_training(report), *origin(report)])


def _by_model(parts: Sequence[Part], unit: str) -> Part:
    """Turn the last rows of tables of exercises, side by side, into columns."""
    models = dict.fromkeys(name for part in parts for name in part.head[SET_AND_WINDOWS:])
    measures = dict.fromkeys(row[0] for part in parts for row in _sums(part))
    head = ("model", *(f"{part.of}, {_sums(part)[0][1]} windows" for part in parts))
    rows = [(model, *(_cell(part, model) for part in parts)) for model in models]
    return Part(f"RMSE in {unit}: {'; '.join(measures)}", head, rows)


def _cell(part: Part, model: str) -> str:
    if model not in part.head:
        return "-"
    column = part.head.index(model)
    figures = [row[column] for row in _sums(part)]
    return "-" if set(figures) == {"-"} else "; ".join(figures)


def _sums(part: Part) -> Sequence[tuple[str, ...]]:
    return part.rows[-(part.sums or 0) :]
