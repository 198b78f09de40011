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

"""Performances seen in rooms with cameras anywhere, as a data set in this project's container.

Each recording holds what the live pipeline would have handed to a model: the hand in the keyboard's
frame, with its age and spread, and the keys, sample by sample of the grid. A performance costs much
and is simulated once; each room that it is seen in costs little. Everything is SIMULATED.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from kpm_ros import __version__
from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_json
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hands import sides_of, streams_of
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, NEWEST, Landmarks, PianoKeys, Streams
from kpm_ros.estimate.two_hands import PartsOfHands
from kpm_ros.learn.recordings.aligned_performance import align_performance
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth, regular_ns
from kpm_ros.learn.recordings.simulated_identity import known_person, known_task
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.sense.samples import HAND
from kpm_ros.simulate.bodies import make_performer
from kpm_ros.simulate.left_hand import music_of
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release import release_layout
from kpm_ros.simulate.release.performance import score_of
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ
from kpm_ros.simulate.release.released_effort import effort_samples
from kpm_ros.simulate.release.request import Performance, Request, room_seed
from kpm_ros.simulate.release.splits import held_out_splits
from kpm_ros.simulate.rooms import BOTH_PARTS, ROOMS, Room, RoomRange, draw_room, published_room
from kpm_ros.simulate.tasks import TASKS

RANDOM, PUBLISHED = KINDS = ("random", "published")
GENERATOR = 4
"""Goes up whenever the same request gives other data."""
UNIT = "fraction of the full activation"
HAND_IN_SPACE = Landmarks("hand", find_skeleton(HAND), 3, KEYBOARD, timing=NEWEST)
STREAMS = Streams((HAND_IN_SPACE, PianoKeys()))
_DONE = "done.json"


@dataclass(frozen=True)
class RoomRelease:
    """How a request for pianists in rooms is met: takes beside the folder, then the data set."""

    request: Request
    kind: str = RANDOM
    rooms: int = 1
    """In how many rooms each performance is seen."""
    hand: str = RIGHT
    """Whose recordings they are. A left hand's are its mirror image, as a model of a right hand is
    told of it; of both, which play together, each hand has its own."""

    def open(self, root: Path) -> None:
        """Go on with the takes, unless the data set is whole."""
        if self._is_whole(root):
            return
        if root.exists() and any(root.iterdir()):
            raise ValueError(
                f"{root} holds something else than this data set: choose an empty folder"
            )
        takes = _takes(root)
        path = takes / "request.json"
        if path.exists():
            if _said(read_json(path)) != _said(self._manifest()):
                raise ValueError(
                    f"{root} was begun with other arguments: give the same ones to go on with it, "
                    f"or remove {takes}"
                )
            return
        _write(path, self._manifest())

    def parts(self) -> list[Performance]:
        """List all performances."""
        return list(self.request.performances())

    def make(self, part: Performance, root: Path) -> bool:
        """Simulate a performance and see it in its rooms, unless that is there.

        Matrix products are left to one thread, as they add up in another order with several.
        """
        folder = _takes(root) / part.stem
        if self._is_whole(root) or (folder / _DONE).exists():
            return False
        folder.mkdir(parents=True, exist_ok=True)
        with threadpool_limits(1):
            person = Person.from_seed(self.request.person_seed(part.name.pianist))
            score = music_of(score_of(self.request, part), self.hand)
            body = self.request.body
            pianist = make_performer(score, part.seed, person, body, hand=self.hand)
            effort = effort_samples(pianist, part.seed, part.seconds)
            streams, parts = streams_of(STREAMS, self.hand), PartsOfHands(STREAMS, self.hand)
            for place, side in enumerate(self.sides):
                own = slice(place * len(MUSCLES), (place + 1) * len(MUSCLES))
                np.save(folder / f"{side}_effort.npy", effort[:, own])
            for number in range(self.rooms):
                seed, room = self.room(part, number)
                seen = align_performance(
                    pianist, room, streams, part.seconds, seed=seed, rate_hz=SAMPLE_RATE_HZ
                )
                for place, side in enumerate(self.sides):
                    rows = parts.rows(seen.values, seen.missing, place)
                    for stream, values in _arrays(*rows).items():
                        np.save(folder / f"{side}_{number}_{stream}.npy", values)
        _write(folder / _DONE, {})
        return True

    def finish(self, root: Path) -> None:
        """Write the data set of its takes."""
        if self._is_whole(root):
            return
        takes = _takes(root)
        ready = takes / "ready"
        shutil.rmtree(ready, ignore_errors=True)
        manifest = self._manifest()
        numbers = range(1, self.request.pianists + 1)
        about = About(
            name="SIMULATED pianists in rooms",
            simulated=True,
            description=manifest["description"],
            origin=f"kpm simulate --rooms {self.kind}"
            + (f" --hand {self.hand}" if self.hand != RIGHT else ""),
            licence="Apache-2.0",
            people={
                f"p{number}": known_person(self.request.person_seed(number)) for number in numbers
            },
            tasks={_task(number): _known_task(number) for number in self.request.task_numbers},
        )
        splits = {
            split: [
                recording_name(name, room, self._suffix(side))
                for name in names
                for room in range(self.rooms)
                for side in self.sides
            ]
            for split, names in held_out_splits(self.request).items()
            if split in release_layout.SPLITS
        }
        write_dataset(ready, about, self._recordings(takes), splits, STREAMS)
        _write(ready / release_layout.MANIFEST, manifest)
        if root.exists():
            root.rmdir()
        ready.rename(root)
        shutil.rmtree(takes)

    def room(self, part: Performance, number: int) -> tuple[int, Room]:
        """Give one of a performance's rooms, and the seed of all that is seen in it."""
        seed = room_seed(part.seed, number)
        drawn = draw_room(seed, self._range) if self.kind == RANDOM else published_room(seed)
        return seed, drawn

    @property
    def sides(self) -> tuple[str, ...]:
        """Whose recordings there are of each performance."""
        return sides_of(self.hand)

    @property
    def _range(self) -> RoomRange:
        """What rooms are drawn from: all cameras see all hands."""
        return ROOMS if self.hand == RIGHT else replace(ROOMS, part=BOTH_PARTS)

    def _suffix(self, side: str) -> str:
        return f"_{side}" if len(self.sides) > 1 else ""

    def _recordings(self, takes: Path) -> Iterator[Recording]:
        for part, side in product(self.parts(), self.sides):
            folder = takes / part.stem
            truth = Truth(
                MUSCLES,
                UNIT,
                float(SAMPLE_RATE_HZ),
                np.load(folder / f"{side}_effort.npy", mmap_mode="r"),
                measured="SIMULATED: EMG envelope",
            )
            stamps_s = regular_ns(0, len(truth.values), SAMPLE_RATE_HZ) / NS_PER_S
            for number in range(self.rooms):
                series = tuple(
                    TimeSeries(
                        stream,
                        np.load(folder / f"{side}_{number}_{stream.name}.npy", mmap_mode="r"),
                        stamps_s=stamps_s,
                        may_repeat=True,
                        measured="SIMULATED, as the live pipeline aligns it",
                    )
                    for stream in STREAMS
                )
                room = self.room(part, number)[1]
                yield Recording(
                    recording_name(part.name, number, self._suffix(side)),
                    f"p{part.name.pianist}",
                    _task(part.name.task),
                    part.name.take,
                    series,
                    truth,
                    notes=f"SIMULATED; cameras: {len(room.cameras)}; room: {self.kind} {room.seed}"
                    + ("; the left hand, as its mirror image" if side == LEFT else ""),
                )

    def _manifest(self) -> dict[str, Any]:
        request = self.request
        content = {
            "notice": "SIMULATED: it says nothing about people",
            "simulated": True,
            "description": (
                f"{request.pianists} SIMULATED pianists, {len(request.task_numbers)} tasks, "
                f"{request.takes} takes of {request.seconds} s, each in {self.rooms} {self.kind} "
                f"rooms, seed {request.seed}, generator {GENERATOR}"
            ),
            "generator": GENERATOR,
            "made_with": f"kpm_ros {__version__}",
            "request": {
                **request.as_json(),
                "rooms": self.kind,
                "rooms_a_take": self.rooms,
                **({"hand": self.hand} if self.hand != RIGHT else {}),
            },
            "room_range": asdict(self._range) if self.kind == RANDOM else None,
        }
        # Tuples become lists, as they will be when the file is read again.
        return dict(json.loads(json.dumps(content)))

    def _is_whole(self, root: Path) -> bool:
        """Whether the data set is there, of the same request and simulator."""
        path = root / release_layout.MANIFEST
        try:
            return path.exists() and _said(read_json(path)) == _said(self._manifest())
        except (ValueError, AttributeError):
            return False


def recording_name(name: object, room: int, suffix: str = "") -> str:
    """Name a performance in one of its rooms; the suffix tells two hands apart."""
    return f"{name}_r{room + 1}{suffix}"


def _arrays(rows: NDArray[np.float32], missing: NDArray[np.uint32]) -> dict[str, np.ndarray]:
    """Give each stream's rows, NaN where nothing was known of it."""
    arrays = {}
    for bit, stream in enumerate(STREAMS):
        values = rows[:, STREAMS.columns[stream.name]].copy()
        values[(missing & np.uint32(1 << bit)) != 0] = np.nan
        arrays[stream.name] = values
    return arrays


def _task(number: int) -> str:
    return f"t{number}"


def _known_task(number: int) -> str:
    return known_task(number) if number <= len(TASKS) else ""


def _takes(root: Path) -> Path:
    """Where performances are until all of them are there."""
    return root.with_name(f".{root.name}.takes")


def _said(manifest: Any) -> dict[str, Any]:
    """Say what a manifest says of the data, whatever version of the package wrote it."""
    return {name: value for name, value in manifest.items() if name != "made_with"}


def _write(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode(), durable=True)
