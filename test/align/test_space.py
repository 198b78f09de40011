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

"""A hand's points in the keyboard's frame, out of simulated cameras that are not synchronised."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag
from kpm_ros.core.grid import Grid
from kpm_ros.core.registration import RegisteredCamera, Registration
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import JOINED, KEYBOARD, NEWEST, Landmarks, PianoKeys, Streams
from kpm_ros.sense.samples import HAND, KeyEvent, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.session import SimulatedSession

T0 = 1_700_000_000_000_000_000
STREAMS, NEWEST_STREAMS = (
    Streams((Landmarks("hand", find_skeleton(HAND), 3, KEYBOARD, timing=timing), PianoKeys()))
    for timing in (JOINED, NEWEST)
)
CAMERAS = {camera.name: camera for camera in default_cameras()}
REGISTRATION = Registration(
    {view: RegisteredCamera(camera.camera) for view, camera in CAMERAS.items()}
)
GRID = Grid(240)
TIPS = list(find_skeleton(HAND).role("tips"))


@pytest.fixture(scope="module")
def pianist() -> Performer:
    """Whose hand is 7 % larger than the usual one."""
    return make_pianist(five_finger_study(), seed=1, body="plain")


@pytest.fixture(scope="module")
def session(pianist: Performer) -> list[Delivery]:
    """All that devices deliver in six seconds."""
    devices = SimulatedSession(pianist, default_cameras(), start_ns=T0, seed=1, emg=False)
    return devices.advance(T0 + 6 * 10**9)


def aligned(
    deliveries: Iterable[Delivery],
    registration: Registration | None = REGISTRATION,
    look_ms: int = 10,
    streams: Streams = STREAMS,
) -> list[AlignedChunk]:
    """What an aligner makes of deliveries, looked at so often."""
    aligner = Aligner(
        AlignerConfig(streams=streams, rate_hz=GRID.rate_hz, registration=registration)
    )
    chunks, now_ns = [], T0
    for delivery in deliveries:
        while now_ns < delivery.deliver_ns:
            now_ns += look_ms * 1_000_000
            chunks += aligner.advance(min(now_ns, delivery.deliver_ns))
        if isinstance(delivery.sample, LandmarkFrame):
            aligner.push_frame(delivery.sample, delivery.deliver_ns)
        elif isinstance(delivery.sample, KeyEvent):
            aligner.push_key_event(delivery.sample, delivery.deliver_ns)
        else:
            aligner.push_key_motion(delivery.sample, delivery.deliver_ns)
    return chunks


def errors_mm(
    chunks: list[AlignedChunk], pianist: Performer, since_s: float
) -> NDArray[np.float64]:
    """By how much each point is off at the instants of which something is known."""
    stamps_s = np.concatenate([GRID.stamps_ns(c.grid_index, len(c)) - T0 for c in chunks]) / 1e9
    points = np.concatenate([c.values[:, STREAMS.columns["hand"]] for c in chunks])
    told = (np.concatenate([c.flags for c in chunks]) & Flag.POSE_LOST) == 0
    told &= stamps_s > since_s
    true = pianist.landmarks(stamps_s[told])
    return np.linalg.norm(points[told].reshape(true.shape) - true, axis=-1) * 1e3


def test_two_cameras_give_points_within_millimetres(
    session: list[Delivery], pianist: Performer
) -> None:
    """Though they are not synchronised, and their tracker is off by two pixels."""
    off = errors_mm(aligned(session), pianist, 0.5)
    assert np.median(off) < 4
    assert np.percentile(off, 95) < 8


def test_the_newest_points_tell_their_age_and_spread(
    session: list[Delivery], pianist: Performer
) -> None:
    """They are where the hand was so long before, as near as the spread says, and wait for none."""
    chunks = aligned(session, streams=NEWEST_STREAMS)
    values = np.concatenate([chunk.values for chunk in chunks])[GRID.rate_hz :]
    stamps_s = np.concatenate([GRID.stamps_ns(c.grid_index, len(c)) - T0 for c in chunks]) / 1e9
    points, age_s, spread_m = np.split(values[:, NEWEST_STREAMS.columns["hand"]], (63, 64), axis=1)
    seen_s = np.maximum.accumulate(stamps_s[GRID.rate_hz :] - age_s[:, 0])
    off = points.reshape(-1, 21, 3) - pianist.landmarks(seen_s)
    assert np.median(np.linalg.norm(off, axis=-1)) < 0.004
    assert 0.5 < np.sqrt((off**2).mean()) / spread_m.mean() < 2
    assert 0 < np.median(age_s) < 0.01
    assert age_s.max() < 0.02


def test_a_missing_camera_makes_points_less_sure_but_not_absent(
    session: list[Delivery], pianist: Performer
) -> None:
    """The hand's size, which two cameras told, tells the depth of what one of them sees."""
    kept = [d for d in session if getattr(d.sample, "view", "") != "right" or early(d, 3.0)]
    chunks = aligned(kept)
    off = errors_mm(chunks, pianist, 3.2)
    assert len(off) > 2 * GRID.rate_hz
    assert 4 < np.median(off) < 20
    flags = np.concatenate([chunk.flags for chunk in chunks])
    assert not (flags[-240:] & (Flag.POSE_LOST | Flag.POSE_STALE)).any()


