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

"""`kpm calibrate room`: pictures in, a registration out, or a sentence and nothing written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from kpm_ros import cli
from kpm_ros.align.keyboard_finder.corners import corner_points
from kpm_ros.core.keyboard import Keyboard
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.operate import live_senses
from kpm_ros.sense.camera.camera_calibration import (
    Calibration,
    CalibrationError,
    write_calibration,
)
from kpm_ros.sense.camera.charuco import Board, measure_lens
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.keyboard_pictures import Scenery, draw_keyboard, keyboard_picture
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.rooms import published_room
from kpm_ros.simulate.session import SimulatedSession
from support import bags
from support.rooms import SIZE, camera_at

ABOVE = camera_at((0.61, -0.02, 1.15))
IN_FRONT = camera_at((0.61, -0.75, 0.75))
CORNERS = ",".join(f"{x:.1f}" for x in ABOVE.pixels(corner_points(Keyboard())).ravel())


def calibrate(capsys, *words):
    status = cli.main(["calibrate", "room", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture(scope="module")
def shots(tmp_path_factory):
    """Pictures of one piano, and of a smaller one."""
    folder = tmp_path_factory.mktemp("shots")
    pianos = {"large": draw_keyboard(1), "small": draw_keyboard(2, 61, 36)}
    for name, piano, camera in (
        ("above", "large", ABOVE),
        ("front", "large", IN_FRONT),
        ("small", "small", ABOVE),
    ):
        image = keyboard_picture(pianos[piano], camera, Scenery(hands=(0.7,)), 1)
        cv2.imwrite(str(folder / f"{name}.png"), image)
    cv2.imwrite(str(folder / "nothing.png"), np.full((*SIZE[::-1], 3), 90, np.uint8))
    return folder


def test_a_view_is_added_and_the_others_stay(capsys, shots, tmp_path):
    out = tmp_path / "room.yaml"
    Registration({"other": RegisteredCamera(IN_FRONT, how="before")}).write(out)
    status, said, err = calibrate(capsys, f"above={shots}/above.png", "--out", out)
    assert (status, err) == (0, "")
    room = Registration.read(out)
    assert (room.keys, room.first_note) == (88, 21)
    assert room.cameras["other"].how == "before"
    assert np.linalg.norm(room.cameras["above"].camera.position - ABOVE.position) < 0.15
    assert room.cameras["above"].error_mm < 3
    assert "lens assumed" in said
    assert cv2.imread(str(tmp_path / "room.above.png")) is not None


def test_of_two_pianos_and_of_none_it_says_so_and_writes_nothing(capsys, shots, tmp_path):
    out = tmp_path / "room.yaml"
    words = (f"above={shots}/above.png", f"front={shots}/small.png", f"x={shots}/nothing.png")
    status, _, err = calibrate(capsys, *words, "--out", out)
    assert status == 1
    assert "above sees 88 keys" in err
    assert "front 61" in err
    assert "x: no keyboard is seen" in err
    assert not out.exists()


def test_swapped_views_are_said(capsys, shots, tmp_path):
    words = (f"front={shots}/above.png", f"top={shots}/front.png")
    status, _, err = calibrate(capsys, *words, "--out", tmp_path / "room.yaml")
    assert status == 1
    assert "seem to be swapped" in err
    assert not (tmp_path / "room.yaml").exists()


def test_one_camera_under_two_names_is_said(capsys, shots, tmp_path):
    words = (f"above={shots}/above.png", f"again={shots}/above.png")
    status, _, err = calibrate(capsys, *words, "--out", tmp_path / "room.yaml")
    assert status == 1
    assert "'above' and 'again' are of one camera" in err
    assert "no registration was written" in err
    assert not (tmp_path / "room.yaml").exists()


def test_a_calibration_of_another_shape_is_refused(capsys, shots, tmp_path):
    lens = Calibration(
        640, 480, "plumb_bob", (0.0,) * 5, (500.0, 0, 320, 0, 500, 240, 0, 0, 1),
        tuple(np.eye(3).ravel().tolist()), (500.0, 0, 320, 0, 0, 500, 240, 0, 0, 0, 1, 0),
    )  # fmt: skip
    write_calibration(tmp_path / "lens.yaml", lens, "top")
    words = (f"top={shots}/above.png", "--lens", f"top={tmp_path}/lens.yaml")
    status, _, err = calibrate(capsys, *words)
    assert status == 2
    assert "640x480, but these are 800x450" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name each view"),
        (("top",), "is not a view's source"),
        (("top=nowhere.png",), "no such file|no camera"),
        (("top={shots}/above.png", "--corners", "top=1,2,3"), "8 numbers"),
        (("top={shots}/above.png", "--lens", "right=lens.yaml"), "no source"),
        (("top={shots}/above.png", "--keys", "60"), "need a --first-note"),
    ],
)
def test_what_cannot_be_tried_is_refused_in_a_sentence(capsys, shots, words, said):
    status, _, err = calibrate(capsys, *(word.format(shots=shots) for word in words))
    assert status == 2
    assert any(part in err for part in said.split("|"))


def test_corners_given_by_hand_stand_in_for_a_keyboard_that_is_not_seen(capsys, shots, tmp_path):
    out = tmp_path / "room.yaml"
    words = (f"top={shots}/nothing.png", "--corners", f"top={CORNERS}", "--out", out)
    assert calibrate(capsys, *words)[0] == 0
    assert "by hand" in Registration.read(out).cameras["top"].how


def test_a_recording_of_playing_places_a_view_that_shows_no_keys(capsys, tmp_path):
    top = default_cameras()[0]
    pianist = Pianist(random_study(4, 30))
    session = SimulatedSession(pianist, (top,), bags.T0, emg=False)
    played = [
        one
        for one in session.advance(bags.T0 + 30 * bags.S)
        if isinstance(one.sample, (KeyEvent, LandmarkFrame))
    ]
    bag = bags.write(tmp_path / "bag", bags.entries(played))
    width, height = top.image_size
    fx, fy, cx, cy = top.camera.lens
    lens = Calibration(
        width, height, "plumb_bob", (0.0,) * 5, (fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0),
        tuple(np.eye(3).ravel().tolist()),
        (fx, 0.0, cx, 0.0, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0),
    )  # fmt: skip
    write_calibration(tmp_path / "lens.yaml", lens, "top")
    out = tmp_path / "room.yaml"
    words = ("--from", bag, "--lens", f"top={tmp_path}/lens.yaml", "--out", out)
    assert calibrate(capsys, *words)[0] == 0
    found = Registration.read(out).cameras["top"]
    assert np.linalg.norm(found.camera.position - top.position) < 0.08
    assert "notes played" in found.how


def test_a_charuco_board_measures_a_lens(tmp_path: Path):
    board = Board()
    flat = board.made().generateImage((700, 500))
    true = np.array([[620.0, 0, 330], [0, 620, 230], [0, 0, 1]])
    images = []
    for turn in (
        (0.3, 0, 0),
        (-0.3, 0.1, 0),
        (0, 0.4, 0.1),
        (0.1, -0.4, 0),
        (0.3, 0.3, 0.2),
        (0, 0, 0),
    ):
        rotation = cv2.Rodrigues(np.array(turn, float))[0]
        onto = np.diag((0.245 / 700, 0.175 / 500, 1.0))
        onto[:2, 2] = -0.1225, -0.0875
        place = np.column_stack((rotation[:, :2], (0.01 * len(images), 0.0, 0.35)))
        warp = true @ place @ onto
        images.append(cv2.warpPerspective(flat, warp, (640, 480), borderValue=128))
    found = measure_lens(images, board)
    assert found.k[0] == pytest.approx(620, rel=0.03)
    with pytest.raises(CalibrationError, match="is it the board"):
        measure_lens(images, replace(board, dictionary="DICT_4X4_100"))
    with pytest.raises(CalibrationError, match="COLUMNSxROWS"):
        Board.parse("7x5")


@pytest.fixture(scope="module")
def heard():
    """Half a minute of both cameras and the keys, as a running pipeline publishes them."""
    session = SimulatedSession(
        Pianist(random_study(4, 30)), default_cameras(), 0, emg=False, key_motion=False
    )
    played = [one.sample for one in session.advance(30 * bags.S)]
    return [[one for one in played if isinstance(one, k)] for k in (LandmarkFrame, KeyEvent)]


def test_listening_keeps_places_on_whose_keys_fingers_are_and_finds_moved_ones(
    capsys, heard, monkeypatch, tmp_path
):
    asked = []

    def listen(*given):
        asked.append(given)
        return heard

    monkeypatch.setattr(live_senses, "listen", listen)
    known = published_room().registration().cameras
    top = known["top"]
    moved = replace(top, camera=top.camera.shifted(np.array([0.06, 0.05, 0.0])))
    out = tmp_path / "room.yaml"
    Registration({**known, "top": moved}).write(out)
    status, said, err = calibrate(capsys, "--listen", 30, "--namespace", "/here/", "--out", out)
    assert status == 0
    assert asked == [("here", ("top", "right"), 30.0)]
    assert "listening for 30 s: play" in err
    assert "right: fingers are on" in said
    found = Registration.read(out).cameras
    assert found["right"] == known["right"]
    assert "notes played" in found["top"].how
    # Of where along a key it is struck playing tells little; of which key it is, all.
    played = np.array([[0.7, 0.05, 0.0], [0.85, 0.05, 0.0], [1.0, 0.05, 0.0]])
    camera = found["top"].camera
    seen = camera.on_level(camera.slopes(top.camera.project(played)), 0.0)
    assert np.abs(seen[:, 0] - played[:, 0]).max() < 0.005
    assert np.abs(seen[:, 1] - played[:, 1]).max() < 0.025


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--listen", "30"), "say which views"),
        (("--listen", "30", "--from", "a_bag"), "leave --from or --listen away"),
        (("--listen", "0.1", "--out", "{room}"), "listen is 0.1"),
        (("--listen", "5", "--out", "{room}"), "no hand was heard of"),
    ],
)
def test_listening_to_nothing_is_refused_in_a_sentence(capsys, words, said, monkeypatch, tmp_path):
    monkeypatch.setattr(live_senses, "listen", lambda *_: ([], []))
    room = tmp_path / "room.yaml"
    published_room().registration().write(room)
    status, _, err = calibrate(capsys, *(word.format(room=room) for word in words))
    assert status == 2
    assert said in err
