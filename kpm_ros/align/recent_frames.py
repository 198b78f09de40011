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

"""Spans of time looked back on, once all that was seen in them has come.

What is learnt of a hand on the way must be the same in every run, whichever frame was a little late
in one of them: so it is learnt from whole spans, which are the same for everybody, some time after.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.hand_instants import Strike
from kpm_ros.align.sights import SEEN_COLUMNS
from kpm_ros.align.triangulation import SPAN_S
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Landmarks
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, LandmarkFrame

SPAN_NS = round(SPAN_S * NS_PER_S)
LATEST_NS = round(0.2 * NS_PER_S)
"""What comes later than this is not looked back on."""
JOINED_NS = round(0.1 * NS_PER_S)
"""Frames further apart are not joined."""
MOST = 1024
"""Frames, and keys, that are kept."""

_by_stamp = attrgetter("stamp_ns")


class _Frame(NamedTuple):
    stamp_ns: int
    received_ns: int
    points: NDArray[np.float32]
    visibility: NDArray[np.float32] | None


class _Key(NamedTuple):
    stamp_ns: int
    received_ns: int
    note: int


class Span(NamedTuple):
    """What was seen at moments of a span, and which keys went down."""

    moments_ns: NDArray[np.int64]
    seen: NDArray[np.float32]
    """(moments, views, points, SEEN_COLUMNS)"""
    usable: NDArray[np.bool_]
    strikes: list[Strike]


class RecentFrames:
    """Frames of some views, and keys, until the span that they are in has been looked back on."""

    def __init__(self, hand: Landmarks, views: Sequence[str]) -> None:
        """Begin without any."""
        self._points = len(hand.skeleton)
        self._frames: dict[str, list[_Frame]] = {view: [] for view in views}
        self._keys: list[_Key] = []

    def push(self, frame: LandmarkFrame, received_ns: int) -> None:
        """Keep a frame that was taken in, so that it is known to be possible."""
        if frame.points is not None:
            kept = self._frames[frame.view]
            points = np.array(frame.points[:, :3], np.float32)
            told = _Frame(frame.stamp_ns, received_ns, points, frame.visibility)
            insort(kept, told, key=_by_stamp)
            del kept[:-MOST]

    def push_key_event(self, event: KeyEvent, received_ns: int) -> None:
        """Keep a key that went down."""
        if event.kind is KeyEventKind.NOTE_ON:
            self._keys.append(_Key(event.stamp_ns, received_ns, event.note))
            del self._keys[:-MOST]

    def span_before(self, at_ns: int) -> Span:
        """Look back on the last span that ended long enough before an instant; forget it."""
        end_ns = (at_ns - LATEST_NS) // SPAN_NS * SPAN_NS
        views = [
            [frame for frame in frames if frame.received_ns <= at_ns]
            for frames in self._frames.values()
        ]
        moments_ns = np.unique(
            [
                frame.stamp_ns
                for frames in views
                for frame in frames
                if end_ns - SPAN_NS <= frame.stamp_ns < end_ns
            ]
        ).astype(np.int64)
        seen = np.zeros((len(moments_ns), len(views), self._points, SEEN_COLUMNS), np.float32)
        usable = np.zeros((len(moments_ns), len(views)), np.bool_)
        for k, frames in enumerate(views):
            if frames:
                seen[:, k], usable[:, k] = _between(frames, moments_ns)
        strikes = []
        for key in self._keys:
            instant = int(np.searchsorted(moments_ns, key.stamp_ns))
            told = key.received_ns <= at_ns and end_ns - SPAN_NS <= key.stamp_ns < end_ns
            if told and instant < len(moments_ns):
                strikes.append(Strike(instant, key.note))
        self._forget(end_ns - JOINED_NS)
        return Span(moments_ns, seen, usable, strikes)

    def clear(self) -> None:
        """Forget everything."""
        self._keys.clear()
        for frames in self._frames.values():
            frames.clear()

    def _forget(self, before_ns: int) -> None:
        self._keys = [key for key in self._keys if key.stamp_ns >= before_ns]
        for view, frames in self._frames.items():
            self._frames[view] = [frame for frame in frames if frame.stamp_ns >= before_ns]


def _between(
    frames: list[_Frame], moments_ns: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Straight lines between frames that are near enough; elsewhere a view says nothing."""
    stamps_ns = np.array([frame.stamp_ns for frame in frames])
    rows = np.ones((len(frames), len(frames[0].points), SEEN_COLUMNS), np.float32)
    rows[..., :3] = np.stack([frame.points for frame in frames])
    for row, frame in zip(rows, frames, strict=True):
        if frame.visibility is not None:
            row[:, 3] = frame.visibility
    before = np.clip(np.searchsorted(stamps_ns, moments_ns, side="right") - 1, 0, None)
    after = np.minimum(before + 1, len(frames) - 1)
    gap_ns, since_ns = stamps_ns[after] - stamps_ns[before], moments_ns - stamps_ns[before]
    share = (since_ns / np.maximum(gap_ns, 1)).astype(np.float32)[:, None, None]
    usable = (since_ns == 0) | ((since_ns > 0) & (gap_ns > 0) & (gap_ns <= JOINED_NS))
    return rows[before] * (1 - share) + rows[after] * share, usable
