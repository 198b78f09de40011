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

"""Which finger of a moving hand plays which note."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.keyboard import KEY_TOP_M, KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.motion.key_contacts import TIPS, contacts_of, forces_of
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.simulate.movement_plan import force_of

RATE_HZ, FRAMES = 100.0, 300
C, D, E, F, G, A = 60, 62, 64, 65, 67, 69


def _hand(*notes: int, lifted_m: float = 0.0) -> OneHandMotion:
    """A hand whose fingers lie on these keys, from the thumb on."""
    landmarks = np.zeros((FRAMES, 21, 3), np.float32)
    for tip, note in zip(TIPS, notes, strict=True):
        key = note - FIRST_NOTE
        y_m = 0.09 if KEY_TOP_M[key] else 0.03
        landmarks[:, tip] = [KEY_X_M[key], y_m, KEY_TOP_M[key] - TRAVEL_M + lifted_m]
    return OneHandMotion(np.ones(FRAMES, bool), landmarks=landmarks)


def _motion(**hands: OneHandMotion) -> HandMotion:
    return HandMotion(RATE_HZ, hands)


def test_each_note_is_played_by_the_finger_on_its_key() -> None:
    motion = _motion(right=_hand(C, D, E, F, G), left=_hand(52, 50, 48, 47, 45))
    score = Score.of([Note(0.5, 0.3, E, 80), Note(1.0, 0.3, 50, 80), Note(1.5, 0.3, 61, 80)])
    found = [(one.side, one.finger) for one in contacts_of(motion, score)]
    # The black key between thumb and index finger has nobody on it, but the nearer one bends.
    assert found[:2] == [("right", 2), ("left", 1)]
    assert found[2][0] == "right"


def test_a_movement_that_tells_its_fingers_is_believed_before_the_nearest_fingertip() -> None:
    told = np.array([[50.0, E, 4.0], [100.0, 50, 3.0]])
    motion = _motion(
        right=replace(_hand(C, D, E, F, G), fingers=told[:1]), left=_hand(52, 50, 48, 47, 45)
    )
    score = Score.of([Note(0.505, 0.3, E, 80), Note(1.0, 0.3, 50, 80), Note(1.5, 0.3, F, 80)])
    found = [(one.side, one.finger) for one in contacts_of(motion, score)]
    # What the right hand does not tell of it does not play; the left one tells nothing.
    assert found == [("right", 4), ("left", 1), ("", -1)]


def test_notes_of_a_chord_are_not_given_to_one_finger() -> None:
    motion = _motion(right=_hand(C, D, E, F, G))
    chord = Score.of([Note(1.0, 0.5, C, 80), Note(1.01, 0.5, D, 80), Note(1.02, 0.5, E, 80)])
    assert [one.finger for one in contacts_of(motion, chord)] == [0, 1, 2]


def test_a_note_that_no_finger_is_near_is_nobodys_and_pushes_nobody() -> None:
    motion = _motion(right=_hand(C, D, E, F, G))
    high, lifted = (
        contacts_of(motion, Score.of([Note(1.0, 0.5, 96, 80)])),
        _motion(right=_hand(C, D, E, F, G, lifted_m=0.05)),
    )
    assert [one.side for one in high] == [""]
    assert [one.side for one in contacts_of(lifted, Score.of([Note(1.0, 0.5, E, 80)]))] == [""]
    assert not forces_of(motion, high)["right"].any()


def test_a_hand_that_is_not_seen_plays_nothing() -> None:
    hand = _hand(C, D, E, F, G)
    hand.visible[:] = False
    assert [
        one.side for one in contacts_of(_motion(right=hand), Score.of([Note(1, 1, C, 80)]))
    ] == [""]


def test_force_is_the_strikes_at_the_onset_and_gone_once_the_key_is_up() -> None:
    motion = _motion(right=_hand(C, D, E, F, G))
    score = Score.of([Note(1.0, 0.5, E, 100), Note(1.3, 0.5, F, 60), Note(1.6, 0.2, E, 100)])
    force = forces_of(motion, contacts_of(motion, score))["right"]
    assert abs(force[100, 2] - force_of(100)) < 0.2
    assert abs(force[130, 3] - force_of(60)) < 0.2
    assert 0 < force[140, 2] < 0.5 * force_of(100)
    assert not force[:85].any()
    assert not force[190:, 2].any()


def test_a_finger_lets_a_note_go_for_its_next_one() -> None:
    motion = _motion(right=_hand(C, D, E, F, G))
    held = Score.of([Note(1.0, 2.0, E, 100), Note(1.5, 0.2, E, 100)])
    force = forces_of(motion, contacts_of(motion, held))["right"][:, 2]
    assert force[140] > 0
    assert force[145:150].min() < 0.5
