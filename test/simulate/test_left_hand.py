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

"""The left hand: the right one's mirror image, alone or on the keys that the right one leaves."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.hands import Mirror
from kpm_ros.core.keyboard import IS_BLACK, KEY_X_M, TRAVEL_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_performer, make_pianist
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.left_hand import LeftHanded, TwoHanded, mirrored_score, study_of
from kpm_ros.simulate.session import SimulatedSession

LOW = (36, 42, 48, 51, 55)
TIPS = [4, 8, 12, 16, 20]
TIMES = np.arange(0, 8.0, 0.05)
STREAMS = Streams((Landmarks("hand", find_skeleton("mediapipe-hand"), 3, "keyboard"), PianoKeys()))


@pytest.fixture(scope="module")
def pianist() -> TwoHanded:
    high = [Note(0.7 * k, 0.5, 72 + k, 60) for k in range(5)]
    low = [Note(0.7 * k, 0.5, pitch, 60) for k, pitch in enumerate(LOW)]
    made = make_performer(Score.of([*high, *low]), 2, body="plain", hand="both")
    assert isinstance(made, TwoHanded)
    return made


def rows(performer, times: np.ndarray) -> np.ndarray:
    """What a model of the keyboard's frame is told of whoever plays."""
    points = performer.landmarks(times).reshape(len(times), -1)
    return np.concatenate([points, performer.key_depth(times)], axis=1).astype(np.float32)


def test_a_left_hander_is_the_mirror_image_of_a_right_hander() -> None:
    right = make_pianist(study_of("right"), 3, body="plain")
    left = make_performer(study_of("left"), 3, body="plain", hand="left")
    seen = Mirror(STREAMS)(rows(left, TIMES))
    np.testing.assert_allclose(seen, rows(right, TIMES), atol=1e-6)
    np.testing.assert_array_equal(left.activation(TIMES), right.activation(TIMES))
    assert left.muscles == tuple(f"L_{name}" for name in right.muscles)
    assert left.hands == {"left": left}


def test_a_piece_sounds_as_it_is_written_whichever_hand_plays_it() -> None:
    score = Score.of([Note(0.5 * k, 0.4, 48 + 3 * k, 60) for k in range(10)])
    for hand in ("right", "left", "both"):
        played = make_performer(score, 1, body="plain", hand=hand)
        moves = played.moves(0.0, played.period_s)
        notes = [move.note for move in moves if move.kind is KeyEventKind.NOTE_ON]
        assert notes == [note.pitch for note in score.notes]
        down = played.key_depth(np.array([0.5 + note.onset_s + 0.1 for note in score.notes]))
        assert (down.argmax(axis=1) + FIRST_NOTE).tolist() == notes
        assert (down.max(axis=1) > 0.99).all()


def test_a_score_mirrored_twice_is_what_it_was() -> None:
    assert mirrored_score(mirrored_score(study_of("both"))).notes == study_of("both").notes


@pytest.mark.parametrize("number", range(len(LOW)))
def test_a_finger_of_the_left_hand_is_on_each_low_key(pianist: TwoHanded, number: int) -> None:
    at_s = np.array([0.5 + 0.7 * number + 0.2])
    tips = pianist.left.landmarks(at_s)[0, TIPS]
    key = LOW[number] - FIRST_NOTE
    off = np.abs(tips[:, 0] - KEY_X_M[key])
    nearest = tips[int(off.argmin())]
    assert off.min() < 0.003
    top = 0.012 if IS_BLACK[key] else 0.0
    assert nearest[2] == pytest.approx(top - TRAVEL_M, abs=0.002)


def test_the_hands_are_mirror_images_on_their_own_sides(pianist: TwoHanded) -> None:
    times = np.arange(0, pianist.period_s, 0.05)
    left, right = pianist.left.landmarks(times), pianist.landmarks(times)
    assert (left[:, 4, 0] > left[:, 20, 0]).all()
    assert (right[:, 4, 0] < right[:, 20, 0]).all()
    assert (left[:, :, 0].max(axis=1) < right[:, :, 0].min(axis=1)).all()
    span = np.linalg.norm(left[:, 0] - left[:, 9], axis=1)
    assert span == pytest.approx(np.linalg.norm(right[:, 0] - right[:, 9], axis=1))


def test_both_hands_work_while_both_play_and_each_has_its_muscles(pianist: TwoHanded) -> None:
    effort = pianist.activation(np.arange(0.5, 4.0, 0.01))
    assert effort.shape[1] == len(pianist.muscles) == 12
    assert (effort[:, :6].max(axis=0) > 0.01).all()
    assert (effort[:, 6:].max(axis=0) > 0.01).all()


def test_the_left_hand_repeats_with_the_pass(pianist: TwoHanded) -> None:
    times = np.arange(0, 2.0, 0.05)
    later = pianist.left.landmarks(times + 3 * pianist.period_s)
    assert later == pytest.approx(pianist.left.landmarks(times), abs=1e-9)


def test_a_left_hand_without_notes_rests_on_its_side() -> None:
    pianist = make_performer(Score.of([Note(0.0, 0.5, 64, 60)]), body="plain", hand="both")
    assert isinstance(pianist, TwoHanded)
    times = np.arange(0, pianist.period_s, 0.1)
    left = pianist.left.landmarks(times)
    assert np.ptp(left[:, 9], axis=0).max() < 0.01
    assert (left[..., 0] < pianist.landmarks(times)[..., 0].min()).all()


def test_a_camera_tells_both_hands_of_the_same_pictures(pianist: TwoHanded) -> None:
    session = SimulatedSession(pianist, default_cameras(), 0, seed=1)
    samples = [delivery.sample for delivery in session.advance(2_000_000_000)]
    frames = [one for one in samples if isinstance(one, LandmarkFrame) and one.view == "top"]
    left, right = ([f for f in frames if f.side == side] for side in ("left", "right"))
    assert [(f.stamp_ns, f.index) for f in left] == [(f.stamp_ns, f.index) for f in right]
    off = [f.points[:, 0].mean() - g.points[:, 0].mean() for f, g in zip(left, right, strict=True)]
    assert max(off) < 0
    [emg] = {one.channels for one in samples if isinstance(one, ChannelChunk)}
    assert emg == pianist.muscles
    assert any(isinstance(one, KeyEvent) for one in samples)


def test_a_left_handers_frames_say_so() -> None:
    left = make_performer(study_of("left"), 3, body="plain", hand="left")
    assert isinstance(left, LeftHanded)
    samples = SimulatedSession(left, default_cameras(), 0, seed=1).advance(500_000_000)
    frames = [one.sample for one in samples if isinstance(one.sample, LandmarkFrame)]
    assert {frame.side for frame in frames} == {"left"}
