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

"""Pictures that cameras of training would have taken, made of a hand that others see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.space_rules import SpaceRules
from kpm_ros.core.grid import Grid
from kpm_ros.core.registered_streams import sensed
from kpm_ros.core.registration import Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import NEWEST, Landmarks, PianoKeys, Streams
from kpm_ros.sense.samples import HAND, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.rooms import draw_room
from kpm_ros.simulate.session import SimulatedSession

T0 = 1_700_000_000_000_000_000
GRID = Grid(200)
CAMERAS = {camera.name: camera for camera in default_cameras()}
STREAMS = Streams(
    tuple(
        Landmarks(name, find_skeleton(HAND), dimensions, camera=camera.camera)
        for (name, camera), dimensions in zip(CAMERAS.items(), (2, 3), strict=True)
    )
)


def aligned(
    streams: Streams,
    registration: Registration | None,
    cameras,
    seconds=3,
    space: SpaceRules | None = None,
    every=1,
):
    """Values and stamps of what a pianist before some cameras gives, asked for now and then."""
    pianist = make_pianist(five_finger_study(), seed=1, body="plain")
    devices = SimulatedSession(pianist, cameras, start_ns=T0, seed=1, emg=False, key_motion=False)
    aligner = Aligner(
        AlignerConfig(
            streams=streams,
            rate_hz=GRID.rate_hz,
            registration=registration,
            space=space or SpaceRules(),
        )
    )
    chunks = []
    for number, delivery in enumerate(devices.advance(T0 + seconds * 10**9)):
        if isinstance(delivery.sample, LandmarkFrame):
            aligner.push_frame(delivery.sample, delivery.deliver_ns)
        if number % every == 0:
            chunks += aligner.advance(delivery.deliver_ns)
    values = np.concatenate([chunk.values for chunk in chunks])[GRID.rate_hz :]
    stamps_ns = np.concatenate([GRID.stamps_ns(c.grid_index, len(c)) for c in chunks])
    return values, (stamps_ns[GRID.rate_hz :] - T0) / 1e9, pianist


@pytest.mark.parametrize("timing", ["joined", NEWEST])
def test_cameras_elsewhere_show_what_those_of_training_would_have(timing: str) -> None:
    """However other cameras stand, the network's pictures are of the room that it knows."""
    room = draw_room(3, cameras=2)
    streams = Streams(tuple(replace(view, timing=timing) for view in STREAMS))
    values, stamps_s, pianist = aligned(streams, room.registration(), room.cameras)
    assert len(values) > GRID.rate_hz
    if timing == NEWEST:
        age_s = values[:, streams.columns["top"].stop - 1]
        stamps_s = np.maximum.accumulate(stamps_s - age_s)
        assert 0 < age_s.max() < 0.05
    for name, camera in CAMERAS.items():
        view = streams[name]
        points = values[:, streams.columns[name]][:, : view.points_width]
        true = camera.project(pianist.landmarks(stamps_s))[..., : view.dimensions]
        off_px = (points.reshape(true.shape) - true)[..., :2] * camera.image_size
        assert np.median(np.linalg.norm(off_px, axis=-1)) < 8
        if view.dimensions == 3:
            deep = true[..., 2]
            assert np.corrcoef(points.reshape(true.shape)[..., 2].ravel(), deep.ravel())[0, 1] > 0.9


def test_the_trembling_of_other_rooms_trackers_is_smoothed_away() -> None:
    """A model of one room's pictures has met no more than that room's."""
    room = draw_room(3, cameras=2)
    off = []
    for rules in (SpaceRules(smoothed_s=0.0), SpaceRules()):
        values, stamps_s, pianist = aligned(STREAMS, room.registration(), room.cameras, space=rules)
        true = CAMERAS["top"].project(pianist.landmarks(stamps_s))[..., :2]
        points = values[:, STREAMS.columns["top"]].reshape(true.shape)
        off.append(float(np.diff(points - true, axis=0).std()))
    assert off[1] < 0.5 * off[0]


def test_what_is_smoothed_does_not_depend_on_how_often_it_is_asked_for() -> None:
    """So a replay is the run."""
    room = draw_room(4, cameras=2)
    often, seldom = (
        aligned(STREAMS, room.registration(), room.cameras, every=every)[0] for every in (1, 23)
    )
    same = min(len(often), len(seldom))
    assert same > GRID.rate_hz
    np.testing.assert_array_equal(often[:same], seldom[:same])


def test_without_a_registration_they_are_the_real_cameras_pictures() -> None:
    """As before there was any."""
    values, stamps_s, pianist = aligned(STREAMS, None, default_cameras(), seconds=2)
    true = CAMERAS["top"].project(pianist.landmarks(stamps_s))[..., :2]
    points = values[:, STREAMS.columns["top"]].reshape(true.shape)
    assert np.abs(points - true).max() < 0.02


def test_the_senses_give_a_picture_of_each_registered_camera() -> None:
    """Whatever views the model was trained with."""
    room = draw_room(5, cameras=3)
    assert sensed(STREAMS, room.registration()).views == ("first", "second", "third")
    assert sensed(STREAMS, None) == STREAMS


def test_before_anything_is_seen_the_pictures_are_missing() -> None:
    """Keys may come before the first frame."""
    registration = draw_room(3, cameras=2).registration()
    streams = Streams((*STREAMS, PianoKeys()))
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=200, registration=registration))
    for k in range(50):
        beat = KeyEvent(T0 + k * 10_000_000, k, KeyEventKind.HEARTBEAT)
        aligner.push_key_event(beat, beat.stamp_ns + 1_000_000)
    [*chunks] = aligner.advance(T0 + 490_000_000)
    assert sum(map(len, chunks)) > 50
    for chunk in chunks:
        assert (chunk.missing & 3 == 3).all()
        assert not chunk.values[:, streams.columns["top"]].any()
