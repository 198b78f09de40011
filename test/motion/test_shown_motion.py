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

"""A movement as cameras, a keyboard and a robot hand meet it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.hand_motion import CAMERA, MotionError
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.motion.played_joints import PlayedJoints
from kpm_ros.motion.played_motion import PlayedMotion
from kpm_ros.motion.shown_motion import Pace, ShownMotion
from kpm_ros.sense.midi.score import Note, PedalMove, Score
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.cameras import RegisteredSight, default_cameras
from support.hand_motions import tapping

SCORE = Score.of(
    [Note(0.2, 0.2, 60, 90), Note(0.8, 0.5, 64, 60)], [PedalMove(0.5, 64, 1.0)], "two notes"
)


def test_a_hand_is_not_there_before_and_after_what_is_known_of_it() -> None:
    motion = tapping(1.0)
    visible = np.ones(60, bool)
    visible[20:30] = False
    hand = replace(motion.hands["right"], visible=visible)
    shown = ShownMotion(replace(motion, hands={"right": hand}), Score(()))
    seen = np.isfinite(shown.landmarks(np.array([0.0, 0.3, 0.4, 0.6, 0.99, 1.5]))).all((1, 2))
    assert seen.tolist() == [True, True, False, True, True, False]


def test_it_plays_from_a_start_at_a_rate_and_over_and_over() -> None:
    motion = tapping(1.0)
    usual = ShownMotion(motion, SCORE)
    looped = ShownMotion(motion, SCORE, Pace(0.5, 1.0, rate=2.0, loop=True))
    expected = usual.landmarks(np.array([0.6]))
    for time_s in (0.05, 0.30, 1.05):
        np.testing.assert_allclose(looped.landmarks(np.array([time_s])), expected, atol=1e-9)
    notes = [move for move in looped.moves(0.0, 0.5) if move.kind == KeyEventKind.NOTE_ON]
    assert [(round(move.time_s, 3), move.note) for move in notes] == [(0.15, 64), (0.4, 64)]


def test_nothing_stays_down_when_a_movement_ends() -> None:
    moves = list(ShownMotion(tapping(1.0), SCORE).moves(0.0, 2.0))
    assert [(round(m.time_s, 3), m.kind) for m in moves if m.note == 64] == [
        (0.8, KeyEventKind.NOTE_ON),
        (1.0, KeyEventKind.NOTE_OFF),
    ]
    assert [move.value for move in moves if move.kind == KeyEventKind.PEDAL] == [1.0]


def test_keys_go_down_before_their_notes_sound_and_come_up_when_they_end() -> None:
    depth = ShownMotion(tapping(1.0), SCORE).key_depth(np.array([0.05, 0.2, 0.3, 0.6]))
    assert depth[:, 60 - 21] == pytest.approx([0.0, 1.0, 1.0, 0.0], abs=1e-3)


def test_a_cameras_own_axes_have_no_piano() -> None:
    with pytest.raises(MotionError, match="places are in the frame 'camera'"):
        ShownMotion(replace(tapping(1.0), frame=CAMERA), SCORE)


def test_a_registered_camera_sees_what_the_same_simulated_one_sees() -> None:
    camera = default_cameras()[1]
    points = tapping(0.1).hands["right"].landmarks
    assert points is not None
    same = RegisteredSight.of(camera.name, camera.camera)
    np.testing.assert_allclose(same.project(points), camera.project(points), atol=1e-3)


def test_joints_come_at_even_instants_and_as_they_are(tmp_path) -> None:
    motion = tapping(1.0, sides=("right", "left"))
    joints = PlayedJoints(motion, [f"j{k}" for k in range(23)], Pace(0.0, 1.0), 50.0, 10**9)
    samples = [*joints.until(10**9 + 300_000_000), *joints.until(10**9 + 10**9)]
    stamps = [sample.stamp_ns for sample in samples]
    assert stamps == [10**9 + 20_000_000 * k for k in range(50)]
    first = samples[0]
    assert (first.names[0], len(first.names)) == ("right_wrist_x", 58)
    assert first.names.index("left_j0") == 29 + 6
    right, left = first.positions[:29], first.positions[29:]
    np.testing.assert_allclose(right[6:], left[6:])
    assert [side for side, _ in first.points] == ["right", "left"]


def test_what_is_opened_plays_through_the_cameras_of_a_registration(tmp_path) -> None:
    tapping(0.5).save(tmp_path / "a.npz")
    camera = default_cameras()[0]
    Registration({"above": RegisteredCamera(camera.camera)}).write(tmp_path / "room.yaml")
    played = PlayedMotion.open(tmp_path / "a.npz", registration=str(tmp_path / "room.yaml"))
    played.begin(0)
    samples = [one.sample for one in played.deliveries(300_000_000)]
    frames = [one for one in samples if isinstance(one, LandmarkFrame)]
    assert {frame.view for frame in frames} == {"above"}
    assert len(frames) >= 15
    assert any(isinstance(one, KeyEvent) for one in samples)
    assert not played.over(500_000_000)
    assert played.over(800_000_000)
