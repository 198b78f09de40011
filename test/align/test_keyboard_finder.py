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

"""Keyboards in SIMULATED pictures and in a real video: where the camera stands, or why not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from kpm_ros.align.keyboard_finder.corners import corner_points, from_corners
from kpm_ros.align.keyboard_finder.finder import NoKeyboardError, find_keyboard, octaves_moved
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.align.keyboard_finder.note_names import Piano, UnknownOctaveError, with_notes
from kpm_ros.core.keyboard import Keyboard
from kpm_ros.simulate.keyboard_pictures import (
    draw_keyboard,
    draw_scenery,
    empty_room,
    keyboard_picture,
)
from support.rooms import SIZE, camera_at, errors_mm

MARKS = Path(__file__).with_name("keyboard_marks.yaml")
WORST_MM = 5.0
"""Some two of these small pictures' pixels."""
ABOVE = camera_at((0.61, -0.02, 1.15))


def pictures(keyboard, camera, seed, count=1, hands=2):
    """The same room some times, with the hands elsewhere each time."""
    shown = []
    for turn in range(count):
        scenery = draw_scenery(seed, keyboard, hands)
        moved = tuple(x + 0.15 * turn for x in scenery.hands)
        shown.append(keyboard_picture(keyboard, camera, replace(scenery, hands=moved), seed))
    return shown


@pytest.mark.parametrize(
    ("place", "keys", "first_note", "bend"),
    [
        ((0.61, -0.02, 1.15), 88, 21, 0.0),
        ((0.61, -0.75, 0.75), 88, 21, -0.1),
        ((1.35, -0.25, 1.05), 61, 36, 0.0),
    ],
    ids=["above", "in front", "from the side"],
)
def test_a_measured_lens_and_a_whole_keyboard_tell_where_the_camera_stands(
    place, keys, first_note, bend
):
    piano = draw_keyboard(3, keys, first_note)
    middle = ((piano.left_m + piano.right_m) / 2, 0.06, 0.0)
    camera = camera_at(place, middle, bend=bend)
    found = find_keyboard(pictures(piano, camera, 3, 2), Lens(camera, known=True))
    fit = with_notes(found, Piano())
    assert (fit.keyboard.keys, fit.keyboard.first_note) == (keys, first_note)
    assert np.percentile(errors_mm(camera, fit.camera, piano), 95) < WORST_MM
    assert np.linalg.norm(fit.camera.position - camera.position) < 0.02


def test_without_a_lens_the_keys_are_found_as_well_and_the_view_is_refined():
    piano = draw_keyboard(5)
    camera = camera_at((0.61, -0.5, 1.0), view_deg=76.0)
    fit = with_notes(find_keyboard(pictures(piano, camera, 5), Lens.assumed(*SIZE)), Piano())
    assert np.percentile(errors_mm(camera, fit.camera, piano), 95) < WORST_MM
    assumed_off = abs(Lens.assumed(*SIZE).camera.lens[0] - camera.lens[0])
    assert abs(fit.camera.lens[0] - camera.lens[0]) < 0.5 * assumed_off


def test_a_camera_that_hangs_the_other_way_up_is_found_so():
    piano = draw_keyboard(6)
    camera = camera_at((0.61, -0.02, 1.15), roll_deg=180.0)
    found = find_keyboard(pictures(piano, camera, 6), Lens(camera, known=True))
    assert found.upside_down
    assert np.percentile(errors_mm(camera, found.fit.camera, piano), 95) < WORST_MM


def test_a_mirror_image_is_refused_and_called_one():
    image = cv2.flip(pictures(draw_keyboard(7), ABOVE, 7)[0], 1)
    with pytest.raises(NoKeyboardError, match="mirror image"):
        find_keyboard([image], Lens(ABOVE, known=True))


def test_a_room_without_a_keyboard_has_none():
    with pytest.raises(NoKeyboardError, match=r"no keyboard|only|off by|fits nearly"):
        find_keyboard([empty_room(SIZE, 2)], Lens.assumed(*SIZE))


