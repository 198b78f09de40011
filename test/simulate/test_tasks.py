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

"""The seven tasks: each is what its name says, and no take is like another."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.tasks import TASKS, task

NUMBERS = range(1, len(TASKS) + 1)
SCALES, ARPEGGIOS, CHORDS, REPEATED, OCTAVES, DYNAMICS, PIECE = NUMBERS
SECONDS = 40.0


def takes(number: int) -> list[Score]:
    return [task(number, seed, SECONDS) for seed in range(4)]


def right(score: Score) -> list[int]:
    return [note.pitch for note in score.notes if note.pitch >= 60]


def steps(number: int) -> np.ndarray:
    return np.concatenate([np.abs(np.diff(right(score))) for score in takes(number)])


def struck_together(number: int) -> float:
    """Mean number of right-hand notes within a twentieth of a second."""
    counts = []
    for score in takes(number):
        onsets = np.array([note.onset_s for note in score.notes if note.pitch >= 60])
        counts += [np.sum(np.abs(onsets - onset) < 0.05) for onset in onsets]
    return float(np.mean(counts))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_take_follows_from_its_seed_and_others_differ(number: int) -> None:
    one = task(number, 1, SECONDS)
    assert one == task(number, 1, SECONDS)
    assert one.notes != task(number, 2, SECONDS).notes


@pytest.mark.parametrize("number", NUMBERS)
def test_takes_differ_in_key_tempo_and_loudness(number: int) -> None:
    scores = [task(number, seed, SECONDS) for seed in range(8)]
    assert len({min(right(score)) for score in scores}) > 2
    paces = [len(score.notes) for score in scores]
    assert max(paces) > 1.2 * min(paces)
    loud = [np.mean([note.velocity for note in score.notes]) for score in scores]
    assert max(loud) - min(loud) > 2


@pytest.mark.parametrize("number", NUMBERS)
def test_a_take_fills_its_duration_and_can_be_played(number: int) -> None:
    score = task(number, 3, SECONDS)
    onsets = np.array([note.onset_s for note in score.notes])
    assert onsets[0] < 0.1
    assert SECONDS - 3 < onsets[-1] < SECONDS
    assert np.diff(onsets).max() < 3
    fingers = Pianist(score).plan.strokes.finger
    assert (fingers >= 0).mean() > 0.6
    assert set(fingers[fingers >= 0]) == {0, 1, 2, 3, 4}


def test_tasks_are_what_they_are_called() -> None:
    assert np.mean(steps(SCALES) <= 3) > 0.8
    assert np.mean((steps(ARPEGGIOS) >= 3) & (steps(ARPEGGIOS) <= 5)) > 0.5
    assert struck_together(CHORDS) > 2.5
    assert max(struck_together(n) for n in (SCALES, ARPEGGIOS, REPEATED, DYNAMICS)) < 1.6
    assert np.mean(steps(REPEATED) == 0) > 0.3
    assert np.mean(steps(OCTAVES) >= 7) > 0.55
    velocities = [note.velocity for score in takes(DYNAMICS) for note in score.notes]
    assert np.percentile(velocities, 10) < 35
    assert np.percentile(velocities, 90) > 95


def test_the_piece_has_a_left_hand() -> None:
    assert all(min(note.pitch for note in score.notes) < 60 for score in takes(PIECE))


@pytest.mark.parametrize(
    ("number", "seconds", "said"), [(0, 1.0, "1 to 7"), (8, 1.0, "not 8"), (1, 0.0, "not 0 s")]
)
def test_other_tasks_are_refused(number: int, seconds: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        task(number, 1, seconds)
