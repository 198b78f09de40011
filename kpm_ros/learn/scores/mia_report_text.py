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

"""The tables of Muscles in Action for people: as text for a terminal, and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kpm_ros.core.markdown import list_item, markdown_table, paragraph
from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.scores.body_windows import PROTOCOLS
from kpm_ros.learn.scores.exercise_scores import ExerciseScores
from kpm_ros.learn.scores.mia_report import LEFT_OUT_SETS, LengthScores, MiaReport, TransferScores
from kpm_ros.learn.scores.published_figures import Published, PublishedSet, published_figures
from kpm_ros.learn.scores.scoring import TEST_SETS

SIMULATED = "SIMULATED bodies and muscles: these figures say nothing about people"
RECORDED = "Recorded people"
POOLED, MEAN = "all, pooled", "mean of rows"
SMALLEST_SHOWN = 1.0
"""Of errors: below it, three places are written, else two."""
NEAREST = "nearest"
_PUBLISHED_SETS = {"left_out_exercise": "test_cross_task"}
"""As which published set one of ours may be read."""


@dataclass(frozen=True)
class Part:
    """One table with its heading."""

    heading: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: int = 1
    """Columns of words; the others are figures."""
    of: str = ""
    """Of whom it is, where it is of one test set."""
    sums: int | None = None
    """How many of its last rows sum it up; None where all of it is to be seen."""


def as_text(report: MiaReport) -> str:
    """Write everything for a terminal."""
    parts = [title(report)]
    for part in tables(report):
        figures = range(part.words, len(part.head))
        shown = text_table(part.rows, part.head, figures=figures, indent="  ")
        parts.append(f"{part.heading}\n{shown}")
    parts.append("\n".join(notes(report)))
    return "\n\n".join(parts) + "\n"


def as_markdown(report: MiaReport) -> str:
    """Write the same as Markdown."""
    return laid_out(report, tables(report), notes(report))


def laid_out(report: MiaReport, parts: Sequence[Part], lines: Sequence[str]) -> str:
    """Write tables and what is to be said of them as Markdown."""
    shown = [f"**{title(report)}.**"]
    for part in parts:
        table = markdown_table([part.head, *part.rows], part.words)
        shown.append(f"{paragraph(f'{part.heading}:')}\n\n{table}")
    shown.append("\n".join(list_item(line) for line in lines))
    return "\n\n".join(shown) + "\n"


def title(report: MiaReport) -> str:
    """Say first whether these are people."""
    return SIMULATED if report.simulated else RECORDED


def tables(report: MiaReport) -> list[Part]:
    """Lay out all that was scored."""
    published = published_figures()
    found = [
        _exercise_table(report, split, models, published)
        for split, models in report.exercises.items()
    ]
    muscles = _muscle_table(report)
    found += [muscles] if muscles else []
    found += [_length_table(report, report.lengths, published)] if report.lengths else []
    found += [_transfer_table(report, report.transfer)] if report.transfer else []
    if report.pose:
        turned = report.pose.turned
        rows = [
            (name, f"{error:.3f}", f"{turned[name]:.3f}" if name in turned else "-", "-")
            for name, error in report.pose.error.items()
        ]
        rows += [(f"{name} [P]", "-", "-", f"{e:.3f}") for name, e in published.pose_error.items()]
        heading = f"Muscles to pose, mean error of a joint in {report.pose.unit}"
        where = f" (`{report.pose.split}`, {report.pose.windows} windows)"
        head = ("model", "ours", "ours, turned to face alike", "published")
        found.append(Part(heading + where, head, rows))
    return found


def _exercise_table(
    report: MiaReport, split: str, models: Mapping[str, ExerciseScores], published: Published
) -> Part:
    """RMSE of each exercise by each model, with what was published of the same exercise."""
    beside = _published_sets(split, published)
    theirs = {
        mark: {published.same_exercise(name): row for name, row in one.rows.items()}
        for mark, one in beside.items()
    }
    windows: dict[str, int] = {}
    for scores in models.values():
        for name, count in scores.windows.items():
            windows[name] = max(count, windows.get(name, 0))
    rows: list[tuple[str, ...]] = []
    for name in sorted(windows):
        cells = [figure(scores.rmse.get(name)) for scores in models.values()]
        for mark, one in beside.items():
            row = theirs[mark].get(published.same_exercise(name))
            cells += [figure(x) for x in row] if row else ["-"] * len(one.models)
        rows.append((name, str(windows[name]), *cells))
    total = str(sum(windows.values()))
    for label, of, given in (
        (POOLED, lambda s: s.pooled, lambda one: one.pooled),
        (MEAN, lambda s: s.mean, lambda one: one.mean),
    ):
        cells = [figure(of(scores)) for scores in models.values()]
        for one in beside.values():
            cells += [figure(x) for x in given(one)] or ["-"] * len(one.models)
        rows.append((label, total, *cells))
    sums, relative = len(rows) - len(windows), _relative(models, beside)
    if relative:
        sums += 1
        rows.append((f"{POOLED}, of {NEAREST}'s", "", *relative))
    heads = [f"{name} {mark}" for mark, one in beside.items() for name in one.models]
    words = {**TEST_SETS, **LEFT_OUT_SETS}[split]
    whom = f"{words[0].upper()}{words[1:]} (`{split}`)"
    heading = f"{whom}, RMSE in {report.unit}"
    row_of = "person" if split == "left_out_person" else "exercise"
    return Part(heading, (row_of, "windows", *models, *heads), rows, of=whom, sums=sums)


def _published_sets(split: str, published: Published) -> dict[str, PublishedSet]:
    split = _PUBLISHED_SETS.get(split, split)
    return {
        f"[{number}]": table.sets[split]
        for number, table in enumerate(published.exercises, 1)
        if split in table.sets
    }


def _relative(
    models: Mapping[str, ExerciseScores], beside: Mapping[str, PublishedSet]
) -> list[str]:
    """Write pooled errors in units of the nearest neighbour's: the unit then does not matter."""
    own = next((one.pooled for name, one in models.items() if name.startswith(NEAREST)), math.nan)
    if not own > 0:
        return []
    cells = [f"{one.pooled / own:.2f}" for one in models.values()]
    for one in beside.values():
        known = dict(zip(one.models, one.pooled, strict=False))
        base = next((v for name, v in known.items() if name.startswith(NEAREST)), math.nan)
        cells += [f"{known[n] / base:.2f}" if n in known and base > 0 else "-" for n in one.models]
    return cells