def test_one_camera_learns_the_hands_size_from_the_keys(
    session: list[Delivery], pianist: Performer
) -> None:
    """A hand that is larger than usual is nearer than it seems, until keys have told."""
    alone = Registration({"top": REGISTRATION.cameras["top"]})
    frames = [d for d in session if getattr(d.sample, "view", "top") == "top"]
    deaf = [d for d in frames if not isinstance(d.sample, KeyEvent)]
    assert np.median(errors_mm(aligned(deaf, alone), pianist, 3.0)) > 40
    assert np.median(errors_mm(aligned(frames, alone), pianist, 3.0)) < 20


def test_without_any_registered_camera_it_says_so(session: list[Delivery]) -> None:
    """Nothing is known of the hand, the keys are, and the reason is among the flags."""
    for registration in (None, Registration()):
        chunks = aligned(session[:300], registration)
        assert len(chunks) > 10
        for chunk in chunks:
            assert (chunk.flags & Flag.UNREGISTERED).all()
            assert (chunk.flags & Flag.UNFAMILIAR).all()
            assert (chunk.flags & Flag.POSE_LOST).all()
            assert (chunk.missing == 1).all()
            assert not chunk.values[:, STREAMS.columns["hand"]].any()


def test_swapped_and_lost_points_of_one_view_are_found_by_the_other(
    session: list[Delivery], pianist: Performer
) -> None:
    """A view that takes one finger for another, and puts one anywhere, is not believed there."""
    off = errors_mm(aligned(map(confused, session)), pianist, 1.2)
    assert np.median(off[:, TIPS], axis=0).max() < 20
    assert np.median(off) < 7


@pytest.mark.parametrize("streams", [STREAMS, NEWEST_STREAMS], ids=(JOINED, NEWEST))
def test_points_do_not_depend_on_how_often_anybody_looks(
    session: list[Delivery], streams: Streams
) -> None:
    """What is learnt on the way is learnt from moments, not from chunks."""
    once, often = (
        np.concatenate([c.values for c in aligned(session[:600], look_ms=ms, streams=streams)])
        for ms in (40, 3)
    )
    common = min(len(once), len(often))
    assert common > 100
    assert (once[:common] == often[:common]).all()


@pytest.mark.parametrize("streams", [STREAMS, NEWEST_STREAMS], ids=(JOINED, NEWEST))
def test_who_begins_to_look_later_soon_knows_the_same(
    session: list[Delivery], streams: Streams
) -> None:
    """A recorder that missed the beginning does not make another replay for ever."""
    last, late = (
        {c.grid_index + k: row for c in chunks for k, row in enumerate(c.values)}
        for chunks in (
            aligned(session, streams=streams),
            aligned([d for d in session if not early(d, 0.5)], streams=streams),
        )
    )
    common = sorted(set(last) & set(late))
    recent = [k for k in common if k > common[-1] - GRID.rate_hz]
    assert len(recent) == GRID.rate_hz
    assert all((last[k] == late[k]).all() for k in recent)


def early(delivery: Delivery, until_s: float) -> bool:
    """Whether something was delivered before."""
    return delivery.deliver_ns < T0 + until_s * 1e9


def confused(delivery: Delivery) -> Delivery:
    """Let the view from the right swap two fingers and lose a third, from a second on."""
    frame = delivery.sample
    if not isinstance(frame, LandmarkFrame) or frame.view != "right" or early(delivery, 1.0):
        return delivery
    assert frame.points is not None
    points = frame.points.copy()
    points[6:9], points[18:21] = frame.points[18:21], frame.points[6:9]
    points[12, :2] += 0.1
    return delivery._replace(sample=replace(frame, points=points))
