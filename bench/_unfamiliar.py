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

"""How soon and how surely what is unfamiliar is noticed, and how much of familiar time is flagged.

Everybody and every room is SIMULATED, and none was used to choose a threshold. The piece has a left
hand, which nobody tracks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from kpm_ros.align.room_watch import RoomWatch
from kpm_ros.core.registration import Registration
from kpm_ros.estimate.familiarity import strange_room
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.familiar_rooms import familiar_rooms
from kpm_ros.simulate.hand import HAND_SKELETON
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.rooms import ROOMS, Room, draw_room
from kpm_ros.simulate.session import Delivery, SimulatedSession
from kpm_ros.simulate.tasks import TASKS, task

NS_PER_S = 1_000_000_000
SECONDS, KNOCKED_S, IN_TIME_S = 24.0, 8.0, 5.0
FIRST_ROOM = 7000
"""Seeds from here on were looked at by nobody who chose a threshold."""
KNOCKS = {"knocked 10 cm": 0.10, "knocked 20 cm": 0.20}
FAR = replace(ROOMS, distance_m=(1.9, 2.6), field_of_view_deg=(25.0, 60.0))


class Outcome(NamedTuple):
    """What became of one kind in one room."""

    kind: str
    cameras: int
    noticed_s: float
    """After it began; infinite = never."""


def unfamiliar(rooms: int) -> tuple[list[Outcome], float]:
    """Try every kind in so many rooms; give outcomes, and the share of familiar time flagged."""
    outcomes: list[Outcome] = []
    flagged: list[float] = []
    for number in range(rooms):
        seed = FIRST_ROOM + number
        room, draw = draw_room(seed), np.random.default_rng(seed)
        registration, count = room.registration(), len(room.cameras)
        usual = _played(room, room.cameras, seed)
        said = _watched(registration, usual)
        flagged.append(_share(said))
        for kind, metres in KNOCKS.items():
            place = int(draw.integers(count))
            cameras = list(room.cameras)
            cameras[place] = _moved(cameras[place], metres, draw)
            after = _played(room, cameras, seed)
            pairs = zip(usual, after, strict=True)
            mixed = [
                new if old.sample.stamp_ns > KNOCKED_S * NS_PER_S else old for old, new in pairs
            ]
            outcomes.append(
                Outcome(kind, count, _noticed(_watched(registration, mixed), KNOCKED_S))
            )
        octave = [_transposed(one) for one in usual]
        outcomes.append(Outcome("wrong octave", count, _noticed(_watched(registration, octave))))
        if count > 1:
            names = [camera.name for camera in room.cameras]
            other = dict(zip(names, [*names[1:], names[0]], strict=True))
            swapped = [_renamed(one, other) for one in usual]
            outcomes.append(
                Outcome("swapped views", count, _noticed(_watched(registration, swapped)))
            )
        far = draw_room(seed, FAR).registration()
        noticed_s = 0.0 if strange_room(familiar_rooms(), far) else np.inf
        outcomes.append(Outcome("other room", len(far.cameras), noticed_s))
    return outcomes, float(np.mean(flagged))


def figures(outcomes: Sequence[Outcome], flagged: float) -> dict[str, float]:
    """Sum up, as README quotes it."""
    return {
        "unfamiliar_detected": float(np.mean([one.noticed_s <= IN_TIME_S for one in outcomes])),
        "familiar_flagged": flagged,
    }


def rows(outcomes: Sequence[Outcome]) -> Iterable[tuple[object, ...]]:
    """Rows of the table: kind, cameras, rooms, noticed in time, ever, median of seconds."""
    for kind in dict.fromkeys(one.kind for one in outcomes):
        for cameras in (1, 2, 3):
            times = np.array(
                [one.noticed_s for one in outcomes if (one.kind, one.cameras) == (kind, cameras)]
            )
            if len(times):
                ever = np.isfinite(times)
                median = float(np.median(times[ever])) if ever.any() else np.nan
                in_time = float((times <= IN_TIME_S).mean())
                yield kind, cameras, len(times), in_time, float(ever.mean()), median


def _played(room: Room, cameras: Sequence[SimulatedCamera], seed: int) -> list[Delivery]:
    score = task(1 + seed % len(TASKS), seed, SECONDS + 4)
    pianist = make_pianist(score, seed, Person.from_seed(seed), "plain")
    session = SimulatedSession(
        pianist, cameras, 0, seed, emg=False, key_motion=False, errors=room.errors
    )
    # Places in the list must be the same however the cameras stand.
    return session.advance(round(SECONDS * NS_PER_S))


def _watched(registration: Registration, deliveries: Iterable[Delivery]) -> list[tuple[float, int]]:
    """When the watch says something else, and what."""
    watch, said = RoomWatch(registration, HAND_SKELETON), [(0.0, 0)]
    for delivery in deliveries:
        if isinstance(delivery.sample, LandmarkFrame):
            watch.push_frame(delivery.sample, delivery.deliver_ns)
        elif isinstance(delivery.sample, KeyEvent):
            watch.push_key_event(delivery.sample, delivery.deliver_ns)
        watch.look(delivery.deliver_ns)
        if watch.flags != said[-1][1]:
            said.append((delivery.deliver_ns / NS_PER_S, watch.flags))
    return said


def _noticed(said: Sequence[tuple[float, int]], since_s: float = 0.0) -> float:
    return next((at_s - since_s for at_s, flags in said if flags and at_s > since_s), np.inf)


def _share(said: Sequence[tuple[float, int]]) -> float:
    """Part of the time that is flagged."""
    ends = [at_s for at_s, _ in said[1:]] + [SECONDS]
    return sum(end - at for (at, flags), end in zip(said, ends, strict=True) if flags) / SECONDS


def _moved(camera: SimulatedCamera, metres: float, draw: np.random.Generator) -> SimulatedCamera:
    """Push a camera to any side, and let it look as it did."""
    by = draw.normal(size=3)
    by *= metres / np.linalg.norm(by)
    position, look_at = (
        tuple(float(value) for value in np.add(point, by))
        for point in (camera.position, camera.look_at)
    )
    return replace(camera, position=position, look_at=look_at)  # type: ignore[arg-type]


def _transposed(delivery: Delivery) -> Delivery:
    sample = delivery.sample
    if isinstance(sample, KeyEvent) and sample.kind is KeyEventKind.NOTE_ON:
        return delivery._replace(sample=replace(sample, note=max(sample.note - 12, 0)))
    return delivery


def _renamed(delivery: Delivery, other: dict[str, str]) -> Delivery:
    sample = delivery.sample
    if isinstance(sample, LandmarkFrame):
        return delivery._replace(sample=replace(sample, view=other[sample.view]))
    return delivery
