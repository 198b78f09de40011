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

"""What a piece will ask of hands, by bar and muscle."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.motion.foresight import HandEffort, by_bar, hardest
from kpm_ros.sense.midi.bars import Bars
from kpm_ros.sense.midi.score import Note, Score

BARS = Bars(np.arange(11.0), np.full(10, 4.0))
MUSCLES = ("FDS2_r", "RI2_r")
SCORE = Score.of([Note(k / 2, 0.2, 60, 80) for k in range(20)])


def _effort(levels: list[float], side: str = "right") -> HandEffort:
    """Effort that stays at one level in each bar; the second muscle does half of it."""
    steps = np.repeat(levels, 100)
    effort = np.stack([steps, steps / 2], axis=1)
    return HandEffort(side, "anatomical model", MUSCLES, np.arange(len(steps)) / 100, effort)


def test_each_bar_has_mean_peak_and_time_above_the_threshold() -> None:
    effort = _effort([0.1] * 10)
    effort.effort[320:345, 0] = 0.9
    rows = {(row.bar, row.muscle): row for row in by_bar(effort, BARS, 0.5)}
    assert len(rows) == 20
    fourth = rows[4, "FDS2_r"]
    assert (fourth.start_s, fourth.end_s, fourth.peak) == (3.0, 4.0, 0.9)
    assert fourth.above_s == pytest.approx(0.25)
    assert fourth.mean == pytest.approx(0.1 + 0.25 * 0.8)
    assert rows[5, "FDS2_r"].above_s == 0.0


def test_a_bar_of_which_nothing_is_known_has_no_row() -> None:
    effort = _effort([0.1] * 10)
    effort.effort[200:300] = np.nan
    assert 3 not in {row.bar for row in by_bar(effort, BARS, 0.5)}
    assert {row.bar for row in by_bar(_effort([0.1] * 4), BARS, 0.5)} == {1, 2, 3, 4}


def test_the_hardest_bars_are_found_with_their_neighbours_and_each_once() -> None:
    right = _effort([0.1, 0.1, 0.6, 0.58, 0.1, 0.1, 0.1, 0.4, 0.1, 0.1])
    left = _effort([0.2] * 9 + [0.6], "left")
    first, second, third = hardest([right, left], BARS, SCORE, 0.5, 3)
    assert (first.side, first.first_bar, first.last_bar) == ("right", 3, 4)
    assert first.times_usual > 30
    assert (second.side, second.first_bar) == ("right", 8)
    # Each hand is measured by its own usual bar.
    assert (third.side, third.first_bar, third.last_bar) == ("left", 10, 10)
    assert first.notes == 4
    words = first.sentence(0.5)
    assert words.startswith("Bars 3 to 4, right hand (2.0 to 4.0 s)")
    assert "superficial flexor of the fingers (index finger), up to 0.60" in words
    assert "above 0.5 for 2.0 s" in words


def test_no_more_passages_are_told_than_there_are_bars() -> None:
    assert len(hardest([_effort([0.3] * 10)], BARS, SCORE, 0.5, 99)) == 3
