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

"""A bag as a movement of hands, out of registered views or points in space, and its notes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros import pipeline_topics
from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.core.foreign_files import printable
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.hand_motion import POINTS, HandMotion, OneHandMotion
from kpm_ros.core.hands import sides_of, streams_of
from kpm_ros.core.registered_streams import sensed
from kpm_ros.core.registration import Registration
from kpm_ros.core.sides import BOTH, RIGHT
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, Landmarks, Streams
from kpm_ros.motion.landmark_files import steady_motion
from kpm_ros.replay import offline, recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_notes import read_notes
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import TopicFinder
from kpm_ros.sense.midi.score import Score
from kpm_ros.sense.samples import HAND
from kpm_ros.wire import decode

RATE_HZ = 100
HAND_POINTS = pipeline_topics.topic("hand/points").type
Progress = Callable[[int], None]


class BagHands(NamedTuple):
    """What a bag tells of hands."""

    motion: HandMotion
    score: Score
    """On the movement's clock; without notes where the bag has none."""
    start_ns: int
    """When that clock begins."""


def read_hands(
    path: Path,
    namespace: str = "",
    hand: str = "",
    registration: Registration | None = None,
    progress: Progress = lambda now_ns: None,
) -> BagHands:
    """Read the hands of a bag in the keyboard's frame; a BagError says why there are none.

    Which hand, and where the cameras stood, is what the bag says, unless it is given.
    """
    with BagReader(path) as bag:
        finder = TopicFinder(bag, namespace)
        hand = hand or recorded_with.hand(bag.facts, namespace or "kpm")
        registered = registration or recorded_with.registration(bag.facts)
        if registered is not None:
            motion, start_ns = _seen(bag, finder, hand, registered, progress)
        else:
            motion, start_ns = _in_space(bag, finder)
        return BagHands(
            motion, read_notes(bag, finder, start_ns, printable(bag.folder.name, 60)), start_ns
        )


def _seen(
    bag: BagReader, finder: TopicFinder, hand: str, registration: Registration, progress: Progress
) -> tuple[HandMotion, int]:
    """Put what registered cameras saw together, as the live pipeline does."""
    points = Landmarks("hand", find_skeleton(HAND), 3, KEYBOARD)
    streams = streams_of(Streams((points,)), hand)
    aligner = Aligner(AlignerConfig(streams=streams, rate_hz=RATE_HZ, registration=registration))
    inputs = finder.inputs(sensed(streams, registration))
    replay = offline.Replay(bag, progress=progress)
    chunks = list(replay.align(inputs, aligner))
    if not chunks:
        raise BagError(f"the bag {bag.folder} is too short to hold a movement")
    first = chunks[0].grid_index
    count = chunks[-1].grid_index + len(chunks[-1]) - first
    values = np.full((count, streams.width), np.nan, np.float32)
    visible = np.zeros((count, len(streams)), np.bool_)
    for chunk in chunks:
        rows = slice(chunk.grid_index - first, chunk.grid_index - first + len(chunk))
        values[rows] = chunk.values
        bits = np.uint32(1) << np.arange(len(streams), dtype=np.uint32)
        visible[rows] = (chunk.missing[:, None] & bits) == 0
    hands = {}
    for place, (stream, side) in enumerate(zip(streams, sides_of(hand), strict=True)):
        landmarks = values[:, streams.columns[stream.name]].reshape(count, POINTS, 3).copy()
        landmarks[~visible[:, place]] = np.nan
        hands[side] = OneHandMotion(visible[:, place], landmarks=landmarks)
    if not visible.any():
        raise BagError(f"no hand can be seen in the bag {bag.folder}")
    return _motion(bag, float(RATE_HZ), hands), chunks[0].stamp_ns


def _in_space(bag: BagReader, finder: TopicFinder) -> tuple[HandMotion, int]:
    """Take points in space as they were published."""
    topic = finder.find(HAND_POINTS)
    rows: dict[str, list[tuple[int, NDArray[np.float64]]]] = {}
    for message in bag.messages([topic]) if topic else ():
        told = bag.decode(message)
        points = np.array(told.points, np.float64)
        if points.size == 3 * POINTS and told.side in ("", *sides_of(BOTH)):
            stamp_ns = decode.time_ns(told.header.stamp)
            rows.setdefault(str(told.side) or RIGHT, []).append((stamp_ns, points.reshape(-1, 3)))
    if not rows:
        raise BagError(
            f"the bag {bag.folder} does not say where its cameras stood, and holds no points in "
            "space: give the registration with --registration FILE"
        )
    start_ns = min(stamp_ns for one in rows.values() for stamp_ns, _ in one)
    stamps = np.unique([stamp_ns for one in rows.values() for stamp_ns, _ in one])
    hands = {}
    for side, one in rows.items():
        landmarks = np.full((len(stamps), POINTS, 3), np.nan)
        landmarks[np.searchsorted(stamps, [stamp_ns for stamp_ns, _ in one])] = [p for _, p in one]
        hands[side] = landmarks
    steady = steady_motion(bag.folder, (stamps - start_ns) / NS_PER_S, hands)
    return _motion(bag, steady.rate_hz, steady.hands), start_ns


def _motion(bag: BagReader, rate_hz: float, hands: Mapping[str, OneHandMotion]) -> HandMotion:
    return HandMotion(
        rate_hz,
        hands,
        simulated=recorded_with.simulated(bag.facts),
        title=printable(bag.folder.name, 60),
        source=f"the bag {printable(str(bag.folder), 200)}",
    )
