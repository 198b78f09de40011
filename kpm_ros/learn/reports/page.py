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

"""The page itself: one HTML file that loads nothing, light or dark as its reader's screen is."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.resources import config_dir
from kpm_ros.learn.reports import pictures
from kpm_ros.learn.reports.shown import Shown
from kpm_ros.learn.reports.theme import MOST_LINES
from kpm_ros.learn.reports.words import best_first, in_words, summary_of
from kpm_ros.learn.scores.score_table import ModelRow, ScoreTable
from kpm_ros.learn.scores.score_table_text import (
    HEAD,
    cells,
    heading,
    models,
    muscle_lines,
    notes,
    timing_lines,
    title,
    with_spread,
)
from kpm_ros.learn.scores.summaries import BY_NAME, MEASURES, muscle_summary, muscles_of, summary
from kpm_ros.learn.scores.take_figures import MOMENT_S
from kpm_ros.learn.scores.takes import Take, people_of

TEMPLATE = "report.html"
EXCERPT_S = 6.0
MOMENT_AROUND_S = 2.0
MOST_TRACED = 3
"""Models whose estimates lie over each other, the best first."""
WORST = 3
"""Moments that are shown of each test set, each of another recording where there are so many."""

Show = Callable[[Take, float, float, Sequence[str]], Shown]
"""Draws on a recording: the take whose it is, from when to when, and whose estimates."""


class Table(NamedTuple):
    """A table: its head, its lines, and what it is."""

    caption: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]

    @property
    def figures(self) -> set[int]:
        """Columns that hold figures, which stand at the right."""
        columns = enumerate(zip(*self.lines, strict=True))
        return {k for k, words in columns if k and all(map(_FIGURE.fullmatch, words))}


_FIGURE = re.compile(r"-|[+-]?\d[\d.]*([ ,].*)?")


class Picture(NamedTuple):
    """A picture with what it shows."""

    svg: str
    caption: str


@dataclass
class Section:
    """One part of the page."""

    title: str
    sentences: Sequence[str] = ()
    tables: list[Table] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    items: Sequence[str] = ()


@dataclass(frozen=True)
class Report:
    """Everything that a page is made of."""

    heading: str
    simulated: bool
    sections: Sequence[Section]
    notes: Sequence[str] = ()
    title: str = "Muscle effort, estimated against measured"
    notes_title: str = "How this was measured"


def render(report: Report) -> str:
    """Write the page; what comes from files and people is shown, never run.

    The only markup that is not the template's own are pictures: matplotlib escapes what they say.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(config_dir() / "report")
    environment = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(report=report)


def of_table(
    table: ScoreTable,
    show: Show,
    look: Callable[[Take, float, float], str],
    delays: Mapping[str, NDArray[np.float64]],
    said: Sequence[str] = (),
    sessions: Sequence[Section] = (),
) -> Report:
    """Make a report of an evaluation.

    `show` gives what is drawn of a recording, `look` the command by which one looks further,
    `delays` what each stage of the live path took, in ms (empty where nothing ran live), `said`
    what is to be known of the recordings, and `sessions` how they were made.
    """
    sections = [*sessions, *([Section("To be known", items=said)] if said else [])]
    for number, split in enumerate(table.splits):
        sections += _of_split(table, split, f"s{number}", show, look)
    if delays:
        sections.append(_of_delays(delays))
    return Report(
        heading=f"{title(table)}.",
        simulated=table.simulated,
        sections=sections,
        notes=[note.replace("`", "") for note in (*models(table), *notes(table))]
        if table.models
        else [],
    )


def _of_split(
    table: ScoreTable,
    split: str,
    key: str,
    show: Show,
    look: Callable[[Take, float, float], str],
) -> list[Section]:
    ordered = best_first(table, split)
    words = heading(table, split).replace("`", "")
    section = Section(words, summary_of(table, split))
    rows = [cells(model, split) for model in table.models_on(split)]
    section.tables.append(Table("Scores", HEAD, rows))
    captions = ("RMSE and correlation of each muscle", "Timing and amplitude")
    tables = muscle_lines(table, split), timing_lines(table, split)
    section.tables += [
        Table(caption, lines[0], lines[1:])
        for caption, lines in zip(captions, tables, strict=True)
        if lines
    ]
    if not ordered:
        return [section]
    best = ordered[0]
    section.tables += _details(best, split)
    drawn = [model.name for model in ordered[:MOST_LINES]]
    takes = [take for take in table.takes if take.test_set == split]
    section.pictures += _pictures(takes, best.takes_of(split), drawn, key, show)
    return [section, _worst(best.takes_of(split), f"{key}w", show, look)]


