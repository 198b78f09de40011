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

"""Tests of simulated rooms: cameras anywhere within a stated range, and how well they are known."""

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from kpm_ros.core.registration import Registration
from kpm_ros.core.resources import config_dir
from kpm_ros.sense.samples import LandmarkFrame
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.hand import FINGER_POINTS
from kpm_ros.simulate.hiding import hidden_share
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.rooms import ROOMS, draw_room, published_room
from kpm_ros.simulate.session import SimulatedSession, tracked_views


@pytest.fixture(scope="module")
def study() -> Pianist:
    """Plays with the right hand."""
    return Pianist(five_finger_study())


SEEDS = range(40)
MIDDLE = np.array(ROOMS.part).mean(axis=1)


def test_rooms_are_within_their_range() -> None:
    """Every camera sees the keyboard's part, looks over pianist and piano, and differs."""
    corners = np.array(list(product(*ROOMS.part)))
    counts = set()
    for seed in SEEDS:
        room = draw_room(seed)
        counts.add(len(room.cameras))
        away = []
        for camera, errors in zip(room.cameras, room.errors, strict=True):
            seen = camera.camera.project(corners)
            assert ((seen > 0) & (seen < 1)).all()
            assert camera.image_size in ROOMS.image_sizes
            assert 30 <= camera.fps <= 120
            across = np.rad2deg(2 * np.arctan(0.5 / camera.focal))
            assert ROOMS.field_of_view_deg[0] <= across <= ROOMS.field_of_view_deg[1]
            assert errors.hidden_px > 0
            off = np.array(camera.position) - MIDDLE
            distance = np.linalg.norm(off)
            assert ROOMS.distance_m[0] <= distance <= ROOMS.distance_m[1]
            elevation = np.rad2deg(np.arcsin(off[2] / distance))
            azimuth = np.rad2deg(np.arctan2(off[1], off[0]))
            assert elevation >= ROOMS.elevation_deg[0] - 1e-6
            assert elevation >= 55 or abs(azimuth + 90) >= 50, "it stands in the pianist"
            away.append(off / distance)
        for one, other in combinations(away, 2):
            apart = np.rad2deg(np.arccos(one @ other))
            assert ROOMS.apart_deg[0] <= apart <= ROOMS.apart_deg[1]
    assert counts == {1, 2, 3}


def test_the_same_seed_is_the_same_room() -> None:
    """With as many cameras as are asked for, where that is said."""
    assert draw_room(5) == draw_room(5) != draw_room(6)
    assert [len(draw_room(5, cameras=count).cameras) for count in (1, 2, 3)] == [1, 2, 3]
    with pytest.raises(ValueError, match="1 to 3 cameras, not 4"):
        draw_room(5, cameras=4)


def test_a_registration_is_off_by_millimetres_on_the_keys() -> None:
    """As much as it says of itself, and nothing where none is asked for."""
    keys = np.array([(x, 0.05, 0.0) for x in np.linspace(0.6, 1.0, 5)])
    off_mm, said_mm = [], []
    for seed in SEEDS:
        room = draw_room(seed)
        found, exact = room.registration(), room.registration(with_error=False)
        assert found == room.registration()
        for camera in room.cameras:
            assert exact.cameras[camera.name].camera == camera.camera
            placed = found.cameras[camera.name]
            rays = placed.camera.rays(camera.camera.project(keys))
            start = placed.camera.position
            off = start - rays * (start[2] / rays[:, 2:]) - keys
            off_mm.append(1e3 * np.sqrt((off**2).sum(axis=1).mean()))
            said_mm.append(placed.error_mm)
    assert 0.2 < np.median(off_mm) < 1.5
    assert np.quantile(off_mm, 0.95) < 4.0
    assert 0.3 < np.median(said_mm) / np.median(off_mm) < 3.0


def test_the_published_room_is_that_of_the_default_cameras() -> None:
    """Its exact registration is the file that comes with the package."""
    file = Registration.read(config_dir() / "rooms" / "simulated.yaml")
    exact = published_room().registration(with_error=False)
    assert file.cameras.keys() == exact.cameras.keys()
    for view, one in exact.cameras.items():
        point = np.array([[0.8, 0.0, 0.03]])
        assert np.allclose(one.camera.project(point), file.cameras[view].camera.project(point))
    assert published_room(7) == published_room(7) != published_room()


def test_fingers_behind_others_are_hidden_from_the_side_and_not_from_above(study: Pianist) -> None:
    """Seen from the right end of the keyboard the thumb and index finger hide behind the rest."""
    hand = study.landmarks(np.arange(0.0, 4.0, 0.1))
    top, right = published_room().cameras
    thumb, little = FINGER_POINTS[0][-1], FINGER_POINTS[-1][-1]
    from_right = hidden_share(hand, right.camera).mean(axis=0)
    from_top = hidden_share(hand, top.camera).mean(axis=0)
    assert from_right[thumb] > 0.3 > from_right[little]
    assert from_top.max() < 0.5 * from_right.max()


def test_hidden_joints_are_tracked_worse(study: Pianist) -> None:
    """Their errors wander about where the others only jitter."""
    room = draw_room(11, cameras=2)
    worse = tuple(replace(one, hidden_px=30.0) for one in room.errors)
    better = tuple(replace(one, hidden_px=0.0) for one in room.errors)
    for bad, good in zip(
        tracked_views(study, room.cameras, 1, worse),
        tracked_views(study, room.cameras, 1, better),
        strict=True,
    ):
        frames = good.block(2)
        moved = np.abs(bad.block(2).points - frames.points)[..., :2].max(axis=-1)
        hidden = hidden_share(study.landmarks(frames.times_s), bad.camera.camera)
        assert moved[hidden == 0].max() == 0
        assert (moved[hidden > 0.5] > 0).all()


def test_a_session_has_the_cameras_of_its_room(study: Pianist) -> None:
    """Each at its own rate and with its tracker's delay."""
    room = draw_room(3, cameras=3)
    session = SimulatedSession(
        study, room.cameras, 0, 1, errors=room.errors, emg=False, key_motion=False
    )
    frames = [d for d in session.advance(2_000_000_000) if isinstance(d.sample, LandmarkFrame)]
    for camera, errors in zip(room.cameras, room.errors, strict=True):
        own = [d for d in frames if d.sample.view == camera.name]
        assert len(own) == pytest.approx(2 * camera.fps, abs=5)
        delays = [(d.deliver_ns - d.sample.stamp_ns) * 1e-9 for d in own]
        assert errors.delay_s[0] - 1e-6 <= min(delays) <= max(delays) <= errors.delay_s[1] + 1e-6
