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

"""A scoreboard for people: as text for a terminal, and as Markdown."""

from __future__ import annotations

import textwrap

import numpy as np

from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.scores.board import Board, ModelRow
from kpm_ros.learn.scores.metrics import Interval
from kpm_ros.learn.scores.protocols import PROTOCOLS
from kpm_ros.learn.scores.scoreboard import TEST_SETS

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
SIMULATED = "SIMULATED hands and muscles: these figures say nothing about people"
RECORDED = "Recorded performances"
LINE = 100
"""Columns of a line of Markdown."""


def as_text(board: Board) -> str:
    """Write one table for each test set, for a terminal."""
    parts = [title(board)]
    for split in board.splits:
        rows = [cells(model, split) for model in board.models]
        table = text_table(rows, HEAD, figures=range(2, len(HEAD)), indent="  ")
        parts.append(f"{heading(board, split)}\n{table}")
    parts.append("\n".join(notes(board)))
    return "\n\n".join(parts) + "\n"


def as_markdown(board: Board) -> str:
    """Write the same as Markdown."""
    parts = [f"**{title(board)}.**"]
    rule = "|---|---|" + "---:|" * (len(HEAD) - 2)
    for split in board.splits:
        lines = [f"| {' | '.join(HEAD)} |", rule]
        lines += [f"| {' | '.join(cells(model, split))} |" for model in board.models]
        parts.append(f"{heading(board, split)}:\n\n" + "\n".join(lines))
    parts.append("\n".join(_item(note) for note in (*models(board), *notes(board))))
    return "\n\n".join(parts) + "\n"


def _item(note: str) -> str:
    """Write one item of a list in lines that are read without scrolling."""
    return textwrap.fill(
        note,
        LINE,
        initial_indent="- ",
        subsequent_indent="  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def title(board: Board) -> str:
    """Say first whether these are people."""
    return SIMULATED if board.simulated else RECORDED


def heading(board: Board, split: str) -> str:
    """Name a test set and its size."""
    seconds = {one.performance: one.seconds for row in board.models for one in row.scores[split]}
    names = {*seconds, *(name for row in board.models for name in row.met.get(split, ()))}
    minutes = sum(seconds.values()) / 60
    words = TEST_SETS.get(split, split)
    count = f"{len(names)} performance{'s' if len(names) > 1 else ''}"
    length = f", {minutes:.1f} min" if seconds.keys() == names else ""
    return f"{words[0].upper()}{words[1:]} (`{split}`, {count}{length})"


def cells(model: ModelRow, split: str) -> tuple[str, ...]:
    """Write one row."""
    figures = (_with_spread(model.interval(split, metric)) for metric in ("rmse", "otd"))
    correlation = _with_spread(model.interval(split, "correlation"), places=2)
    return (
        _marked(model, split),
        "+".join(model.inputs) or "-",
        *figures,
        correlation,
        _count(model.parameters),
        f"{model.cost.mean:.3f} ({model.cost.low:.3f} to {model.cost.high:.3f})",
        f"{model.lookahead_ms:.0f} ms",
    )


def _marked(model: ModelRow, split: str) -> str:
    """Name a model, and say of how few performances its figures are if it has met others."""
    met = len(model.met.get(split, ()))
    if met:
        new = len(model.scores[split])
        return f"{model.name} (seen in training)" if not new else f"{model.name} ({new} new)"
    return f"{model.name} (?)" if model.provenance and split in TEST_SETS else model.name


_SEEN_IN = {"take": "that very take", "person": "the pianist", "task": "the task"}


def seen_in_training(board: Board) -> list[str]:
    """Say by name what was left out since a model has met it, and of which model nobody knows."""
    lines = []
    for model in board.models:
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
                "say which of these performances are new to it."
            )
    return lines


def models(board: Board) -> list[str]:
    """Say what each model is, and once of all that share it what they were trained on."""
    trained: dict[str, list[str]] = {}
    for model in board.models:
        trained.setdefault(model.trained_on.rstrip("."), []).append(f"`{model.name}`")
    return [
        *(f"`{model.name}`: {model.description}." for model in board.models),
        *(f"Trained on {data}: {', '.join(names)}." for data, names in trained.items()),
    ]


def notes(board: Board) -> list[str]:
    """Say how the figures came about."""
    lines = [
        *seen_in_training(board),
        f"Protocol `{board.protocol}`: {PROTOCOLS[board.protocol]}.",
        "Means over performances, ± half of the 95 % interval of bootstrapped means.",
        f"OTD: Sinkhorn distance (p = 2, blur 0.05) between the clouds of at most "
        f"{board.otd_points} evenly spaced samples of each performance.",
        "Correlation: mean over muscles; an estimate that never changes counts as 0.",
        "CPU s per s: on one thread, all models in turns; median (least to most). Live models run "
        "in hops of 10 samples, others over a whole signal at once.",
        "Look-ahead: how much of the future a model sees; one that takes whole windows waits for "
        "the rest of its window.",
    ]
    lines.append(f"Data: {board.data} (fingerprint {board.fingerprint[:12]}).")
    if board.cpu:
        lines.append(f"Machine: {board.cpu}.")
    if board.command:
        lines.append(f"Command: `{board.command}`, split file `{board.split_file}`.")
    return lines


def _with_spread(interval: Interval, places: int = 3) -> str:
    if np.isnan(interval.mean):
        return "-"
    mean = f"{interval.mean:.{places}f}"
    # One performance says nothing of how much they differ.
    return f"{mean} ± {interval.half_width:.{places}f}" if interval.half_width > 0 else mean


def _count(parameters: int) -> str:
    if parameters >= 1_000_000:
        return f"{parameters / 1e6:.2f} M"
    return f"{parameters / 1e3:.0f} k" if parameters >= 10_000 else str(parameters)
