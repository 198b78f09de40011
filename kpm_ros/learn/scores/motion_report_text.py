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

"""The tables of made movements for people: as text for a terminal, and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from kpm_ros.core.markdown import list_item, markdown_table, paragraph
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.text_tables import text_table
from kpm_ros.learn.scores.motion_scoring import MakerScores, MotionReport
from kpm_ros.motion.scores.published import ClipScores
from kpm_ros.motion.scores.published_figures import FIGURES, PUBLISHED, SOURCE

SIMULATED = "SIMULATED hands: these figures say nothing about people"
RECORDED = "Recorded hands"
PLACES = 3

Table = tuple[str, tuple[str, ...], list[tuple[str, ...]]]
"""Heading, names of columns, rows."""


def as_text(report: MotionReport) -> str:
    """Write everything for a terminal."""
    parts = [title(report)]
    for heading, head, rows in tables(report):
        shown = text_table(rows, head, figures=range(1, len(head)), indent="  ")
        parts.append(f"{heading}\n{shown}")
    parts.append("\n".join(notes(report)))
    return "\n\n".join(parts) + "\n"


def as_markdown(report: MotionReport) -> str:
    """Write the same as Markdown."""
    parts = [f"**{title(report)}.**"]
    for heading, head, rows in tables(report):
        parts.append(f"{paragraph(f'{heading}:')}\n\n{markdown_table([head, *rows])}")
    parts.append("\n".join(list_item(note) for note in notes(report)))
    return "\n\n".join(parts) + "\n"


def title(report: MotionReport) -> str:
    """Say first whether these are people, and what they are."""
    kind = SIMULATED if report.simulated else RECORDED
    return f"{kind}; {report.clips} clips, {report.minutes:.1f} min of {report.split}"


def tables(report: MotionReport) -> list[Table]:
    """Lay out what is known; of clips whose camera nobody knows no keys are told."""
    made = [_published(report), _ours(report)]
    if any(one.onsets.wanted for one in report.makers.values()):
        made.append(_keys(report))
    if report.fingerings:
        rows: list[tuple[str, ...]] = [
            (name, _shown(value)) for name, value in report.fingerings.items()
        ]
        made.append(
            ("Fingers that are the printed ones, of our pianist", ("exercise", "match rate"), rows)
        )
    return made


def _published(report: MotionReport) -> Table:
    head = (
        "",
        *(f"{side[0].upper()} {name}" for side in (LEFT, RIGHT) for name in _names(FIGURES)),
    )
    rows = [
        (
            name,
            *(_shown(getattr(one.hands[side], each)) for side in (LEFT, RIGHT) for each in FIGURES),
        )
        for name, one in report.makers.items()
    ]
    rows += [
        (
            f"({name}, published)",
            *(_shown(value) for side in (LEFT, RIGHT) for value in one.of(side)),
        )
        for name, one in PUBLISHED.items()
    ]
    return "Published scores, as coded; lower is nearer", head, rows


def _names(figures: Sequence[str]) -> list[str]:
    return [figure.replace("_as_coded", "").upper() for figure in figures]


def _ours(report: MotionReport) -> Table:
    names = [name for name in ClipScores._fields if name not in FIGURES]
    head = (
        "",
        *(f"{side[0].upper()} {name}" for side in (LEFT, RIGHT) for name in names),
        "features",
    )
    rows = [
        (
            name,
            *(_shown(getattr(one.hands[side], each)) for side in (LEFT, RIGHT) for each in names),
            _shown(one.feature_distance),
        )
        for name, one in report.makers.items()
    ]
    return "What those scores mean to measure, of visible hands", head, rows


_KEY_COLUMNS: tuple[tuple[str, Callable[[MakerScores], float]], ...] = (
    ("onset P", lambda one: one.onsets.precision),
    ("onset R", lambda one: one.onsets.recall),
    ("onset F1", lambda one: one.onsets.f1),
    ("frame F1", lambda one: one.frames.f1),
    ("silent=1", lambda one: one.frame_f1_zero_division_one),
    ("in limits", lambda one: one.soundness.within_joint_limits),
    ("tip m/s", lambda one: one.soundness.fastest_tip_m_per_s),
    ("joint rad/s", lambda one: one.soundness.fastest_joint_rad_per_s),
    ("hands cross", lambda one: one.soundness.hands_in_each_other),
    ("in keys", lambda one: one.soundness.tips_in_keys),
    ("x real time", lambda one: one.times_real_time),
)


def _keys(report: MotionReport) -> Table:
    rows = [
        (name, *(_shown(figure(one)) for _, figure in _KEY_COLUMNS))
        for name, one in report.makers.items()
    ]
    heading = "Keys that fingertips press, and whether hands can move so"
    return heading, ("", *(name for name, _ in _KEY_COLUMNS)), rows


def _shown(value: float) -> str:
    if not math.isfinite(value):
        return "-"
    # Plus nothing, so that no zero is shown with a sign.
    return f"{round(value, PLACES) + 0.0:.{PLACES}f}" if abs(value) < 100 else f"{value:.0f}"


def notes(report: MotionReport) -> list[str]:
    """Say what the figures are of, and whose those in brackets are."""
    return [
        *(f"{name}: {words}" for name, words in report.about.items()),
        f"In brackets: {SOURCE}. They are of other hands, and not to be compared with the others.",
        "FGD, WGD, PD and Smooth are of one stretch of 8 s of each clip, drawn by the seed "
        f"{report.seed}, hands that are not visible included; turns in radians, places in metres.",
        "silent=1: mean F1 of frames, silent ones as 1; all other F1 leave those out.",
        f"Data: {report.data}, {report.fingerprint[:16]}. Processor: {report.cpu}. "
        f"Command: {report.command}",
    ]
