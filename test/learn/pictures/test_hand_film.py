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

"""A film of a hand: keys that go down, muscles that light up, and only what is known."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.subjects import find_subject
from kpm_ros.learn.pictures.hand_film import HEIGHT_PX, SEEN_PX, TRACES_PX, Film, Seen
from kpm_ros.pipeline_options import simulated_room

MUSCLES = ("ADM", "1DI")
CAMERA = Registration.read(simulated_room()).cameras["top"].camera
NOTE = 60


def film(down=(), effort=0.0, camera=CAMERA, hands=True):
    points = np.stack([np.linspace(0.25, 0.75, 21), np.linspace(0.25, 0.75, 21)], axis=1)
    seen = [Seen(k / 15, {"right": points} if hands else {}, down) for k in range(3)]
    values = np.column_stack([np.full(100, effort), np.full(100, 1.0)])
    return Film(
        find_skeleton("mediapipe-hand"),
        CAMERA.image_size,
        seen,
        np.linspace(-3, 0.2, 100),
        values,
        MUSCLES,
        find_subject("hand").drawn,
        camera,
        "SIMULATED",
    )


def changed(one, other):
    """Pixels of the camera's part that differ."""
    return np.any(one.frames()[0][:, :SEEN_PX] != other.frames()[0][:, :SEEN_PX], axis=-1)


def test_a_key_that_is_down_is_coloured_and_no_other():
    pixels = changed(film(), film(down=[NOTE]))
    assert 100 < pixels.sum() < 0.1 * pixels.size
    columns = np.flatnonzero(pixels.any(axis=0))
    assert np.ptp(columns) < SEEN_PX / 8


def test_a_muscle_is_drawn_by_its_effort_and_not_at_all_where_it_is_not_valid():
    working = changed(film(effort=0.0), film(effort=1.0))
    assert working.sum() > 50
    unknown = film(effort=np.nan).frames()[0]
    assert np.any(unknown[:, :SEEN_PX] != film(effort=1.0).frames()[0][:, :SEEN_PX])


def test_without_registration_or_hand_what_is_known_is_shown():
    frame = film(camera=None, hands=False).frames()[0]
    assert frame.shape == (HEIGHT_PX, SEEN_PX + TRACES_PX, 3)
    assert np.all(frame == (214, 216, 220), axis=-1).sum() < 50, "keys whose place nobody knows"


def test_it_is_one_moving_picture():
    with Image.open(io.BytesIO(film().webp())) as moving:
        assert moving.format == "WEBP"
        assert moving.n_frames == 3
