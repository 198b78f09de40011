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

"""Which finger plays which note of a performance, and what is said of each finger."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.keyboard import KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.learn.comparing.advice import bar_differences
from kpm_ros.learn.comparing.bars import passages
from kpm_ros.learn.comparing.differences import Differences, compare, with_fingers
from kpm_ros.learn.comparing.finger_report import USUAL, finger_section
from kpm_ros.learn.comparing.fingers import Fingers, seen_fingers, usual_fingers
from kpm_ros.learn.comparing.note_table import as_csv
from kpm_ros.learn.comparing.performance import MuscleTraces, Performance
from kpm_ros.motion.key_contacts import TIPS
from kpm_ros.sense.midi.score import Note, Score

INDEX, RING = "right index finger (2)", "right ring finger (4)"
STEP_S = 0.5
C_MAJOR = (60, 62, 64, 65, 67, 69, 71, 72)


def line(pitches, **late_s) -> Score:
    """Notes one after another; those at these places come later."""
    late = {int(place.removeprefix("at_")): by for place, by in late_s.items()}
    return Score.of(
        [Note(STEP_S * k + late.get(k, 0.0), 0.4, p, 64) for k, p in enumerate(pitches)]
    )


def test_usual_fingers_are_those_of_a_scale_as_it_is_printed():
    both = [line(C_MAJOR), line([pitch - 24 for pitch in C_MAJOR])]
    whole = Score.of([note for voice in both for note in voice.notes])
    found = usual_fingers(whole, both)
    assert not found.seen
    numbers = {
        side: [int(word[-2]) for word in found.of_note if word.startswith(side)]
        for side in ("left", "right")
    }
    assert numbers == {"right": [1, 2, 3, 1, 2, 3, 4, 5], "left": [5, 4, 3, 2, 1, 3, 2, 1]}


def test_each_hand_lies_on_its_chord_as_hands_do_thumbs_inside():
    low, high = (
        Score.of([Note(0.0, 0.4, pitch, 64) for pitch in chord])
        for chord in ((48, 52, 55), (72, 76, 79))
    )
    found = usual_fingers(Score.of([*low.notes, *high.notes]), [low, high])
    left, right = (
        [int(word[-2]) for word in part] for part in (found.of_note[:3], found.of_note[3:])
    )
    assert (left[0], left[-1], right[0], right[-1]) == (5, 1, 1, 5)


def test_fingers_that_were_seen_on_the_keys_are_found_on_the_movements_own_clock():
    landmarks = np.zeros((300, 21, 3), np.float32)
    for tip, pitch in zip(TIPS, (60, 62, 64, 65, 67), strict=True):
        landmarks[100:, tip] = [KEY_X_M[pitch - FIRST_NOTE], 0.03, -TRAVEL_M]
    motion = HandMotion(100.0, {"right": OneHandMotion(np.ones(300, bool), landmarks=landmarks)})
    score = Score.of([Note(0.0, 0.2, 65, 64), Note(0.5, 0.2, 96, 64), Note(0.6, 0.2, 60, 64)])
    # Before 1 s on the movement's clock the hand is not at the keys.
    assert seen_fingers(score, motion, 0.0) is None
    assert seen_fingers(score, motion, 1.2) == Fingers((RING, "", "right thumb (1)"), True)


def played(title, score, ring_at, work=None) -> Performance:
    fingers = tuple(RING if k in ring_at else INDEX for k in range(len(score.notes)))
    traces = None
    if work is not None:
        times = np.arange(0, score.duration_s, 0.01)
        effort = np.full((len(times), 1), 0.2, np.float32)
        for k in ring_at:
            effort[np.abs(times - STEP_S * k - 0.15) < 0.25] += work
        traces = MuscleTraces(times, effort, ("4DI",))
    return Performance(title, score, traces, fingers=Fingers(fingers, True))


def late_ring(**about) -> Differences:
    """Compare with a player whose ring finger comes 80 ms late, and strikes harder by 20."""
    first = played("first", line(C_MAJOR), {3, 7}, work=0.0)
    late = line(C_MAJOR, at_3=0.08, at_7=0.08)
    louder = [replace(n, velocity=84) if k in (3, 7) else n for k, n in enumerate(late.notes)]
    return compare(first, played("second", Score.of(louder), **about))


def test_the_finger_that_is_late_is_named_in_the_bar_and_in_the_table():
    found = late_ring(ring_at={3, 7}, work=0.3)
    (bar,) = bar_differences(found, passages(found.first))
    assert f"he {RING} comes" in bar.sentence
    assert "ms later than the others" in bar.sentence
    timing, effort = finger_section(found).tables
    index, ring = timing.lines
    assert (index[:2], ring[:2]) == ((INDEX, "6"), (RING, "2"))
    assert float(ring[2]) > float(index[2]) + 50
    assert (index[4], ring[4]) == ("0", "20")
    assert [name for name, _ in effort.lines] == [INDEX, RING]
    assert float(effort.lines[1][1]) == pytest.approx(0.3, abs=0.05)


def test_notes_that_were_seen_to_be_played_with_another_finger_are_listed():
    section = finger_section(late_ring(ring_at={3, 6}))
    assert "2 of 8 notes are played with another finger." in section.sentences
    assert section.tables[-1].lines == [
        ("B4", "3.0", INDEX, RING),
        ("C5", "3.5", RING, INDEX),
    ]


def test_fingers_that_nobody_saw_are_said_to_be_supposed_and_are_not_held_against_anyone():
    found = late_ring(ring_at={3, 7})
    unseen = [replace(one, fingers=None) for one in (found.first, found.second)]
    usual = usual_fingers(found.first.score)
    supposed = with_fingers(compare(*unseen), usual)
    assert finger_section(supposed).sentences == [USUAL]
    assert supposed.other_finger is None
    assert supposed.fingers.of_note == usual.of_note
    ring = with_fingers(compare(*unseen), replace(found.first.fingers, seen=False))
    (bar,) = bar_differences(ring, passages(ring.first))
    assert f"otes for the {RING} come" in bar.sentence
    # What was seen of one of them is enough.
    assert compare(unseen[0], found.second).fingers.of_note == found.second.fingers.of_note


def test_where_no_finger_is_known_nothing_is_said_of_fingers():
    found = compare(Performance("a", line(C_MAJOR)), Performance("b", line(C_MAJOR)))
    assert finger_section(found) is None


def test_every_note_of_the_table_has_its_finger():
    found = late_ring(ring_at={3, 7})
    lines = csv.DictReader(io.StringIO(as_csv(found, passages(found.first))))
    assert [one["finger"] for one in lines] == list(found.first.fingers.of_note)
