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

"""Cameras and where they stand: projection there and back, files there and back."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from kpm_ros.core.camera_model import Camera
from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.core.resources import config_dir
from kpm_ros.simulate.cameras import default_cameras

TURN, _ = cv2.Rodrigues(np.array([2.0, 0.1, -0.3]))
CAMERA = Camera(
    (1280, 720),
    (1000.0, 1010.0, 650.0, 350.0),
    (-0.2, 0.05, 0.001, -0.002, 0.01),
    tuple(TURN.ravel().tolist()),
    (-0.5, 0.2, 1.2),
)
POINTS = np.random.default_rng(0).uniform((0.2, 0.0, 0.0), (0.9, 0.15, 0.1), (50, 3))


def test_pixels_are_those_of_opencv() -> None:
    """Lens and distortion mean what a ROS calibration file means by them."""
    fx, fy, cx, cy = CAMERA.lens
    matrix = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])
    turn, _ = cv2.Rodrigues(CAMERA.turn)
    expected, _ = cv2.projectPoints(
        POINTS, turn, np.array(CAMERA.translation), matrix, np.array(CAMERA.distortion)
    )
    assert np.allclose(CAMERA.pixels(POINTS), expected[:, 0], atol=1e-6)


def test_rays_lead_back_to_the_points() -> None:
    """What is projected lies on the ray through its picture, whatever size the picture has."""
    for camera in (CAMERA, CAMERA.scaled(640, 360)):
        rays = camera.rays(camera.project(POINTS))
        away = POINTS - camera.position
        away /= np.linalg.norm(away, axis=1, keepdims=True)
        assert np.allclose(rays, away, atol=1e-7)


def test_a_file_gives_back_what_was_written(tmp_path: Path) -> None:
    """Numbers come back to the last digit."""
    room = Registration({"top": RegisteredCamera(CAMERA, 0.7, 1.2, "four corners")}, 36, 61)
    room.write(tmp_path / "room.yaml")
    assert Registration.read(tmp_path / "room.yaml") == room


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rotation": [1, 0, 0, 0, 1, 0, 0, 0, 2]}, "a rotation that is none"),
        ({"lens": [0, 1, 1, 1]}, "focal length"),
        ({"translation": [0, 0, float("nan")]}, "3 numbers as its translation"),
        ({"image_size": [0, 720]}, "0 x 720 pixels"),
        ({"aim": 1}, "unknown field 'aim'"),
        ({"how": "two\nlines"}, "one line"),
    ],
)
def test_a_camera_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    """In a sentence that names the view."""
    plain = Registration({"top": RegisteredCamera(CAMERA)}).as_plain()
    plain["cameras"]["top"] |= change
    with pytest.raises(ForeignFileError, match=f"room.yaml: the camera 'top' .*{said}"):
        Registration.from_plain(plain, "room.yaml")


def test_what_is_no_registration_is_refused() -> None:
    """Another file, or impossible keys."""
    with pytest.raises(ForeignFileError, match="kpm calibrate"):
        Registration.from_plain([1, 2], "x.yaml")
    plain = Registration().as_plain() | {"first_note": 120, "keys": 88}
    with pytest.raises(ForeignFileError, match="88 keys from note 120"):
        Registration.from_plain(plain, "x.yaml")


def test_simulated_cameras_see_what_their_registration_says() -> None:
    """The room that is simulated unless another is asked for has its file."""
    room = Registration.read(config_dir() / "rooms" / "simulated.yaml")
    for simulated in default_cameras():
        camera = room.cameras[simulated.name].camera
        seen = simulated.project(POINTS, root=(0,))[:, :2]
        assert np.allclose(camera.project(POINTS), seen, atol=1e-9)