def _muscle_table(report: MiaReport) -> Part | None:
    """RMSE of each muscle on the first test set."""
    for split, models in report.exercises.items():
        rows = [
            (muscle, *(figure(scores.muscles.get(muscle)) for scores in models.values()))
            for muscle in report.muscles
        ]
        heading = f"Each muscle (`{split}`), RMSE in {report.unit}"
        return Part(heading, ("muscle", *models), rows, sums=0)
    return None


def _length_table(report: MiaReport, lengths: LengthScores, published: Published) -> Part:
    rows = [(name, *(figure(value) for value in values)) for name, values in lengths.rmse.items()]
    if lengths.seconds == published.lengths_s:
        rows += [
            (f"{name} [L]", *(figure(value) for value in values))
            for name, values in published.lengths.items()
        ]
    heading = (
        f"Against the length of what is given (`{lengths.split}`, {lengths.windows} windows), RMSE "
        f"in {report.unit}"
    )
    return Part(heading, ("model", *(f"{length:g} s" for length in lengths.seconds)), rows)


def _transfer_table(report: MiaReport, transfer: TransferScores) -> Part:
    rows = [
        ("from scratch", *map(figure, transfer.from_scratch)),
        ("fine-tuned", *map(figure, transfer.fine_tuned)),
    ]
    head = ("", *(f"{count}" for count in transfer.exercises))
    if transfer.before is not None:
        head = ("", "0", *head[1:])
        rows[0] = (rows[0][0], "-", *rows[0][1:])
        rows[1] = (rows[1][0], figure(transfer.before), *rows[1][1:])
    heading = (
        f"A new person, {transfer.person}, against the number of exercises seen of them, on "
        f"{', '.join(transfer.tested)} ({transfer.windows} windows), RMSE in {report.unit}"
    )
    return Part(heading, head, rows)


def figure(value: float | None) -> str:
    """Write an error with as many places as its size asks for."""
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.3f}" if abs(value) < SMALLEST_SHOWN else f"{value:.2f}"


def notes(report: MiaReport) -> list[str]:
    """Say how the figures came about, and in what the published ones differ."""
    lines = [
        "RMSE: root of the mean square over all windows, muscles and frames, at 10 Hz on windows "
        f"of 3 s. {POOLED!r} is over all windows together, which is what the paper's row Mean is; "
        f"{MEAN!r} counts each exercise alike.",
        f"Protocol {report.protocol}: {PROTOCOLS[report.protocol][0]}.",
    ]
    if report.lengths:
        lines.append(
            "Length: windows are cut into pieces of it, each estimated by itself, and every "
            "instant is scored once at each length; 0 s is one instant. Models were trained on "
            "whole windows; whether the published ones were trained anew is not known to us."
        )
    models = [f"{name}: {what}" if what else name for name, what in report.models.items()]
    return [*models, *seen_in_training(report), *lines, *origin(report)]


def seen_in_training(report: MiaReport) -> list[str]:
    """Say what was left out since a model had met it."""
    return [
        f"{name} has met {len(scores.met)} recordings of {split} in training: left out."
        for split, models in report.exercises.items()
        for name, scores in models.items()
        if scores.met
    ]


def origin(report: MiaReport) -> list[str]:
    """Say where figures are from, and in what the published ones differ."""
    published = published_figures()
    lines = [f"Transfer, published: {published.transfer}."] if report.transfer else []
    if report.short:
        lines.append(f"{report.short} recordings are shorter than 3 s and are not scored.")
    lines += _differences(report, published)
    lines.append(f"Data: {report.data} (fingerprint {report.fingerprint[:12]}).")
    if report.cpu:
        lines.append(f"Machine: {report.cpu}.")
    if report.command:
        lines.append(f"Command: `{report.command}`, split file `{report.split_file}`.")
    return lines


def _differences(report: MiaReport, published: Published) -> list[str]:
    """Say of each published figure that is shown what it is, and in what ours differ."""
    kind = "SIMULATED bodies" if report.simulated else "recorded people"
    lines = [
        f"Ours: {kind}, {report.people} of them, {report.minutes:.1f} min scored, in {report.unit}."
    ]
    shown = {_PUBLISHED_SETS.get(split, split) for split in report.exercises}
    lines += [
        f"[{number}] published: {one.name}; {one.about}; in {one.unit}."
        for number, one in enumerate(published.exercises, 1)
        if shown & set(one.sets)
    ]
    if report.lengths:
        lines.append(f"[L] published: {published.lengths_name}; in {published.lengths_unit}.")
    if report.pose:
        lines.append(f"[P] published: {published.pose_error_says}.")
    unit = published.exercises[0].unit
    if report.unit != unit:
        kind = f"{kind}, in {report.unit},"
    if report.simulated or report.unit != unit:
        lines.append(
            f"Figures of {kind} and of people in {unit} cannot be compared; those relative to the "
            "nearest neighbour's may be, with care."
        )
    return lines
