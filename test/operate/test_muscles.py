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

"""`kpm muscles`, from landmarks and from a bag."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.registration import Registration
from kpm_ros.motion.hand_kinematics import HandKinematics
from kpm_ros.pipeline_options import simulated_room
from kpm_ros.replay.bag_hands import read_hands
from kpm_ros.simulate.anatomy.passive import rest_angles
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.pianist import Pianist
from support import bags

FRAMES = 45


@pytest.fixture
def landmarks(tmp_path: Path) -> Path:
    """A relaxed hand that bends its index finger, as a file of landmarks."""
    hand = HandKinematics()
    names = hand.body.joint_names
    joints = np.repeat(rest_angles(names)[None], FRAMES, axis=0)
    joints[:, names.index("mcp2_flexion_r")] += np.linspace(0, 0.4, FRAMES)
    place = np.tile([0.6, 0.0, 0.07], (FRAMES, 1))
    points = hand.move(place, np.tile(np.eye(3), (FRAMES, 1, 1)), joints).points
    np.savez(tmp_path / "hand.npz", right=points, rate_hz=30.0)
    return tmp_path / "hand.npz"


def test_landmarks_give_every_muscles_activation_and_what_is_left_over(
    landmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["muscles", str(landmarks), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "SIMULATED" in said
    assert "No keys are known" in said
    with (out / "simulated_muscles.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == FRAMES
    assert sum(name.startswith("simulated_") for name in rows[0]) == 40
    assert max(float(row["pose_error_mm"]) for row in rows) < 3.0
    assert all(0 <= float(row["simulated_FDS2"]) <= 1 for row in rows)
    arrays = np.load(out / "simulated_muscles.npz")
    assert "SIMULATED" in str(arrays["notice"])
    assert arrays["right.activation"].shape == (FRAMES, 40)
    assert np.isfinite(arrays["right.residual_nm"]).all()
    assert "SIMULATED" in (out / "simulated_muscles.svg").read_text()


def test_axes_of_a_camera_are_turned_upright(
    landmarks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    points = np.load(landmarks)["right"]
    tilted = points @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    np.savez(tmp_path / "tilted.npz", right=tilted, rate_hz=30.0)
    for name, more in (("hand", []), ("tilted", ["--up", "0,-1,0"])):
        assert (
            main(["muscles", str(tmp_path / f"{name}.npz"), "--out", str(tmp_path / name), *more])
            == 0
        )
    usual, turned = (
        np.load(tmp_path / name / "simulated_muscles.npz") for name in ("hand", "tilted")
    )
    mine = list(usual["muscles"]).index("FDS2_r")
    strength = (usual["right.activation"], turned["right.activation"])
    assert abs(strength[0][:, mine].mean() - strength[1][:, mine].mean()) < 0.1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere.csv"], "nowhere.csv is not there"),
        (["{folder}/a.txt"], "is none of these"),
        (["{hand}", "--up", "down"], "--up is 'down', but must be a direction"),
        (["{hand}", "--cutoff", "0"], "--cutoff is 0 Hz, but must be from 0.5 to 100"),
        (["{hand}", "--midi", "none.mid"], "there is no MIDI file at none.mid"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    landmarks: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    sentence: str,
) -> None:
    (tmp_path / "a.txt").write_text("no hand")
    filled = [word.format(folder=tmp_path, hand=landmarks) for word in words]
    assert main(["muscles", *filled, "--out", str(tmp_path / "out")]) == 2
    assert sentence in capsys.readouterr().err


def test_a_hand_that_is_never_seen_for_long_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hand = OneHandMotion(np.zeros(30, bool), joints=np.zeros((30, 23), np.float32))
    HandMotion(30.0, {"left": hand}).save(tmp_path / "a.npz")
    assert main(["muscles", str(tmp_path / "a.npz"), "--out", str(tmp_path)]) == 2
    assert "the left hand is never seen for long enough" in capsys.readouterr().err


def test_the_views_of_a_bag_become_one_hand_and_its_notes(tmp_path: Path) -> None:
    folder = bags.write(tmp_path / "bag", bags.entries(bags.played(3.0)))
    found = read_hands(folder, registration=Registration.read(simulated_room()))
    hand = found.motion.hands["right"]
    assert hand.landmarks is not None
    assert hand.visible.mean() > 0.9
    pianist = Pianist(five_finger_study())
    start_s = (found.start_ns - bags.T0) / bags.S
    at_s = start_s + found.motion.times_s[hand.visible]
    away_m = np.linalg.norm(hand.landmarks[hand.visible] - pianist.landmarks(at_s), axis=-1)
    assert np.median(away_m) < 0.01
    onsets = [start_s + note.onset_s for note in found.score.notes]
    true = [move.time_s for move in pianist.moves(0, 3) if move.velocity]
    np.testing.assert_allclose(onsets, true[: len(onsets)], atol=1e-6)