def _details(best: ModelRow, split: str) -> list[Table]:
    """Give every measure of the best model by muscle and by person."""
    takes = best.takes_of(split)
    people = people_of(takes)
    columns = [BY_NAME[name] for name in BY_NAME if name != "otd"]
    head = ["", *(one.head for one in columns)]
    by_muscle = [
        (name, *(with_spread(found[one.name], one.places) for one in columns))
        for name in muscles_of(takes)
        for found in [muscle_summary(takes, name)]
    ]
    tables = [Table(f"{best.name} by muscle", head, by_muscle)]
    if len(people) > 1:
        by_person = [
            (person, *(with_spread(found[one.name], one.places) for one in MEASURES))
            for person in people
            for found in [summary([take for take in takes if take.person == person], "person")]
        ]
        head = ["", *(one.head for one in MEASURES)]
        tables.append(Table(f"{best.name} by person", head, by_person))
    return tables


def _pictures(
    takes: Sequence[Take], of_best: Sequence[Take], drawn: Sequence[str], key: str, show: Show
) -> list[Picture]:
    typical = sorted(of_best, key=lambda take: take.figures.rmse)[len(of_best) // 2]
    start_s = _telling(typical)
    shown = show(typical, start_s, start_s + EXCERPT_S, drawn[:MOST_TRACED])
    below = ", with the keys below" if shown.keys else ""
    found = [
        Picture(
            pictures.traces(shown, f"{key}t"),
            f"Effort ({shown.unit}) of {typical.recording}, the recording in the middle by RMSE: "
            f"measured and estimated{below}.",
        )
    ]
    if len(people_of(takes)) > 1:
        found.append(
            Picture(
                pictures.people(takes, drawn, f"{key}p"),
                "RMSE of each person, the mean of their recordings, which are the faint points.",
            )
        )
    svg = pictures.spectra(takes, drawn, f"{key}f")
    if svg:
        found.append(
            Picture(svg, "How fast effort moves: power of each muscle by thirds of an octave.")
        )
    svg = pictures.validity(of_best, f"{key}v")
    if svg:
        found.append(
            Picture(
                svg,
                "Validity over time: a full strip where the senses saw, or effort was valid, all "
                "of a second; the recordings that lost most.",
            )
        )
    return found


def _telling(take: Take) -> float:
    """Second from which on most is known for the length of an excerpt, near the middle."""
    length = round(EXCERPT_S)
    middle = max(0.0, (len(take.valid) or take.figures.seconds) - length) / 2
    starts = range(max(1, len(take.valid) - length + 1))
    if not take.valid:
        return middle
    return min(starts, key=lambda at: (-sum(take.valid[at : at + length]), abs(at - middle)))


def _worst(
    takes: Sequence[Take], key: str, show: Show, look: Callable[[Take, float, float], str]
) -> Section:
    """Show the worst moments, and say where to look."""
    every = [(take.figures.worst[0], take) for take in takes if take.figures.worst]
    if len(every) < WORST:
        every = [(moment, take) for take in takes for moment in take.figures.worst]
    worst = sorted(every, key=lambda pair: -pair[0].rmse)[:WORST]
    spans = [
        (max(0.0, moment.start_s - MOMENT_AROUND_S), moment.start_s + MOMENT_S + MOMENT_AROUND_S)
        for moment, _ in worst
    ]
    section = Section(
        "Worst moments",
        items=[
            f"{in_words(moment, take)}. Look: {look(take, *span)}"
            for (moment, take), span in zip(worst, spans, strict=True)
        ],
    )
    if worst:
        shown = [
            (moment, show(take, *span, [take.model]))
            for (moment, take), span in zip(worst, spans, strict=True)
        ]
        caption = "The muscle that was furthest off, and the second in question shaded."
        section.pictures.append(Picture(pictures.moments(shown, key), caption))
    return section


def _of_delays(delays: Mapping[str, NDArray[np.float64]]) -> Section:
    lines = [
        (stage, *(f"{value:.1f}" for value in np.percentile(values, [50, 99])))
        for stage, values in delays.items()
    ]
    return Section(
        "Delay by stage",
        tables=[Table("As the bags' latency traces tell", ("stage", "p50 ms", "p99 ms"), lines)],
        pictures=[
            Picture(
                pictures.delays(delays, "delays"), "Median, and the line to the 99th percentile."
            )
        ],
    )
