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

"""A table of scores for people: as text for a terminal, and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from kpm_ros.core.markdown import list_item, markdown_table
from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.scores.lags import MOST_LAG_S
from kpm_ros.learn.scores.metrics import Interval
from kpm_ros.learn.scores.onsets import USUAL_RULE
from kpm_ros.learn.scores.protocols import PROTOCOLS
from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
from kpm_ros.learn.scores.scoring import TEST_SETS
from kpm_ros.learn.scores.summaries import BY_NAME, TIMING, summary

HEAD = (
    "model",
    "inputs",
    "RMSE",
    "OTD",
    "correlation",
    "parameters",
    "CPU s per s",
    "look-ahead",
)
SCORES = slice(2, 5)
"""Columns that differ from one test set to another."""
SIMULATED = "SIMULATED hands and muscles: these figures say nothing about people"
RECORDED = "Recorded people"
_HOW = {name: words for name, (words, _) in PROTOCOLS.items()} | {
    "recorded": "effort as it was published while it was recorded",
    "replayed": "a bag's senses through the objects of the live pipeline",
}


def as_text(table: ScoreTable) -> str:
    """Write one table for each test set, for a terminal."""
    parts = [title(table)]
    for split in table.splits:
        rows = [cells(model, split) for model in table.models_on(split)]
        shown = text_table(rows, HEAD, figures=range(2, len(HEAD)), indent="  ")
        parts.append(f"{heading(table, split)}\n{shown}")
        for head, *rest in filter(None, (muscle_lines(table, split), timing_lines(table, split))):
            parts.append(text_table(rest, head, figures=range(1, len(head)), indent="  "))
    parts.append("\n".join(notes(table)))
    return "\n\n".join(parts) + "\n"


def muscle_lines(table: ScoreTable, split: str) -> list[tuple[str, ...]]:
    """Write RMSE and correlation of each muscle by each model; nothing where none are known."""
    scored = [model for model in table.models_on(split) if model.muscles.get(split)]
    if not scored:
        return []
    lines = [("RMSE, correlation", *(model.name for model in scored))]
    for muscle in dict.fromkeys(name for model in scored for name in model.muscles[split]):
        pairs = (model.muscles[split].get(muscle) for model in scored)
        cells = ("-" if pair is None else _rmse_and_correlation(*pair) for pair in pairs)
        lines.append((muscle, *cells))
    return lines


def _rmse_and_correlation(rmse: float, r: float | None) -> str:
    return f"{rmse:.3f}, {'-' if r is None else f'{r:.2f}'}"


def timing_lines(table: ScoreTable, split: str) -> list[tuple[str, ...]]:
    """Write when and how large each model's estimates are; nothing of a table that lacks it."""
    scored = [model for model in table.models_on(split) if model.takes_of(split)]
    if not scored:
        return []
    measures = [BY_NAME[name] for name in TIMING]
    lines = [(HEAD[0], *(one.head for one in measures))]
    for model in scored:
        found = summary(model.takes_of(split))
        lines.append((model.name, *(with_spread(found[one.name], one.places) for one in measures)))
    return lines


def as_markdown(table: ScoreTable) -> str:
    """Write the same as Markdown; what is the same on every test set stands once."""
    parts = [f"**{title(table)}.**"]
    for split in table.splits:
        rows = [cells(model, split) for model in table.models_on(split)]
        scores = [(HEAD[0], *HEAD[SCORES]), *((row[0], *row[SCORES]) for row in rows)]
        parts.append(f"{heading(table, split)}:\n\n{markdown_table(scores)}")
        found = muscle_lines(table, split), timing_lines(table, split)
        parts += [markdown_table(lines) for lines in found if lines]
    return "\n\n".join([*parts, *_about(table, (*models(table), *notes(table)))]) + "\n"


