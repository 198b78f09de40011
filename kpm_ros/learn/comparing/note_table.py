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

"""Every pair of notes as a line of CSV."""

from __future__ import annotations

import csv
import io

import numpy as np

from kpm_ros.core.piano import note_name
from kpm_ros.learn.comparing.bars import BarsOfNotes
from kpm_ros.learn.comparing.differences import Differences


def as_csv(differences: Differences, bars: BarsOfNotes) -> str:
    """Write pairs in order of the first's onset, then the notes that only one plays."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    first, second = differences.first, differences.second
    muscles = differences.muscles if differences.more_effort is not None else ()
    lines.writerow(
        [
            *("bar", "note", "finger", "first_s", "second_s"),
            *("late_s", "times_as_long", "louder", "held_s"),
            *(f"more_effort_{name}" for name in muscles),
            *(f"later_effort_{name}_s" for name in muscles),
        ]
    )
    for k, (mine, other) in enumerate(differences.matched.pairs):
        values = [differences.late_s[k], differences.tempo[k], differences.louder[k]]
        values.append(differences.held_s[k])
        if differences.more_effort is not None and differences.later_effort_s is not None:
            values += [*differences.more_effort[k], *differences.later_effort_s[k]]
        lines.writerow(
            [
                bars.names[bars.of_note[mine]],
                note_name(int(first.pitch[mine])),
                differences.fingers.of_note[k] if differences.fingers else "",
                f"{first.onset_s[mine]:.4f}",
                f"{second.onset_s[other]:.4f}",
                *("" if np.isnan(value) else f"{value:.4f}" for value in values),
            ]
        )
    for note in differences.matched.only_first:
        name = note_name(int(first.pitch[note]))
        lines.writerow([bars.names[bars.of_note[note]], name, "", f"{first.onset_s[note]:.4f}", ""])
    for note in differences.matched.only_second:
        name = note_name(int(second.pitch[note]))
        lines.writerow(["", name, "", "", f"{second.onset_s[note]:.4f}"])
    return text.getvalue()
