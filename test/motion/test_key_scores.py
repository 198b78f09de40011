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

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion, MotionError, OneHandMotion
from kpm_ros.core.keyboard import KEY_TOP_M, KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.motion.scores.key_scores import match_onsets, score_keys
from kpm_ros.motion.scores.keys_pressed import TIPS, keys_pressed, on_keys, pressed_at
from kpm_ros.sense.midi.score import Note, Score

WHITE, BLACK = 60 - FIRST_NOTE, 61 - FIRST_NOTE
RATE_HZ = 60.0


def above(key: int, depth: float, y_m: float) -> list[float]:
    """A fingertip in the middle of a key, so much of its travel down."""
    return [float(KEY_X_M[key]), y_m, float(KEY_TOP_M[key]) - depth * TRAVEL_M]


def played(depths: np.ndarray, key: int = WHITE, finger: int = 1) -> HandMotion:
    """A right hand of which one finger moves one key, and the others stay above theirs."""
    points = np.full((len(depths), 21, 3), 0.1, np.float32)
    y_m = 0.04 if key == WHITE else 0.08
    points[:, TIPS[finger]] = [above(key, float(depth), y_m) for depth in depths]
    hand = OneHandMotion(np.ones(len(depths), bool), landmarks=points)
    return HandMotion(RATE_HZ, {"right": hand}, simulated=True)


def test_a_fingertip_is_on_the_black_key_only_behind_its_front_and_between_its_sides() -> None:
    x = KEY_X_M[BLACK]
    tips = np.array([[x, 0.06, 0.004], [x, 0.045, -0.004], [x - 0.009, 0.06, -0.004]])
    found = on_keys(tips)
    assert found.key[0] == BLACK
    assert set(found.key[1:]) <= {WHITE, WHITE + 2}
    assert found.depth == pytest.approx([0.8, 0.4, 0.4])
    beside = on_keys(np.array([[-0.01, 0.04, -0.01], [x, -0.01, -0.01], [np.nan, 0.04, -0.01]]))
    assert beside.key.tolist() == [-1, -1, -1]
    assert not beside.depth.any()


def test_touching_is_not_pressing_and_a_key_sounds_until_it_is_half_way_up() -> None:
    depth = np.array([0.0, 0.7, 0.85, 0.7, 0.55, 0.4, 0.7])[:, None]
    assert pressed_at(depth)[:, 0].tolist() == [False, False, True, True, True, False, False]


@pytest.mark.parametrize("key", [WHITE, BLACK])
def test_a_finger_that_plays_the_note_scores_full_marks(key: int) -> None:
    depths = np.zeros(60)
    depths[20:40] = 1.0
    score = Score.of([Note(20 / RATE_HZ, 20 / RATE_HZ, key + FIRST_NOTE, 60)])
    found = score_keys(played(depths, key), score)
    assert found.onsets == (1, 1, 1)
    assert found.onsets.f1 == found.frames.f1 == found.frame_f1_zero_division_one == 1.0


def test_silence_is_no_success_except_in_the_score_that_counts_it() -> None:
    score = Score.of([Note(0.5, 0.1, WHITE + FIRST_NOTE, 60)])
    found = score_keys(played(np.zeros(120)), score)
    assert found.onsets.f1 == found.frames.f1 == 0.0
    assert found.frame_f1_zero_division_one == pytest.approx(114 / 120)


def test_an_onset_counts_once_and_only_within_the_tolerance() -> None:
    one, two = np.array([1.0]), np.array([1.0, 1.04])
    assert match_onsets({3: two}, {3: one}) == (1, 2, 1)
    assert match_onsets({3: one}, {3: np.array([1.06])}) == (0, 1, 1)
    assert match_onsets({4: one}, {3: one}) == (0, 1, 1)
    # The pair that is there must not be lost to the nearest one.
    assert match_onsets({3: np.array([1.0, 1.05])}, {3: np.array([0.96, 1.01])}).right == 2


def test_only_the_music_of_the_motions_own_time_is_asked_for() -> None:
    depths = np.zeros(60)
    depths[30:40] = 1.0
    notes = [Note(0.5, 0.2, 60, 60), Note(2.5, 10 / RATE_HZ, 60, 60), Note(9.0, 1.0, 60, 60)]
    motion = played(depths)
    later = HandMotion(RATE_HZ, motion.hands, start_s=2.0)
    assert score_keys(later, Score.of(notes)).onsets == (1, 1, 1)


def test_a_movement_of_which_no_key_can_be_told_is_refused_in_words() -> None:
    hands = {"left": OneHandMotion(np.ones(3, bool), place=np.zeros((3, 3), np.float32))}
    with pytest.raises(MotionError, match="left hand has no landmarks"):
        keys_pressed(HandMotion(30.0, hands))
    with pytest.raises(MotionError, match="register the camera"):
        keys_pressed(HandMotion(30.0, played(np.zeros(2)).hands, frame="camera"))


def test_a_hand_that_is_not_seen_presses_nothing() -> None:
    motion = played(np.ones(4))
    hidden = OneHandMotion(np.zeros(4, bool), landmarks=motion.hands["right"].landmarks)
    assert keys_pressed(motion).any()
    assert not keys_pressed(HandMotion(30.0, {"right": hidden})).any()
