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
from kpm_ros.simulate.drivers import Delivery, View
from kpm_ros.simulate.familiar_rooms import familiar_rooms
from kpm_ros.simulate.hand import HAND_SKELETON
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.rooms import ROOMS, Room, draw_room
from kpm_ros.simulate.session import DeviceSession, SimulatedSession, tracked_views
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


class Usual(NamedTuple):
    """What was said of a room in which all is well."""

    cameras: int
    slowest_fps: float
    flagged: float
    """Part of the time."""


def unfamiliar(rooms: int) -> tuple[list[Outcome], list[Usual]]:
    """Try every kind in so many rooms, of which every other one has one camera."""
    outcomes: list[Outcome] = []
    usual: list[Usual] = []
    for number in range(rooms):
        seed = FIRST_ROOM + number
        room = draw_room(seed, cameras=1 if number % 2 else None)
        draw = np.random.default_rng(seed)
        registration, count = room.registration(), len(room.cameras)
        pianist = _pianist(seed)
        played = _played(pianist, room, seed)
        slowest = min(camera.fps for camera in room.cameras)
        usual.append(Usual(count, slowest, _share(_watched(registration, played))))
        for kind, metres in KNOCKS.items():
            place = int(draw.integers(count))
            knocked = _knocked(played, pianist, room, seed, place, metres, draw)
            outcomes.append(
                Outcome(kind, count, _noticed(_watched(registration, knocked), KNOCKED_S))
            )
        octave = [_transposed(one) for one in played]
        outcomes.append(Outcome("wrong octave", count, _noticed(_watched(registration, octave))))
        if count > 1:
            names = [camera.name for camera in room.cameras]
            other = dict(zip(names, [*names[1:], names[0]], strict=True))
            swapped = [_renamed(one, other) for one in played]
            outcomes.append(
                Outcome("swapped views", count, _noticed(_watched(registration, swapped)))
            )
        far = draw_room(seed, FAR).registration()
        noticed_s = 0.0 if strange_room(familiar_rooms(), far) else np.inf
        outcomes.append(Outcome("other room", len(far.cameras), noticed_s))
    return outcomes, usual


def figures(outcomes: Sequence[Outcome], usual: Sequence[Usual]) -> dict[str, float]:
    """Sum up, as README quotes it."""
    found = {
        "unfamiliar_detected": float(np.mean([one.noticed_s <= IN_TIME_S for one in outcomes])),
        "familiar_flagged": float(np.mean([one.flagged for one in usual])),
        "familiar_flagged_one_camera": float(
            np.mean([one.flagged for one in usual if one.cameras == 1])
        ),
    }
    for kind, metres in KNOCKS.items():
        for cameras, words in ((True, "one_camera"), (False, "more_cameras")):
            times = [
                one.noticed_s
                for one in outcomes
                if one.kind == kind and (one.cameras == 1) == cameras
            ]
            name = f"knocked_{100 * metres:.0f}cm_{words}_in_time"
            found[name] = float(np.mean(np.array(times) <= IN_TIME_S))
    return found


def usual_rows(usual: Sequence[Usual]) -> Iterable[tuple[object, ...]]:
    """Rows of the table of familiar time: slowest camera's frames a second, rooms, part flagged."""
    for fps in sorted({one.slowest_fps for one in usual}):
        flagged = [one.flagged for one in usual if one.slowest_fps == fps]
        yield fps, len(flagged), float(np.mean(flagged))


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


def _pianist(seed: int) -> Performer:
    score = task(1 + seed % len(TASKS), seed, SECONDS + 4)
    return make_pianist(score, seed, Person.from_seed(seed), "plain")


def _played(pianist: Performer, room: Room, seed: int) -> list[Delivery]:
    session = SimulatedSession(
        pianist, room.cameras, 0, seed, emg=False, key_motion=False, errors=room.errors
    )
    return session.advance(round(SECONDS * NS_PER_S))


def _knocked(
    played: Sequence[Delivery],
    pianist: Performer,
    room: Room,
    seed: int,
    place: int,
    metres: float,
    draw: np.random.Generator,
) -> list[Delivery]:
    """Let one camera see the same from elsewhere, from some instant on."""
    cameras = list(room.cameras)
    cameras[place] = _moved(cameras[place], metres, draw)
    # Its tracker's errors follow from its place in the list.
    view = tracked_views(pianist, cameras, seed, room.errors)[place]
    after = DeviceSession([View(view, 0)], 0).advance(round(SECONDS * NS_PER_S))
    since_ns, name = KNOCKED_S * NS_PER_S, cameras[place].name
    kept = [
        one
        for one in played
        if not isinstance(one.sample, LandmarkFrame)
        or one.sample.view != name
        or one.sample.stamp_ns <= since_ns
    ]
    late = [one for one in after if one.sample.stamp_ns > since_ns]
    return sorted([*kept, *late], key=lambda one: one.deliver_ns)


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
