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

"""Landmarks that others have written, as a movement."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion, MotionError, OneHandMotion
from kpm_ros.motion.landmark_files import read_motion
from kpm_ros.simulate.hand import HAND_SKELETON

NAMES = [f"{point}_{axis}" for point in HAND_SKELETON.points for axis in "xyz"]


def _table(path: Path, times: list[float], prefixes: tuple[str, ...] = ("",)) -> Path:
    head = ["time_s", *(f"{prefix}{name}" for prefix in prefixes for name in NAMES)]
    rows = [
        [f"{at}", *(f"{0.001 * k + 0.01 * at:.6f}" for k in range(len(head) - 1))] for at in times
    ]
    path.write_text("\n".join(",".join(row) for row in [head, *rows]))
    return path


def test_a_table_becomes_a_movement_at_a_steady_rate(tmp_path: Path) -> None:
    motion = read_motion(_table(tmp_path / "a.csv", [k / 60 for k in range(60)]), "left")
    hand = motion.hands["left"]
    assert (motion.rate_hz, len(motion), hand.visible.all()) == (60.0, 60, True)
    assert hand.landmarks is not None
    np.testing.assert_allclose(hand.landmarks[30, 1], [0.008, 0.009, 0.010], atol=1e-5)


def test_two_hands_have_columns_of_their_own_and_rows_that_are_missing_are_not_seen(
    tmp_path: Path,
) -> None:
    times = [k / 50 for k in range(100) if not 40 <= k < 60]
    motion = read_motion(_table(tmp_path / "a.csv", times, ("right_", "left_")))
    assert sorted(motion.hands) == ["left", "right"]
    assert motion.hands["right"].visible.tolist() == [not 40 <= k < 60 for k in range(100)]


def test_an_empty_cell_says_that_the_hand_was_not_seen(tmp_path: Path) -> None:
    path = _table(tmp_path / "a.csv", [k / 50 for k in range(50)])
    lines = path.read_text().splitlines()
    for k in range(10, 20):
        lines[1 + k] = lines[1 + k].split(",")[0] + "," * len(NAMES)
    path.write_text("\n".join(lines))
    visible = read_motion(path).hands["right"].visible
    assert visible.tolist() == [not 10 <= k < 20 for k in range(50)]


def test_arrays_and_saved_movements_are_read_alike(tmp_path: Path) -> None:
    points = np.random.default_rng(1).normal(0, 0.1, (30, 21, 3))
    np.savez(tmp_path / "a.npz", left=points, rate_hz=30.0)
    motion = read_motion(tmp_path / "a.npz")
    assert (motion.rate_hz, sorted(motion.hands)) == (30.0, ["left"])
    hand = OneHandMotion(np.ones(30, bool), landmarks=points.astype(np.float32))
    HandMotion(30.0, {"right": hand}, simulated=True).save(tmp_path / "b.npz")
    assert read_motion(tmp_path / "b.npz").simulated


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("a,b\n1,2", "no column 'time_s'"),
        ("time_s,a\n1,2", "has no landmarks"),
        ("time_s,wrist_x\n1,2", "lacks the column 'wrist_y'"),
        ("", "no column 'time_s'"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_a_sentence(
    tmp_path: Path, words: str, sentence: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(words)
    with pytest.raises(MotionError, match=sentence):
        read_motion(path)


def test_millimetres_and_single_rows_are_refused(tmp_path: Path) -> None:
    far = np.full((30, 21, 3), 120.0)
    np.savez(tmp_path / "a.npz", right=far, rate_hz=30.0)
    with pytest.raises(MotionError, match="has a landmark at 120, but must have metres"):
        read_motion(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", right=far[:1], rate_hz=30.0)
    with pytest.raises(MotionError, match="has 1 rows"):
        read_motion(tmp_path / "b.npz")
    np.savez(tmp_path / "c.npz", right=far[:, :20], rate_hz=30.0)
    with pytest.raises(MotionError, match=r"of the shape \(30, 20, 3\)"):
        read_motion(tmp_path / "c.npz")
    np.savez(tmp_path / "d.npz", right=far)
    with pytest.raises(MotionError, match="no array times_s, nor rate_hz"):
        read_motion(tmp_path / "d.npz")