def as_summary(table: ScoreTable) -> str:
    """Write all test sets in one table of Markdown, for a page that says how models are scored."""
    lines = [(HEAD[0], *(f"`{split}`" for split in table.splits))]
    for model in table.models:
        rows = [cells(model, split) for split in model.scores]
        figures = (
            ", ".join([row[2], *(cell.partition(" ±")[0] for cell in row[3:5])]) for row in rows
        )
        # A mark says something of one test set.
        lines.append((rows[0][0] if len({row[0] for row in rows}) == 1 else model.name, *figures))
    parts = [
        f"**{title(table)}.**",
        "RMSE, OTD and correlation:",
        "\n".join(list_item(f"{heading(table, split)}.") for split in table.splits),
        markdown_table(lines),
    ]
    told = (*descriptions(table), *seen_in_training(table), *_spread(table), *_origin(table))
    return "\n\n".join([*parts, *_about(table, told)]) + "\n"


def _about(table: ScoreTable, told: Sequence[str]) -> list[str]:
    """Write what models take and cost, and what is told of them and of their figures."""
    made = [(HEAD[0], HEAD[1], *HEAD[SCORES.stop :])]
    made += [(model.name, _inputs(model), *_costs(model)) for model in table.models]
    return [
        f"What they take and cost:\n\n{markdown_table(made, words=2)}",
        "\n".join(map(list_item, told)),
    ]


def title(table: ScoreTable) -> str:
    """Say first whether these are people."""
    return SIMULATED if table.simulated else RECORDED


def heading(table: ScoreTable, split: str) -> str:
    """Name a test set and its size."""
    scored = table.models_on(split)
    seconds = {one.performance: one.seconds for row in scored for one in row.scores[split]}
    names = {*seconds, *(name for row in scored for name in row.met.get(split, ()))}
    minutes = sum(seconds.values()) / 60
    name, of, source = split.partition(" of ")
    words = f"{TEST_SETS.get(name, name)}{of}{source}"
    count = f"{len(names)} recording{'s' if len(names) > 1 else ''}"
    length = f", {minutes:.1f} min" if seconds.keys() == names else ""
    return f"{words[0].upper()}{words[1:]} (`{split}`, {count}{length})"


def cells(model: ModelRow, split: str) -> tuple[str, ...]:
    """Write one row."""
    figures = (with_spread(model.interval(split, metric)) for metric in ("rmse", "otd"))
    correlation = with_spread(model.interval(split, "correlation"), places=2)
    return _marked(model, split), _inputs(model), *figures, correlation, *_costs(model)


def _inputs(model: ModelRow) -> str:
    return "+".join(model.inputs) or "-"


def _costs(model: ModelRow) -> tuple[str, ...]:
    return (
        _count(model.parameters) if model.parameters else "-",
        "-"
        if math.isnan(model.cost.mean)
        else f"{model.cost.mean:.3f} ({model.cost.low:.3f} to {model.cost.high:.3f})",
        f"{model.lookahead_ms:.0f} ms",
    )


def _marked(model: ModelRow, split: str) -> str:
    """Name a model, and say of how few recordings its figures are if it has met others."""
    met = len(model.met.get(split, ()))
    if met:
        new = len(model.scores[split])
        return f"{model.name} (seen in training)" if not new else f"{model.name} ({new} new)"
    named = split.partition(" of ")[0] in TEST_SETS
    return f"{model.name} (?)" if model.provenance and named else model.name


_SEEN_IN = {"take": "that very take", "person": "the person", "task": "the task"}


def seen_in_training(table: ScoreTable) -> list[str]:
    """Say by name what was left out since a model has met it, and of which model nobody knows."""
    lines = []
    for model in table.models:
        for split, met in model.met.items():
            by_what: dict[str, list[str]] = {}
            for name, what in met.items():
                by_what.setdefault(what, []).append(name)
            lines += [
                f"`{model.name}`: seen in training ({_SEEN_IN[what]}), so left out of "
                f"`{split}`: {', '.join(names)}."
                for what, names in by_what.items()
            ]
        if model.provenance:
            lines.append(
                f"`{model.name}` (?): what it was trained on is {model.provenance}, so nobody can "
                "say which of these recordings are new to it."
            )
    return lines


