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

"""A camera that was knocked is noticed while somebody plays, and found again where that is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.hand_sides import HandSides
from kpm_ros.align.room_watch import RoomWatch, WatchRules
from kpm_ros.core.flags import Flag
from kpm_ros.core.hands import streams_of
from kpm_ros.core.registration import Registration
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import SimulatedCamera, default_cameras
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.hand import HAND_SKELETON
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.rooms import published_room
from kpm_ros.simulate.session import SimulatedSession

S = 1_000_000_000
KNOCKED_S = 6.0
MOVED = Flag.UNFAMILIAR | Flag.CAMERA_MOVED
APART = Flag.UNFAMILIAR | Flag.KEYS_APART
REGISTRATION = published_room().registration()


class Said(NamedTuple):
    """What the watch says from an instant on."""

    time_s: float
    flags: int
    trouble: str


@cache
def pianist() -> Performer:
    return make_pianist(five_finger_study(), seed=1, body="plain")


@cache
def delivered(
    cameras: Sequence[SimulatedCamera], seconds: float, performer: Performer
) -> list[Delivery]:
    session = SimulatedSession(performer, cameras, 0, 1, emg=False, key_motion=False)
    return session.advance(round(seconds * S))


def playing(seconds: float, cameras: Sequence[SimulatedCamera] = ()) -> list[Delivery]:
    return delivered(tuple(cameras or default_cameras()), seconds, pianist())


def moved(camera: SimulatedCamera, *metres: float) -> SimulatedCamera:
    def shifted(point: tuple[float, float, float]) -> tuple[float, float, float]:
        x, y, z = (float(value) for value in np.add(point, metres))
        return x, y, z

    return replace(camera, position=shifted(camera.position), look_at=shifted(camera.look_at))


def knocked(seconds: float, *metres: float, cameras: int = 2) -> list[Delivery]:
    """Play, while the first camera is knocked."""
    first, *others = default_cameras()[:cameras]
    before = playing(seconds, (first, *others))
    after = playing(seconds, (moved(first, *metres), *others))
    pairs = zip(before, after, strict=True)
    return [new if old.sample.stamp_ns > KNOCKED_S * S else old for old, new in pairs]


def registered(count: int) -> Registration:
    views = [camera.name for camera in default_cameras()][:count]
    return Registration({view: REGISTRATION.cameras[view] for view in views})


def watched(
    deliveries: Iterable[Delivery], rules: WatchRules | None = None, cameras: int = 2
) -> tuple[RoomWatch, list[Said]]:
    watch = RoomWatch(registered(cameras), HAND_SKELETON, rules)
    said = [Said(0.0, 0, "")]
    for delivery in deliveries:
        if isinstance(delivery.sample, LandmarkFrame):
            watch.push_frame(delivery.sample, delivery.deliver_ns)
        elif isinstance(delivery.sample, KeyEvent):
            watch.push_key_event(delivery.sample, delivery.deliver_ns)
        watch.look(delivery.deliver_ns)
        if (watch.flags, watch.trouble) != said[-1][1:]:
            said.append(Said(delivery.deliver_ns / S, watch.flags, watch.trouble))
    return watch, said


def transposed(deliveries: Iterable[Delivery], semitones: int) -> list[Delivery]:
    return [
        replaced(one, note=one.sample.note + semitones)
        if isinstance(one.sample, KeyEvent) and one.sample.kind is KeyEventKind.NOTE_ON
        else one
        for one in deliveries
    ]


def replaced(delivery: Delivery, **changes: object) -> Delivery:
    return delivery._replace(sample=replace(delivery.sample, **changes))  # type: ignore[arg-type]


def test_nothing_is_said_of_a_room_as_it_was_registered() -> None:
    _, said = watched(playing(20.0))
    assert said == [Said(0.0, 0, "")]


def test_a_knocked_camera_is_named_within_five_seconds_and_found_again() -> None:
    watch, said = watched(knocked(20.0, 0.06, 0.06, -0.05))
    _, noticed, *_, found = said
    assert noticed.flags == MOVED
    assert noticed.time_s <= KNOCKED_S + 5.0
    assert "'top'" in noticed.trouble
    assert found.flags == 0
    assert watch.found_again == 1
    top = default_cameras()[0]
    hand = np.array([0.85, 0.0, 0.02])
    seen = watch.registration.cameras["top"].camera.project(hand)
    truth = moved(top, 0.06, 0.06, -0.05).camera.project(hand)
    assert np.abs(seen - truth).max() < 0.01


def test_a_camera_that_may_not_be_found_again_stays_knocked() -> None:
    watch, said = watched(knocked(20.0, 0.06, 0.06, -0.05), WatchRules(find_again=False))
    assert said[-1].flags == MOVED
    assert watch.registration.cameras == REGISTRATION.cameras


@pytest.mark.parametrize("push", [(0.05, 0.05, 0.07), (0.1, 0.0, 0.0), (0.0, -0.1, 0.0)])
def test_a_camera_that_is_alone_is_noticed_by_the_keys(push: tuple[float, ...]) -> None:
    _, said = watched(knocked(12.0, *push, cameras=1), cameras=1)
    assert said[1].flags == MOVED
    assert said[1].time_s <= KNOCKED_S + 5.0


def test_keys_an_octave_away_are_no_moved_camera() -> None:
    _, said = watched(transposed(playing(8.0), -12))
    assert said[1].flags == APART
    assert said[1].time_s <= 5.0
    assert "1 octave to the left" in said[-1].trouble


def test_pictures_of_another_shape_than_registered_are_said_at_once() -> None:
    """More pixels are fine; what is wrong is said while it is, and cleared while all is well."""
    other = [
        replaced(one, image_size=(640, 480) if 6 * S < one.sample.stamp_ns < 9 * S else (640, 360))
        if isinstance(one.sample, LandmarkFrame) and one.sample.view == "top"
        else one
        for one in playing(20.0)
    ]
    watch, said = watched(other)
    wrong, well = said[1:]
    assert wrong.flags == MOVED
    assert 6.0 < wrong.time_s <= 7.0
    assert "'top' are 640x480, but it was registered with 1280x720" in wrong.trouble
    assert well.flags == 0
    assert watch.found_again == 0


def test_views_that_are_swapped_are_called_so() -> None:
    other = {"top": "right", "right": "top"}
    swapped = [
        replaced(one, view=other[one.sample.view]) if isinstance(one.sample, LandmarkFrame) else one
        for one in playing(8.0)
    ]
    _, said = watched(swapped)
    assert said[1].flags == MOVED
    assert "'top' and 'right' seem to be swapped" in said[-1].trouble


@pytest.mark.parametrize("cameras", [1, 2])
def test_the_other_hand_may_play_alone_or_along(cameras: int) -> None:
    resting = make_pianist(
        Score.of([Note(0.0, 0.2, pitch, 60) for pitch in (60, 64, 67)] + [Note(19.0, 0.2, 60, 60)]),
        seed=1,
        body="plain",
    )
    draw = np.random.default_rng(1)
    views = default_cameras()[:cameras]
    for performer in (resting, pianist()):
        deliveries = list(delivered(views, 15.0, performer))
        for number, time_s in enumerate(np.sort(draw.uniform(1.0, 14.0, 60))):
            note = int(draw.choice([36, 40, 43, 48, 52]))
            event = KeyEvent(int(time_s * S), 10_000 + number, KeyEventKind.NOTE_ON, note, 60)
            deliveries.append(Delivery(event.stamp_ns + 2_000_000, event))
        deliveries.sort(key=lambda each: each.deliver_ns)
        _, said = watched(deliveries, cameras=cameras)
        assert said == [Said(0.0, 0, "")]


def test_who_tells_hands_apart_is_told_where_a_camera_was_found_again(monkeypatch) -> None:
    told: list[Registration] = []
    monkeypatch.setattr(HandSides, "register", lambda _, now: told.append(now))
    hand = Landmarks("hand", HAND_SKELETON, dimensions=3, coordinates="keyboard")
    streams = streams_of(Streams((hand, PianoKeys())), "both")
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=64, registration=REGISTRATION))
    assert aligner.watch is not None
    for delivery in knocked(20.0, 0.06, 0.06, -0.05):
        sample = delivery.sample
        if isinstance(sample, LandmarkFrame):
            aligner.push_frame(replace(sample, side="right"), delivery.deliver_ns)
        elif isinstance(sample, KeyEvent):
            aligner.push_key_event(sample, delivery.deliver_ns)
        aligner.advance(delivery.deliver_ns)
    assert aligner.watch.found_again == 1
    assert told == [aligner.watch.registration]


def test_in_a_room_beyond_training_every_sample_says_so() -> None:
    streams = Streams(
        (Landmarks("hand", HAND_SKELETON, dimensions=3, coordinates="keyboard"), PianoKeys())
    )
    strange = "the cameras are further away than in training"
    config = AlignerConfig(streams=streams, rate_hz=64, registration=REGISTRATION, strange=strange)
    aligner, said = Aligner(config), int(Flag.UNFAMILIAR | Flag.STRANGE_ROOM)
    chunks = []
    for delivery in playing(2.0):
        if isinstance(delivery.sample, LandmarkFrame):
            aligner.push_frame(delivery.sample, delivery.deliver_ns)
        chunks += aligner.advance(delivery.deliver_ns)
    flags = np.concatenate([chunk.flags for chunk in chunks])
    assert len(flags) > 64
    assert ((flags & said) == said).all()


def test_grid_samples_carry_what_is_said_however_often_anybody_looks() -> None:
    streams = Streams(
        (Landmarks("hand", HAND_SKELETON, dimensions=3, coordinates="keyboard"), PianoKeys())
    )
    config = AlignerConfig(streams=streams, rate_hz=64, registration=REGISTRATION)
    deliveries = knocked(14.0, 0.0, 0.08, -0.08)
    runs = []
    for period_ns in (5_000_000, 240_000_000):
        aligner, flags, values, look_ns = Aligner(config), [], [], 0
        for delivery in deliveries:
            while delivery.deliver_ns > look_ns + period_ns:
                look_ns += period_ns
                chunks = aligner.advance(look_ns)
                flags += [chunk.flags for chunk in chunks]
                values += [chunk.values for chunk in chunks]
            sample = delivery.sample
            if isinstance(sample, LandmarkFrame):
                aligner.push_frame(sample, delivery.deliver_ns)
            elif isinstance(sample, KeyEvent):
                aligner.push_key_event(sample, delivery.deliver_ns)
        runs.append((np.concatenate(flags), np.concatenate(values)))
    count = min(len(flags) for flags, _ in runs)
    assert (runs[0][0][:count] == runs[1][0][:count]).all()
    assert (runs[0][1][:count] == runs[1][1][:count]).all()
    unfamiliar = (runs[0][0] & MOVED) == MOVED
    assert unfamiliar.any()
    assert not unfamiliar[: int(KNOCKED_S * 64)].any()
    assert not unfamiliar[-1]
