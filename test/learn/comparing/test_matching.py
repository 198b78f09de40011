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

"""Notes of two performances are matched one by one, whatever the tempo, the mistakes, the cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kpm_ros.learn.comparing.edited import another_tempo, left_out, mistakes
from kpm_ros.learn.comparing.matching import MOST_NOTES, match_scores
from kpm_ros.sense.midi.score import Note, Score, read_midi

REAL = Path("../shared/data/midi")


def piece(seed: int = 3, notes: int = 160) -> Score:
    """A melody over chords, with repeated notes and repeated chords."""
    draw = np.random.default_rng(seed)
    found, pitch = [], 72
    for beat in range(notes):
        pitch = int(np.clip(pitch + draw.choice([-2, -1, 0, 0, 1, 2, 5, -5]), 60, 84))
        at = 0.4 * beat + draw.normal(0, 0.008)
        found.append(Note(max(at, 0.0), 0.3, pitch, 70))
        if beat % 2 == 0:
            chord = draw.choice([(48, 52, 55), (47, 50, 55), (45, 48, 52)])
            found += [Note(max(at + draw.uniform(0, 0.02), 0), 0.7, int(k), 50) for k in chord]
    return Score.of(found, name="piece")


def right(score: Score, other: Score, truth: set[tuple[int, int]]) -> tuple[float, float]:
    """Which part of the true pairs is found, and which part of what is found is true."""
    found = {tuple(pair) for pair in match_scores(score, other).pairs.tolist()}
    return len(found & truth) / len(truth), len(found & truth) / max(len(found), 1)


EDITS = {
    "twice as fast": lambda score: another_tempo(score, 0.5),
    "half as fast": lambda score: another_tempo(score, 2.0),
    "mistakes": mistakes,
    "a repeat left out": lambda score: left_out(score, 0.4, 0.6),
    "begun later": lambda score: left_out(score, 0.0, 0.2),
}


@pytest.mark.parametrize("edit", EDITS)
def test_notes_are_matched_through(edit: str) -> None:
    score = piece()
    recall, precision = right(score, *EDITS[edit](score))
    assert recall >= 0.99
    assert precision >= 0.98


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real performances in {REAL}")
@pytest.mark.parametrize("edit", EDITS)
def test_notes_of_real_performances_are_matched_through(edit: str) -> None:
    scores = [read_midi(path) for path in sorted(REAL.glob("*_p01.mid"))]
    found = [right(score, *EDITS[edit](score)) for score in scores]
    assert min(recall for recall, _ in found) >= 0.97
    assert np.mean([recall for recall, _ in found]) >= 0.99


@pytest.mark.skipif(not REAL.is_dir(), reason=f"no real performances in {REAL}")
def test_two_pianists_of_one_piece_share_nearly_all_notes() -> None:
    for first in sorted(REAL.glob("*_p01.mid")):
        second = first.with_name(first.name.replace("_p01", "_p09"))
        one, other = read_midi(first), read_midi(second)
        pairs = len(match_scores(one, other).pairs)
        assert pairs >= 0.96 * min(len(one.notes), len(other.notes)), first.name


def test_a_spread_chord_is_the_chord_that_others_strike_at_once() -> None:
    struck = Score.of([Note(1.0, 1.0, pitch, 60) for pitch in (48, 55, 60, 64)], name="struck")
    spread = Score.of(
        [Note(1.0 + 0.08 * k, 1.0, pitch, 60) for k, pitch in enumerate((48, 55, 60, 64))]
    )
    assert len(match_scores(struck, spread).pairs) == 4


def test_every_note_is_in_one_pair_or_alone() -> None:
    score, (other, _) = piece(), mistakes(piece())
    matched = match_scores(score, other)
    for column, alone, count in (
        (0, matched.only_first, len(score.notes)),
        (1, matched.only_second, len(other.notes)),
    ):
        notes = np.concatenate([matched.pairs[:, column], alone])
        np.testing.assert_array_equal(np.sort(notes), np.arange(count))
    pitches = [[note.pitch for note in played.notes] for played in (score, other)]
    assert all(pitches[0][a] == pitches[1][b] for a, b in matched.pairs)


def test_more_notes_than_memory_has_room_for_are_refused() -> None:
    long = Score.of([Note(0.1 * k, 0.1, 60, 60) for k in range(MOST_NOTES + 1)], name="long")
    with pytest.raises(ValueError, match=f"long has {MOST_NOTES + 1} notes, but .* up to"):
        match_scores(long, piece())
