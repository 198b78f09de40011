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

"""What the aligner holds while far more is sent than any device sends, in samples and in bytes."""

from __future__ import annotations

import gc
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.arrivals import MOST_PIECES
from kpm_ros.align.notes import MOST_WAITING
from kpm_ros.align.sampled import MOST_SAMPLES
from kpm_ros.align.view_frames import MOST_FRAMES
from kpm_ros.core.flags import Flag
from kpm_ros.models.pianokpm.published import published_streams
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, KeyMotionChunk, LandmarkFrame
from support.senses import FIRST_NOTE, KEYS, MS, T0, Delivery, aligned, every, motion_chunk

PIANO = AlignerConfig(streams=published_streams(), rate_hz=1024)
"""Two views of a hand, 88 keys."""

MOST_BYTES = {"frames": 2e6, "motion": 12e6, "events": 5e6}
"""What each queue may come to, of all views together; docs/timing.md tells the same."""


def held(thing: Any) -> int:
    """Bytes of an object and everything that it refers to, arrays' memory included."""
    seen: dict[int, Any] = {}
    waiting, total = [thing], 0
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, type) or callable(one):
            continue
        seen[id(one)] = one
        total += sys.getsizeof(one)
        if isinstance(one, np.ndarray) and one.base is not None:
            waiting.append(one.base)
        waiting += gc.get_referents(one)
    return total


def grown(push: Any, counts: tuple[int, int]) -> tuple[int, int, Aligner]:
    """What an aligner has grown by after so many pushes, and after many more."""
    aligner = Aligner(PIANO)
    empty, sizes, done = held(aligner), [], 0
    for count in counts:
        for number in range(done, count):
            push(aligner, number)
        done = count
        sizes.append(held(aligner) - empty)
    return sizes[0], sizes[1], aligner


def test_a_million_events_are_not_remembered() -> None:
    def push(aligner: Aligner, number: int) -> None:
        event = KeyEvent(T0 + number, number, KeyEventKind.NOTE_ON, note=60, velocity=9)
        aligner.push_key_event(event, T0 + number)

    first, last, aligner = grown(push, (20_000, 1_000_000))
    assert 0 < first <= last < MOST_BYTES["events"]
    assert last == pytest.approx(first, rel=0.01)
    assert aligner.counts.refused == 1_000_000 - MOST_WAITING


def test_frames_are_not_remembered_whatever_their_sender_puts_into_them() -> None:
    def push(aligner: Aligner, number: int) -> None:
        points = np.full((21, 3), 0.5, np.float32) + number % 7 / 100
        said = f"{number:06}" * 20_000 if number % 100 == 0 else "right"
        view = PIANO.streams.views[number % 2]
        frame = LandmarkFrame(T0 + number, view, number, points, 1.0, side=said, frame_id=said)
        aligner.push_frame(frame, T0 + number)

    first, last, aligner = grown(push, (2_000, 20_000))
    assert 0 < first <= last < MOST_BYTES["frames"]
    assert aligner.dropped == 20_000 - 2 * MOST_FRAMES


@pytest.mark.parametrize(
    ("samples", "keys", "pushes", "kept"),
    [
        (1, 88, 6_000, MOST_PIECES),
        (1, 30_000, 3_000, MOST_PIECES),
        (10, 88, 6_000, MOST_SAMPLES),
        (1000, 88, 60, MOST_SAMPLES),
    ],
    ids=["many", "wide", "usual", "long"],
)
def test_motion_is_not_remembered_whatever_its_shape(
    samples: int, keys: int, pushes: int, kept: int
) -> None:
    depth = np.zeros((samples, keys), np.float32)

    def push(aligner: Aligner, number: int) -> None:
        chunk = KeyMotionChunk(T0 + number, number * samples, 1000.0, 21, depth.copy())
        aligner.push_key_motion(chunk, T0 + number)

    first, last, aligner = grown(push, (pushes // 2, pushes))
    assert 0 < first <= last < MOST_BYTES["motion"]
    assert aligner.dropped == pushes * samples - kept


def test_a_piano_with_more_keys_than_the_model_is_cut_to_it() -> None:
    wide = [
        Delivery(
            T0 + i * 10 * MS + 11 * MS,
            replace(
                motion_chunk(T0 + i * 10 * MS, i * 10), depth=np.tile([0.1, 0.2, 0.3, 0.9], (10, 1))
            ),
        )
        for i in range(50)
    ]
    assert wide[0].sent.first_note == FIRST_NOTE  # type: ignore[union-attr]
    out = aligned(wide, every(2 * MS, T0 + 400 * MS), views=())
    assert out.keys.shape[1] == KEYS
    assert out.flags_between(T0 + 100 * MS, T0 + 300 * MS) == {0}
    assert out.keys[200].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert not (out.flags & Flag.CHANNELS_MISSING).any()
