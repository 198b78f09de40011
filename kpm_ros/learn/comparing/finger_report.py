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

"""What each finger does otherwise, as a part of the page."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.piano import note_name
from kpm_ros.learn.comparing.differences import Differences
from kpm_ros.learn.comparing.fingers import EVERY_FINGER
from kpm_ros.learn.reports.page import Section, Table

MOST_OTHERWISE = 30
SEEN = "Fingers are those that were seen on the keys."
USUAL = (
    "No hands were seen: fingers are those that hands of an average adult would take for these "
    "notes, and the player's own may be others."
)


def finger_section(differences: Differences) -> Section | None:
    """Tell each finger's notes apart; None where no finger is known."""
    notes_of = notes_by_finger(differences)
    if not notes_of or differences.fingers is None:
        return None
    section = Section("Fingers", [SEEN if differences.fingers.seen else USUAL])
    timing = ("late, ms", "uneven by, ms", "louder", "held longer, ms")
    section.tables.append(
        Table(
            "Means over each finger's notes; uneven: spread of how late they are",
            ("finger", "notes", *timing),
            [(name, str(len(k)), *_played(differences, k)) for name, k in notes_of.items()],
        )
    )
    more = differences.more_effort
    if more is not None:
        section.tables.append(
            Table(
                "More effort of each muscle while the finger's keys are down",
                ("finger", *differences.muscles),
                [(name, *map(_signed, _means(more[k]))) for name, k in notes_of.items()],
            )
        )
    if differences.other_finger is not None:
        _add_otherwise(section, differences, differences.other_finger)
    return section


def notes_by_finger(differences: Differences) -> dict[str, NDArray[np.int64]]:
    """Which pairs of notes each finger plays, of those that play any, from left to right."""
    of_note = np.array(differences.fingers.of_note if differences.fingers else (), dtype=object)
    found = {name: np.flatnonzero(of_note == name) for name in EVERY_FINGER}
    return {name: notes for name, notes in found.items() if len(notes)}


def _played(differences: Differences, notes: NDArray[np.int64]) -> tuple[str, ...]:
    late = differences.late_s[notes] * 1e3
    late = late[np.isfinite(late)]
    held = differences.held_s[notes] * 1e3
    held = held[np.isfinite(held)]
    louder = str(round(differences.louder[notes].mean()))
    timing = (str(round(late.mean())), str(round(late.std()))) if len(late) else ("-", "-")
    return (*timing, louder, str(round(held.mean())) if len(held) else "-")


def _means(values: NDArray[np.float64]) -> list[float]:
    """Average each column over what is known of it."""
    known = np.isfinite(values)
    counts = known.sum(axis=0)
    sums = np.where(known, values, 0.0).sum(axis=0)
    return np.where(counts, sums / np.maximum(counts, 1), np.nan).tolist()


def _signed(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:+.3f}"


def _add_otherwise(
    section: Section, differences: Differences, otherwise: NDArray[np.int64]
) -> None:
    """List the notes that each plays with another finger."""
    both = [
        played.fingers.of_note
        for played in (differences.first, differences.second)
        if played.fingers is not None
    ]
    pairs = differences.matched.pairs
    section.sentences = [
        *section.sentences,
        f"{len(otherwise)} of {len(pairs)} notes are played with another finger.",
    ]
    if len(otherwise):
        lines = [
            (
                note_name(int(differences.first.pitch[pairs[k, 0]])),
                f"{differences.at_s[k]:.1f}",
                *(of_note[pairs[k, side]] for side, of_note in enumerate(both)),
            )
            for k in otherwise[:MOST_OTHERWISE]
        ]
        section.tables.append(
            Table("Played with another finger", ("note", "at, s", "first", "second"), lines)
        )
