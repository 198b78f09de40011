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

"""How far keys' borders are from hand-made marks in a real video's pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from _report import ROOT, print_table

from kpm_ros.align.keyboard_finder.camera_fit import Fit
from kpm_ros.align.keyboard_finder.corners import corner_points
from kpm_ros.align.keyboard_finder.finder import NoKeyboardError, find_keyboard, octaves_moved
from kpm_ros.align.keyboard_finder.lenses import Lens
from kpm_ros.align.keyboard_finder.note_names import Piano, with_notes
from kpm_ros.align.keyboard_finder.outline import outline
from kpm_ros.core.camera_model import Camera, facing
from kpm_ros.core.keyboard import WHITE_WIDTH_M, Keyboard
from kpm_ros.simulate.keyboard_pictures import (
    draw_keyboard,
    draw_scenery,
    empty_room,
    keyboard_picture,
)

VIDEO = Path("data/video/overhead_piano.mp4")
SAME_KEY_MM = 12.0
"""Beyond half a white key a border is another key's."""
CORNERS = ("front_left", "front_right", "back_right", "back_left")
MARKS = ROOT / "test/align/keyboard_marks.yaml"


def measure(shared: Path) -> dict[str, float]:
    """Compare what is found in all marked frames together, and in each alone, with the marks."""
    path = shared / VIDEO
    if not path.is_file():
        print(f"no {VIDEO} beside the project: keyboards are not measured")
        return {}
    marks = yaml.safe_load(MARKS.read_text())["frames"]
    images = read_frames(path, marks)
    together = registered(list(images.values()))
    error = np.concatenate([errors_mm(together, frame) for frame in marks.values()])
    alone = np.concatenate([errors_mm(registered([images[at]]), marks[at]) for at in marks])
    rows = [
        (name, float(np.median(values)), float(np.percentile(values, 95)), len(values))
        for name, values in (("all frames together", error), ("each frame alone", alone))
    ]
    head = ("keys' borders, error in mm", "p50", "p95", "marks")
    print_table("A keyboard found in a real video, against hand-made marks", head, rows)
    return {
        "keyboard_error_mm_p50_real": rows[0][1],
        "keyboard_error_mm_p95_real": rows[0][2],
        "keyboard_error_mm_p95_real_one_frame": rows[1][2],
    }


def measure_rendered(rooms: int) -> dict[str, float]:
    """Find keyboards in SIMULATED rooms, and none in rooms that have none."""
    errors, seconds, found = [], [], {"whole": 0, "part": 0}
    wrong = 0
    for seed in range(rooms):
        draw = np.random.default_rng((seed, 0xBE))
        keys, first = ((88, 21), (61, 36))[seed % 2]
        part = seed % 4 >= 2
        piano, camera = draw_keyboard(seed, keys, first), draw_camera(draw, keys, first, part)
        scenery = draw_scenery(seed, piano, int(draw.integers(0, 3)))
        image = keyboard_picture(piano, camera, scenery, seed)
        known = bool(draw.random() < 0.5)
        lens = Lens(camera, True) if known else Lens.assumed(*camera.image_size)
        began = time.perf_counter()
        try:
            fit = find_keyboard([image], lens).fit
        except NoKeyboardError:
            continue
        finally:
            seconds.append(time.perf_counter() - began)
        off = min(
            (float(np.percentile(_off_mm(camera, octaves_moved(fit, by).camera, piano), 95)))
            for by in range(-9, 10)
        )
        if off > SAME_KEY_MM:
            wrong += 1
            continue
        errors.append(off)
        found["part" if part else "whole"] += 1
    empty = sum(_accepted(empty_room((960, 540), seed)) for seed in range(rooms))
    half = rooms / 2
    figures = {
        "keyboard_found_whole": found["whole"] / half,
        "keyboard_found_part": found["part"] / half,
        "keyboard_found_wrong": wrong / rooms,
        "keyboard_found_in_empty_rooms": empty / rooms,
        "keyboard_error_mm_p50_simulated": float(np.median(errors)),
        "keyboard_error_mm_p95_simulated": float(np.percentile(errors, 95)),
        "keyboard_seconds_p50": float(np.median(seconds)),
    }
    print_table(f"{rooms} SIMULATED rooms", ("figure", "value"), figures.items())
    return figures


def draw_camera(draw: Any, keys: int, first: int, part: bool) -> Camera:
    """Draw a place: 40 to 90 degrees up on the player's side or at the ends, 0.9 to 1.6 m off.

    A camera that sees a part of the keyboard stands at half the distance.
    """
    piano = Keyboard(first, keys)
    middle = np.array([(piano.left_m + piano.right_m) / 2, 0.07, 0.0])
    elevation = np.radians(draw.uniform(40, 90))
    azimuth = np.radians(draw.uniform(-180, 0))
    flat = np.cos(elevation)
    away = np.array([flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)])
    distance = draw.uniform(0.9, 1.6) * keys / 88 * (0.5 if part else 1.0)
    aim = middle + (draw.normal(0, 0.03, 3) * (1, 1, 0))
    place = middle + distance * away
    turn = facing(aim - place, (0, 1, 0.3))
    width, height = ((1280, 720), (960, 540), (640, 480))[int(draw.integers(3))]
    focal = float(width / 2 / np.tan(np.radians(draw.uniform(55, 85) / 2)))
    bend = (float(draw.uniform(-0.15, 0.05)), 0.0, 0.0, 0.0, 0.0)
    lens = Camera((width, height), (focal, focal, (width - 1) / 2, (height - 1) / 2), bend)
    return lens.at(turn, -turn @ place)


def _off_mm(true: Camera, found: Camera, keyboard: Keyboard) -> Any:
    points = outline(keyboard, true).points
    points = points[points[:, 2] == 0]
    on_keys = found.on_level(found.slopes(true.project(points)), 0.0)
    return 1e3 * np.linalg.norm(on_keys - points[:, :2], axis=-1)


def _accepted(image: Any) -> bool:
    height, width = image.shape[:2]
    try:
        find_keyboard([image], Lens.assumed(width, height))
    except NoKeyboardError:
        return False
    return True


def read_frames(path: Path, wanted: Any) -> dict[int, Any]:
    """Read frames of a video by their numbers."""
    capture = cv2.VideoCapture(str(path))
    images = {}
    for at in range(max(wanted) + 1):
        found, image = capture.read()
        if found and at in wanted:
            images[at] = image
    capture.release()
    return images


def registered(images: list[Any]) -> Fit:
    """Find the keyboard with a lens that nobody knows."""
    height, width = images[0].shape[:2]
    return with_notes(find_keyboard(images, Lens.assumed(width, height)), Piano())


def errors_mm(fit: Fit, frame: Any) -> Any:
    """How far one frame's marks are, on the keys, from where the keyboard has them."""
    keyboard, camera = fit.keyboard, fit.camera
    corners = dict(zip(CORNERS, corner_points(keyboard)[:, :2], strict=True))
    true = [corners[name] for name in frame["corners"]]
    true += [(keyboard.left_m + number * WHITE_WIDTH_M, 0.0) for number in frame["borders"]]
    pixels = np.array([*frame["corners"].values(), *frame["borders"].values()])
    on_keys = camera.on_level(camera.slopes((pixels + 0.5) / camera.image_size), 0.0)
    return 1e3 * np.linalg.norm(on_keys - true, axis=-1)


if __name__ == "__main__":
    measure(ROOT.parent / "shared")