@pytest.mark.parametrize("elevation_deg", [20.0, 35.0])
def test_a_low_camera_that_looks_along_the_keys_is_told_what_hides_them(elevation_deg):
    piano, middle = draw_keyboard(1), np.array([0.85, 0.06, 0.0])
    away = np.array([np.cos(np.radians(elevation_deg)), 0.0, np.sin(np.radians(elevation_deg))])
    camera = camera_at(tuple(middle + 1.2 * away), tuple(middle))
    with pytest.raises(NoKeyboardError, match="hides the gap to the next"):
        find_keyboard(pictures(piano, camera, 1, hands=1), Lens(camera, known=True))


def test_of_a_part_of_the_keyboard_the_octave_is_asked_and_never_guessed():
    piano = draw_keyboard(8)
    camera = camera_at((0.75, -0.05, 0.55), (0.75, 0.06, 0.0))
    found = find_keyboard(pictures(piano, camera, 8, hands=1), Lens(camera, known=True))
    with pytest.raises(UnknownOctaveError, match="leftmost-c"):
        with_notes(found, Piano())
    first_c = next(note for note in found.fit.keyboard.notes if note % 12 == 0)
    for octave in range(1, 8):
        told = 12 * (octave + 1)
        fit = octaves_moved(found.fit, (told - first_c) // 12)
        if np.median(errors_mm(camera, fit.camera, piano)) < 20:
            break
    fit = with_notes(found, Piano(88, 21, told))
    assert np.percentile(errors_mm(camera, fit.camera, piano), 95) < WORST_MM
    with pytest.raises(NoKeyboardError, match="but the piano has 21 to 108"):
        with_notes(found, Piano(88, 21, 108))
    with pytest.raises(UnknownOctaveError, match="MIDI note of a C"):
        with_notes(found, Piano(88, 21, 61))


def test_corners_given_by_hand_tell_where_the_camera_stands():
    camera = camera_at((0.2, -0.8, 0.8))
    corners = camera.pixels(corner_points(Keyboard()))
    found, off_px = from_corners(corners, Keyboard(), Lens(camera, known=True))
    assert np.linalg.norm(found.position - camera.position) < 0.001
    assert off_px < 0.01
    crossed = corners[[0, 1, 3, 2]]
    with pytest.raises(NoKeyboardError, match=r"corners"):
        from_corners(crossed, Keyboard(), Lens(camera, known=True))


def test_pictures_of_two_sizes_are_refused():
    one, other = (np.zeros((40, side, 3), np.uint8) for side in (40, 60))
    with pytest.raises(NoKeyboardError, match="60x40"):
        find_keyboard([one, other], Lens.assumed(40, 40))


def test_in_a_real_video_borders_are_where_hand_made_marks_are(shared):
    path = shared / "data/video/overhead_piano.mp4"
    if not path.is_file():
        pytest.skip("no real video beside the project")
    marks = yaml.safe_load(MARKS.read_text())["frames"]
    capture = cv2.VideoCapture(str(path))
    images = []
    for _ in range(73):
        images.append(capture.read()[1])
    fit = with_notes(find_keyboard([images[0], images[72]], Lens.assumed(640, 360)), Piano())
    assert (fit.keyboard.keys, fit.keyboard.first_note) == (88, 21)
    left, right, back = fit.keyboard.left_m, fit.keyboard.right_m, fit.keyboard.white_length_m
    true = np.array([(left, 0, 0), (right, 0, 0), (right, back, 0), (left, back, 0)])
    names = ("front_left", "front_right", "back_right", "back_left")
    seen = np.array([marks[72]["corners"][name] for name in names])
    rays = fit.camera.rays((seen + 0.5) / (640, 360))
    on_keys = fit.camera.position - rays * (fit.camera.position[2] / rays[:, 2])[:, None]
    assert 1e3 * np.linalg.norm(on_keys - true, axis=-1).max() < 3.0