def models(table: ScoreTable) -> list[str]:
    """Say what each model is and was trained on; once of all that share it."""
    trained: dict[str, list[str]] = {}
    for model in table.models:
        trained.setdefault(model.trained_on.rstrip("."), []).append(f"`{model.name}`")
    of_data = (f"Trained on {data}: {', '.join(names)}." for data, names in trained.items())
    return [*descriptions(table), *of_data]


def descriptions(table: ScoreTable) -> list[str]:
    """Say what each model is; once of all that share it."""
    described: dict[str, list[str]] = {}
    for model in table.models:
        described.setdefault(model.description, []).append(f"`{model.name}`")
    return [f"{', '.join(names)}: {what}." for what, names in described.items()]


def notes(table: ScoreTable) -> list[str]:
    """Say how the figures came about."""
    return [
        *seen_in_training(table),
        f"Protocol `{table.protocol}`: {_HOW[table.protocol]}.",
        *_spread(table),
        "Correlation: mean over muscles; an estimate that never changes counts as 0.",
        "CPU s per s: on one thread, all models in turns; median (least to most). Live models run "
        "in hops of 10 ms, others over a whole signal at once.",
        "Look-ahead: how much of the future a model sees; one that takes whole windows waits for "
        "the rest of its window.",
        *(_timing_notes() if table.takes else []),
        *_origin(table),
    ]


def _spread(table: ScoreTable) -> list[str]:
    """Say how spread and clouds are taken."""
    return [
        f"Means over recordings, ± half of the 95 % interval of bootstrapped means{_drawn(table)}.",
        f"OTD: Sinkhorn distance (p = 2, blur 0.05) between the clouds of at most "
        f"{table.otd_points} evenly spaced samples of each recording.",
    ]


def _origin(table: ScoreTable) -> list[str]:
    """Say where the figures are from."""
    known = f" (fingerprint {table.fingerprint[:12]})" if table.fingerprint else ""
    lines = [f"Data: {table.data}{known}."]
    if table.cpu:
        lines.append(f"Machine: {table.cpu}.")
    if table.command:
        split_file = f", split file `{table.split_file}`" if table.split_file else ""
        lines.append(f"Command: `{table.command}`{split_file}.")
    return lines


def _drawn(table: ScoreTable) -> str:
    """Say what was drawn, where a table tells of whom its recordings are."""
    told = any(one.person for row in table.models for some in row.scores.values() for one in some)
    return ", people drawn where there are several" if told else ""


def _timing_notes() -> list[str]:
    """Say how timing and amplitude are taken; nothing of either is removed from other figures."""
    return [
        f"Best lag: where the muscles' mean correlation is highest within {MOST_LAG_S * 1000:g} "
        "ms; above zero, the estimate comes later. It is removed from no other figure.",
        f"Onsets: {USUAL_RULE.words}.",
        "Slope and offset: the line estimate = slope x measured + offset, of each muscle in each "
        "recording, then the mean. They are removed from no other figure.",
    ]


def with_spread(interval: Interval, places: int = 3) -> str:
    """Write a mean with half of its interval."""
    if np.isnan(interval.mean):
        return "-"
    mean = f"{round(interval.mean, places) + 0.0:.{places}f}"  # without "-0"
    # One performance says nothing of how much they differ.
    return f"{mean} ± {interval.half_width:.{places}f}" if interval.half_width > 0 else mean


def _count(parameters: int) -> str:
    if parameters >= 1_000_000:
        return f"{parameters / 1e6:.2f} M"
    return f"{parameters / 1e3:.0f} k" if parameters >= 10_000 else str(parameters)
