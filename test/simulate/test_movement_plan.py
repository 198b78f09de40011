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

"""Fingering and plans: playable, complete, and at rest when the pass ends."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.keyboard import IS_BLACK, KEY_X_M, WHITE_WIDTH_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.example_scores import five_finger_study, random_study
from kpm_ros.simulate.fingering import MIDDLE_C, TOGETHER_S, assign
from kpm_ros.simulate.hand import KinematicHand
from kpm_ros.simulate.movement_plan import make_plan
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.strokes import playable

HAND = KinematicHand(Person())


def chord(pitches: list[int], onset: float = 0.0, duration: float = 0.5) -> list[Note]:
    return [Note(onset, duration, pitch, 64) for pitch in pitches]


def test_the_keyboard_has_a_real_pianos_measures() -> None:
    assert IS_BLACK.sum() == 36
    assert (np.diff(KEY_X_M) > 0).all()
    octaves = KEY_X_M[12:] - KEY_X_M[:-12]
    assert octaves == pytest.approx(7 * WHITE_WIDTH_M)
    assert KEY_X_M[-1] + WHITE_WIDTH_M / 2 == pytest.approx(52 * WHITE_WIDTH_M)


def test_five_neighbouring_keys_get_the_five_fingers_in_order() -> None:
    notes = [Note(0.4 * k, 0.4, pitch, 64) for k, pitch in enumerate((60, 62, 64, 65, 67))]
    assert assign(Score.of(notes), HAND).finger.tolist() == [0, 1, 2, 3, 4]


def test_a_chord_never_crosses_fingers() -> None:
    for seed in range(3):
        fingering = assign(random_study(seed), HAND)
        pitches = [note.pitch for note in random_study(seed).notes]
        for grip in fingering.grips:
            order = sorted(grip.fingers, key=lambda note: pitches[note])
            fingers = [grip.fingers[note] for note in order]
            assert fingers == sorted(set(fingers))


def test_notes_below_middle_c_go_to_the_other_hand() -> None:
    score = Score.of(chord([48, 60, 64]))
    assert (assign(score, HAND).finger >= 0).tolist() == [False, True, True]
    assert MIDDLE_C == 60


def test_what_five_fingers_cannot_hold_goes_to_the_other_hand_from_below() -> None:
    six = assign(Score.of(chord([60, 62, 64, 65, 67, 69])), HAND).finger
    assert six[0] == -1
    assert sorted(six[1:]) == [0, 1, 2, 3, 4]
    too_wide = assign(Score.of(chord([60, 84])), HAND).finger
    assert too_wide[0] == -1
    assert too_wide[1] >= 0


def test_an_octave_can_be_held_by_any_hand() -> None:
    for seed in range(40):
        hand = KinematicHand(Person.from_seed(seed))
        assert (assign(Score.of(chord([60, 72])), hand).finger == [0, 4]).all()


def test_a_leap_that_is_too_fast_goes_to_the_other_hand() -> None:
    near, far = chord([60]), chord([96], onset=0.1)
    assert assign(Score.of(near + far), HAND).finger[1] == -1
    assert assign(Score.of(near + chord([96], onset=3.0)), HAND).finger[1] >= 0


def test_held_notes_keep_their_finger() -> None:
    held = Note(0.0, 3.0, 60, 64)
    moving = [Note(0.5 * k + 0.5, 0.4, pitch, 64) for k, pitch in enumerate((64, 65, 67, 65))]
    fingering = assign(Score.of([held, *moving]), HAND)
    assert all(grip.fingers[0] == fingering.finger[0] for grip in fingering.grips)


def test_a_finger_is_not_taken_from_a_note_that_is_held_although_another_suits_better() -> None:
    held = Note(0.0, 3.0, 67, 64)
    above = [Note(0.5 + 0.3 * k, 0.2, 72, 64) for k in range(3)]
    below = [Note(1.6 + 0.3 * k, 0.2, 60, 64) for k in range(3)]
    fingering = assign(Score.of([held, *above, *below]), HAND)
    assert len({grip.fingers[0] for grip in fingering.grips}) == 1
    assert fingering.last_grip[0] == len(fingering.grips) - 1


def test_of_notes_that_are_held_too_far_apart_the_oldest_is_let_go() -> None:
    score = Score.of([Note(0.0, 4.0, 60, 64), Note(0.5, 4.0, 72, 64), Note(2.0, 1.0, 84, 64)])
    fingering = assign(score, HAND)
    assert (fingering.finger >= 0).all()
    assert fingering.last_grip.tolist() == [1, 2, 2]
    strokes = make_plan(score, HAND).strokes
    assert strokes.end_s[0] < strokes.onset_s[2]
    assert strokes.end_s[1] > strokes.onset_s[2] + 1


@pytest.mark.parametrize("score", [five_finger_study(), random_study(3), random_study(4)])
def test_one_finger_is_on_one_key_at_a_time(score: Score) -> None:
    strokes = make_plan(playable(score), HAND).strokes
    for finger in range(5):
        own = np.flatnonzero(strokes.finger == finger)
        own = own[np.argsort(strokes.onset_s[own])]
        assert (strokes.end_s[own][:-1] <= strokes.press_s[own][1:] + 1e-9).all()


def test_every_stroke_of_real_music_is_in_order_and_as_fast_as_measured(
    real_scores: list[Score],
) -> None:
    for score in real_scores:
        plan = make_plan(playable(score), HAND)
        strokes = plan.strokes
        assert len(strokes.key) == len(score.notes)
        assert (strokes.press_s < strokes.onset_s).all()
        assert (strokes.onset_s < strokes.release_s).all()
        assert (strokes.release_s < strokes.end_s).all()
        assert strokes.press_s.min() > 0
        assert strokes.end_s.max() < plan.period_s
        press = (strokes.onset_s - strokes.press_s)[strokes.finger >= 0]
        assert press.max() <= 0.160 + 1e-9
        assert press.min() >= TOGETHER_S / 2 - 1e-9
        assert np.mean(press >= 0.025) > 0.95
        assert (strokes.finger >= 0).mean() > 0.4


def test_a_key_struck_again_has_come_up_in_between() -> None:
    notes = [Note(0.12 * k, 0.12, 64, 40) for k in range(6)]
    strokes = make_plan(playable(Score.of(notes)), HAND).strokes
    assert (strokes.to_depth <= 0.5).all()
    assert (strokes.end_s[:-1] <= strokes.press_s[1:] + 1e-9).all()


def test_what_no_piano_can_play_is_left_out() -> None:
    score = playable(Score.of([*chord([10, 60, 120]), Note(0.01, 0.5, 60, 64)]))
    assert [note.pitch for note in score.notes] == [60]


def test_a_score_for_the_other_hand_alone_can_be_planned() -> None:
    plan = make_plan(playable(Score.of(chord([40, 43]))), HAND)
    assert (plan.strokes.finger == -1).all()
    assert np.isfinite(plan.palm.at(np.array([0.0, 1.0]))).all()


def test_the_built_in_study_is_long_and_varied_enough() -> None:
    study = five_finger_study()
    fingers = assign(study, HAND).finger
    assert study.duration_s >= 30
    assert set(fingers) == {0, 1, 2, 3, 4}
    assert np.ptp([note.velocity for note in study.notes]) > 60
    assert all(note.pitch >= FIRST_NOTE for note in study.notes)


def test_random_studies_follow_from_their_seed() -> None:
    assert random_study(5, 20.0) == random_study(5, 20.0)
    assert random_study(5, 20.0).notes != random_study(6, 20.0).notes
    assert random_study(5, 20.0).duration_s >= 18
