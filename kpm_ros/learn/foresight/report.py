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

"""What a piece will ask of two hands, as one page and as tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from kpm_ros.learn.foresight.pictures import load_by_bar, muscles_by_bar
from kpm_ros.learn.reports.page import Picture, Report, Section, Table
from kpm_ros.motion.foresight import BarEffort, HandEffort, Passage
from kpm_ros.sense.midi.bars import Bars
from kpm_ros.simulate.anatomy.muscle_meanings import meaning, short_name

ROWS = 12
"""Of a table on the page; the CSV file has all."""
ALIGNED_HZ = 50.0
"""Samples a second of the effort beside the music."""
HEAD = ("bar", "start_s", "end_s", "hand", "by", "muscle", "mean", "peak", "seconds_above")


@dataclass(frozen=True)
class Alternative:
    """Another way to play a passage, and what it changes."""

    passage: Passage
    words: str
    """What is done otherwise."""
    load_change: float
    """Relative to the load as it was foreseen: -0.2 is a fifth less."""
    peaks: tuple[tuple[str, float, float], ...]
    """Of the passage's muscles: name, peak before and peak after."""

    @property
    def sentence(self) -> str:
        """Say what it changes."""
        more = "more" if self.load_change > 0 else "less"
        peaks = ", ".join(
            f"{short_name(name)} {before:.2f} to {after:.2f}" for name, before, after in self.peaks
        )
        return f"{self.words}: {100 * abs(self.load_change):.0f} % {more} load; peaks {peaks}."


@dataclass(frozen=True)
class Foreseen:
    """Everything that was worked out of a piece."""

    title: str
    bars: Bars
    threshold: float
    anatomical: Sequence[HandEffort]
    estimated: Sequence[HandEffort]
    table: Sequence[BarEffort]
    passages: Sequence[Passage]
    alternatives: Sequence[Alternative]
    said: Sequence[str] = ()
    """What is to be known of the file, and of what was played."""
    notes: Sequence[str] = field(default=())
    """How it was worked out."""


def as_csv(table: Sequence[BarEffort]) -> str:
    """Write a line for each bar, hand and muscle."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    for one in table:
        writer.writerow(
            (
                one.bar,
                f"{one.start_s:.3f}",
                f"{one.end_s:.3f}",
                one.side,
                f"SIMULATED, {one.by}",
                short_name(one.muscle),
                f"{one.mean:.4f}",
                f"{one.peak:.4f}",
                f"{one.above_s:.3f}",
            )
        )
    return text.getvalue()


def aligned_csv(foreseen: Foreseen) -> str:
    """Write effort beside the music: a line for each instant, with its bar and beat."""
    efforts = [*foreseen.anatomical, *foreseen.estimated]
    start_s = max(0.0, min(float(one.times_s[0]) for one in efforts))
    end_s = min(float(one.times_s[-1]) for one in efforts)
    times_s = np.arange(np.ceil(start_s * ALIGNED_HZ), np.floor(end_s * ALIGNED_HZ)) / ALIGNED_HZ
    bar, beat = foreseen.bars.position(times_s)
    names, columns = [], []
    for effort in efforts:
        by = "estimated" if effort in foreseen.estimated else "simulated"
        names += [f"{by}_{effort.side}_{short_name(name)}" for name in effort.muscles]
        at = np.clip(np.searchsorted(effort.times_s, times_s), 0, len(effort.times_s) - 1)
        columns.append(effort.effort[at])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("time_s", "bar", "beat", *names))
    rows = np.concatenate(columns, axis=1)
    for at_s, number, place, row in zip(times_s, bar, beat, rows, strict=True):
        values = ("" if np.isnan(value) else f"{value:.3f}" for value in row)
        writer.writerow((f"{at_s:.2f}", int(number), f"{place:.2f}", *values))
    return text.getvalue()


def report_of(foreseen: Foreseen) -> Report:
    """Make the page."""
    passages = Section("Hardest passages")
    passages.items = [one.sentence(foreseen.threshold) for one in foreseen.passages]
    passages.pictures.append(
        Picture(
            load_by_bar(foreseen.anatomical, foreseen.bars, foreseen.passages, "load"),
            "Load of each hand by bar: the sum of all muscles' squared activations, on average; "
            "the hardest passages shaded. SIMULATED.",
        )
    )
    sections = [passages]
    if foreseen.said:
        sections.insert(0, Section("To be known", items=foreseen.said))
    if foreseen.alternatives:
        sections.append(
            Section(
                "Other ways to play them",
                items=[f"{one.passage.name}. {one.sentence}" for one in foreseen.alternatives],
            )
        )
    for number, effort in enumerate([*foreseen.anatomical, *foreseen.estimated]):
        sections.append(_of_effort(foreseen, effort, f"m{number}"))
    return Report(
        title="What a piece will ask of two hands",
        notes_title="How this was foreseen",
        heading=f"{foreseen.title}: SIMULATED hands play it; no muscle was measured.",
        simulated=True,
        sections=sections,
        notes=foreseen.notes,
    )


def _of_effort(foreseen: Foreseen, effort: HandEffort, key: str) -> Section:
    own = [one for one in foreseen.table if (one.side, one.by) == (effort.side, effort.by)]
    ranked = sorted(own, key=lambda one: -one.peak)[:ROWS]
    lines = [
        (
            str(one.bar),
            short_name(one.muscle),
            meaning(one.muscle),
            f"{one.mean:.2f}",
            f"{one.peak:.2f}",
            f"{one.above_s:.2f}",
        )
        for one in ranked
    ]
    head = ("bar", "muscle", "", "mean", "peak", f"s above {foreseen.threshold:g}")
    return Section(
        f"{effort.side.capitalize()} hand, by the {effort.by}",
        tables=[Table("Bars and muscles with the highest peaks", head, lines)],
        pictures=[
            Picture(
                muscles_by_bar(foreseen.table, effort.side, effort.by, foreseen.bars, key),
                "Peak in each bar, from 0 to 1, of the muscles that reach most. SIMULATED.",
            )
        ],
    )
