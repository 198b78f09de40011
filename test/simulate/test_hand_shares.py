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

from __future__ import annotations

from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.hand_shares import share_out


def line(pitches: list[int], step_s: float = 0.2, start_s: float = 0.0) -> list[Note]:
    return [Note(start_s + step_s * k, step_s, pitch, 60) for k, pitch in enumerate(pitches)]


def pitches(score: Score) -> list[int]:
    return [note.pitch for note in score.notes]


def test_two_voices_are_two_hands_even_where_they_cross() -> None:
    low, high = Score.of(line([40, 84, 41, 86])), Score.of(line([60, 62, 64, 65]))
    shares = share_out([high, low])
    assert shares.told
    assert pitches(shares.left) == [60, 62, 64, 65]
    assert pitches(shares.right) == [40, 84, 41, 86]
    assert shares.left.duration_s == shares.right.duration_s


def test_without_voices_the_split_moves_with_the_music() -> None:
    # An octave apart: high up both lines are above middle C, low down both below.
    high_up = [*line([76, 77, 79, 81]), *line([64, 65, 67, 69])]
    low_down = [*line([50, 52, 53, 55], start_s=4.0), *line([38, 40, 41, 43], start_s=4.0)]
    shares = share_out([Score.of([*high_up, *low_down])])
    assert not shares.told
    assert pitches(shares.right) == [76, 77, 79, 81, 50, 52, 53, 55]
    assert pitches(shares.left) == [64, 65, 67, 69, 38, 40, 41, 43]


def test_no_hand_is_given_a_chord_that_only_two_can_hold() -> None:
    chord = [Note(0.0, 1.0, pitch, 60) for pitch in (48, 55, 64, 67, 72, 76)]
    shares = share_out([Score.of(chord)])
    for hand in (shares.left, shares.right):
        assert 1 <= len(hand.notes) <= 5
        assert max(pitches(hand)) - min(pitches(hand)) <= 16


def test_a_hand_stays_with_its_line_instead_of_leaping_to_the_others() -> None:
    held = [Note(0.0, 4.0, 36, 60), Note(0.0, 4.0, 43, 60)]
    tune = line([60, 59, 57, 55, 57, 59, 60, 62])
    shares = share_out([Score.of([*held, *tune])])
    assert pitches(shares.right) == pitches(Score.of(tune))
