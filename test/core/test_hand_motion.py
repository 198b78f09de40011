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

"""The movement of hands: cut, given at other rates, kept in a file and read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError, OneHandMotion


def _turning(frames: int = 60) -> HandMotion:
    """A hand that turns twice about an axis while it moves along a line; one frame is not seen."""
    angle = np.linspace(0.0, 4 * np.pi, frames)
    axis = np.array([0.6, 0.0, 0.8])
    # As tracking and optimisers write it: never more than half a circle.
    short = (angle + np.pi) % (2 * np.pi) - np.pi
    rotations = np.zeros((frames, 16, 3), np.float32)
    rotations[:, 0] = short[:, None] * axis
    landmarks = np.linspace(0.0, 1.0, frames)[:, None, None] * np.ones((1, 21, 3))
    landmarks[30] = np.nan
    visible = np.arange(frames) != 30
    right = OneHandMotion(
        visible,
        landmarks=landmarks.astype(np.float32),
        rotations=rotations,
        joints=np.zeros((frames, 23), np.float32),
        shape=np.arange(10, dtype=np.float32),
    )
    left = OneHandMotion(np.ones(frames, bool), place=np.zeros((frames, 3), np.float32))
    return HandMotion(30.0, {"right": right, "left": left}, 2.0, CAMERA, True, "Scale", "a test")


def test_a_file_gives_back_what_was_kept(tmp_path: Path) -> None:
    motion = _turning()
    motion.save(tmp_path / "motion.npz")
    read = HandMotion.load(tmp_path / "motion.npz")
    assert (read.rate_hz, read.start_s, read.frame) == (30.0, 2.0, "camera")
    assert (read.simulated, read.title, read.source) == (True, "Scale", "a test")
    for side, hand in motion.hands.items():
        again = read.hands[side]
        np.testing.assert_array_equal(again.visible, hand.visible)
        assert again.known().keys() == hand.known().keys()
        for name, value in hand.known().items():
            np.testing.assert_array_equal(again.known()[name], value)
    assert read.hands["right"].shape is not None
    assert read.hands["right"].shape.tolist() == list(range(10))


def test_at_another_rate_a_hand_goes_on_turning_and_what_was_unseen_stays_so() -> None:
    motion = _turning()
    finer = motion.resampled(120.0)
    right = finer.hands["right"]
    known = right.known()
    assert len(finer) == 4 * 59 + 1
    np.testing.assert_allclose(finer.times_s[-1], motion.times_s[-1])
    angle = np.linspace(0.0, 4 * np.pi, len(finer))
    wanted = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    turns = known["rotations"][:, 0]
    signed = turns @ np.array([0.6, 0.0, 0.8])
    np.testing.assert_allclose(np.stack([np.cos(signed), np.sin(signed)], 1), wanted, atol=1e-4)
    unseen = np.isnan(known["landmarks"]).any(axis=(1, 2))
    np.testing.assert_array_equal(np.flatnonzero(unseen), np.arange(117, 124))
    np.testing.assert_array_equal(right.visible, ~unseen)


def test_a_cut_keeps_the_times_of_its_frames() -> None:
    cut = _turning().cut(2.5, 3.0)
    assert len(cut) == 15
    np.testing.assert_allclose(cut.times_s[[0, -1]], [2.5, 2.5 + 14 / 30])
    np.testing.assert_allclose(cut.hands["right"].known()["landmarks"][0], 15 / 59, rtol=1e-6)
    with pytest.raises(MotionError, match="no frame is from 9 s"):
        _turning().cut(9.0, 10.0)


def test_files_and_arrays_that_are_no_movement_are_refused_in_a_sentence(tmp_path: Path) -> None:
    still = OneHandMotion(np.ones(3, bool))
    with pytest.raises(MotionError, match=r"place is float32 of the shape \(2, 3\)"):
        OneHandMotion(np.ones(3, bool), place=np.zeros((2, 3), np.float32))
    for note in ([0.0, 60.0, 5.0], [np.nan, 60.0, 0.0]):
        with pytest.raises(MotionError, match="fingers must be numbers, the last ones from 0 to 4"):
            OneHandMotion(np.ones(3, bool), fingers=np.array([note]))
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"hands": {}}, "hands are none"),
        ({"hands": {"third": still}}, "hands are 'third'"),
        ({"hands": {"left": still}, "rate_hz": float("nan")}, "rate is nan"),
        ({"hands": {"left": still, "right": OneHandMotion(np.ones(4, bool))}}, "one hand has 3"),
        ({"hands": {"left": still}, "frame": "moon"}, "frame is 'moon'"),
    ]
    for wrong, said in wrongs:
        with pytest.raises(MotionError, match=said):
            HandMotion(**({"rate_hz": 30.0} | wrong))
    np.savez(tmp_path / "other.npz", emg=np.zeros(3))
    with pytest.raises(MotionError, match="cannot be read as a movement of hands"):
        HandMotion.load(tmp_path / "other.npz")
    np.savez(tmp_path / "pickle.npz", about=np.array([{}], object))
    with pytest.raises(MotionError, match="allow_pickle=False"):
        HandMotion.load(tmp_path / "pickle.npz")
