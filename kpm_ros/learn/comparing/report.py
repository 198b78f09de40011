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

"""Two performances side by side as one page to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import note_name
from kpm_ros.learn.comparing.advice import BarDifference, worst
from kpm_ros.learn.comparing.bars import BarsOfNotes
from kpm_ros.learn.comparing.differences import Differences
from kpm_ros.learn.comparing.finger_report import finger_section
from kpm_ros.learn.comparing.patterns import Balance, Evenness, chords, repeated, runs
from kpm_ros.learn.reports.page import Picture, Report, Section, Table
from kpm_ros.learn.reports.pictures import WIDTH_IN
from kpm_ros.learn.reports.theme import INK, LINES, MUTED, as_svg, styled

TITLE = "Two performances side by side"
MOST_PATTERNS = 12
"""Lines of a table of runs or chords: those that differ most."""
MOST_ALONE = 30


def report_of(
    differences: Differences, bars: BarsOfNotes, by_bar: Sequence[BarDifference]
) -> Report:
    """Write everything that is known of the two."""
    first, second = differences.first, differences.second
    simulated = [played.title for played in (first, second) if played.simulated]
    said = f"{second.title} against {first.title}"
    if simulated:
        said += f". SIMULATED: {' and '.join(simulated)}"
    sections = [
        _summary(differences, bars),
        _worst(by_bar),
        _every_bar(by_bar),
        _alone(differences),
        finger_section(differences),
        _evenness(differences),
        _chords(differences),
    ]
    if differences.more_effort is not None:
        sections.append(_muscles(differences))
    notes = [
        "Late and early are against a line through the notes of 3 s around, so that a slower tempo "
        "is not late.",
        "Louder and softer are in MIDI velocities, 1 to 127, against the level of the whole.",
        f"Bars: {bars.whence}.",
    ]
    return Report(said, bool(simulated), [part for part in sections if part], notes, TITLE)


def sentences(differences: Differences) -> list[str]:
    """Sum two performances up in a few sentences."""
    matched = differences.matched
    tempo, late = differences.tempo, differences.late_s
    said = [
        f"{len(matched.pairs)} notes are in both; {len(matched.only_first)} are only in the first, "
        f"{len(matched.only_second)} only in the second.",
    ]
    for who, other, after, played in (
        ("second", "first", matched.after_second, differences.first),
        ("first", "second", matched.after_first, differences.second),
    ):
        if len(after):
            said.append(
                f"The {who} stops where the {other} is at {played.onset_s[after[0]]:.1f} s, and "
                f"{len(after)} notes follow there; it is compared as far as it goes."
            )
    if np.isfinite(tempo).any():
        pace = float(np.nanmedian(tempo))
        how = "slower" if pace > 1 else "faster"
        rate = abs(1 - 1 / pace)
        said.append(
            f"The second is {rate:.0%} {how}; half of its notes are within "
            f"{np.nanmedian(np.abs(late)) * 1e3:.0f} ms of the first's timing at that tempo."
        )
    louder = (
        f"{abs(differences.level):.0f} of 127 {'louder' if differences.level > 0 else 'softer'}"
    )
    said.append(
        f"It is {louder if round(differences.level) else 'as loud'} as a whole, and single notes "
        f"differ by {np.sqrt(np.mean(differences.louder**2)):.0f}."
    )
    if differences.more_effort is None:
        said.append("Nothing is said of muscles: there is no effort of both.")
    return said


def _summary(differences: Differences, bars: BarsOfNotes) -> Section:
    section = Section("In short", sentences(differences))
    if len(differences.matched.pairs) > 1:
        section.pictures.append(
            Picture(
                _over_time(differences, bars),
                "Over the first performance's time: how many times as long the second takes, how "
                "late its notes are, and how much louder.",
            )
        )
    return section


def _over_time(differences: Differences, bars: BarsOfNotes) -> str:
    from matplotlib.figure import Figure

    at = differences.at_s
    rows: Sequence[tuple[str, NDArray[np.float64], float]] = (
        ("times as long", differences.tempo, 1.0),
        ("late, ms", differences.late_s * 1e3, 0.0),
        ("louder", differences.louder, 0.0),
    )
    with styled():
        figure = Figure(figsize=(WIDTH_IN, 4.2), layout="constrained")
        axes: Any = figure.subplots(len(rows), sharex=True)
        for ax, (label, values, usual) in zip(axes, rows, strict=True):
            ax.axhline(usual, color=MUTED, lw=0.8)
            ax.plot(at, values, ".", color=LINES[0], ms=3)
            ax.set_ylabel(label)
            ax.grid(axis="y")
        begins = [at[0], *(differences.first.onset_s[k] for k in _bar_starts(bars))]
        for begin in begins[1:]:
            axes[-1].axvline(begin, color=INK, lw=0.2)
        axes[-1].set_xlabel("time of the first, s")
        return as_svg(figure, "over-time")


def _bar_starts(bars: BarsOfNotes) -> NDArray[np.int64]:
    return np.flatnonzero(np.diff(bars.of_note) > 0) + 1


def _worst(by_bar: Sequence[BarDifference]) -> Section:
    chosen = worst(by_bar)
    lines = [f"{bar.name} ({bar.begin_s:.1f} s): {bar.sentence}" for bar in chosen]
    title = "Where they differ most"
    return Section(title, [] if lines else ["In no bar is there anything to notice."], items=lines)


def _every_bar(by_bar: Sequence[BarDifference]) -> Section:
    section = Section("Bar by bar")
    lines = [(bar.name, f"{bar.begin_s:.1f}", f"{bar.size:.1f}", bar.sentence) for bar in by_bar]
    section.tables.append(
        Table("How many times what is noticed", ("bar", "begins, s", "size", "what"), lines)
    )
    return section


def _alone(differences: Differences) -> Section | None:
    lines = []
    both = (
        ("only the first", differences.first, differences.matched.only_first),
        ("only the second", differences.second, differences.matched.only_second),
    )
    for who, played, notes in both:
        lines += [
            (who, f"{played.onset_s[note]:.2f}", note_name(int(played.pitch[note])))
            for note in notes[:MOST_ALONE]
        ]
        if len(notes) > MOST_ALONE:
            lines.append((who, "", f"and {len(notes) - MOST_ALONE} more"))
    if not lines:
        return None
    section = Section("Notes that only one plays")
    section.tables.append(Table("By the player's own time", ("who", "at, s", "note"), lines))
    return section


def _evenness(differences: Differences) -> Section | None:
    found = [*runs(differences), *repeated(differences)]
    if not found:
        return None
    section = Section("Evenness of scales and repeated notes")
    chosen = sorted(found, key=lambda one: one.time[0] - one.time[1])[:MOST_PATTERNS]
    section.tables.append(
        Table(
            f"The {len(chosen)} of {len(found)} whose time is less even with the second",
            ("what", "at, s", "notes", "time, first", "second", "loudness, first", "second"),
            [_even_line(differences, one) for one in chosen],
        )
    )
    section.sentences = [
        "Time: spread of the steps as a part of their mean. Loudness: spread about a straight line."
    ]
    return section


def _even_line(differences: Differences, one: Evenness) -> tuple[str, ...]:
    notes = differences.matched.pairs[one.notes, 0]
    pitch = differences.first.pitch[notes]
    return (
        f"{one.kind} {note_name(int(pitch[0]))} to {note_name(int(pitch[-1]))}",
        f"{differences.first.onset_s[notes[0]]:.1f}",
        str(len(notes)),
        *(f"{value:.2f}" for value in one.time),
        *(f"{value:.1f}" for value in one.loudness),
    )


def _chords(differences: Differences) -> Section | None:
    found = chords(differences)
    if not found:
        return None
    section = Section("Balance of chords")
    tops = np.array([one.top for one in found])
    spreads = np.array([one.spread_s for one in found]) * 1e3
    section.sentences = [
        f"In {len(found)} chords the top note is {tops[:, 0].mean():.1f} of 127 louder than the "
        f"others with the first, {tops[:, 1].mean():.1f} with the second; their notes are spread "
        f"over {spreads[:, 0].mean():.0f} and {spreads[:, 1].mean():.0f} ms."
    ]
    chosen = sorted(found, key=lambda one: -abs(one.top[1] - one.top[0]))[:MOST_PATTERNS]
    section.tables.append(
        Table(
            f"The {len(chosen)} whose balance differs most",
            ("chord", "at, s", "top, first", "second", "spread ms, first", "second"),
            [_chord_line(differences, one) for one in chosen],
        )
    )
    return section


def _chord_line(differences: Differences, one: Balance) -> tuple[str, ...]:
    notes = differences.matched.pairs[one.notes, 0]
    return (
        " ".join(note_name(int(pitch)) for pitch in differences.first.pitch[notes]),
        f"{differences.first.onset_s[notes].min():.1f}",
        *(f"{value:.0f}" for value in one.top),
        *(f"{value * 1e3:.0f}" for value in one.spread_s),
    )


def _muscles(differences: Differences) -> Section:
    section = Section("Muscles")
    more, later = differences.more_effort, differences.later_effort_s
    if more is None or later is None:
        return section
    lines = []
    for column, muscle in enumerate(differences.muscles):
        own, when = more[:, column], later[:, column]
        own, when = own[np.isfinite(own)], when[np.isfinite(when)]
        if not len(own) or not len(when):
            lines.append((muscle, "-", "-", "-"))
            continue
        lines.append(
            (
                muscle,
                f"{own.mean():+.3f}",
                f"{np.quantile(np.abs(own), 0.9):.3f}",
                f"{np.median(when) * 1e3:+.0f}",
            )
        )
    section.tables.append(
        Table(
            "Over all notes, while the key is down and 0.1 s before",
            ("muscle", "more effort, mean", "a tenth differ by more than", "peaks later, ms"),
            lines,
        )
    )
    return section
