"""The piano's keys as depth curves that can be read at any instant."""

from __future__ import annotations

from bisect import insort
from collections import deque
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.flags import Flag
from kpm_ros.align.grid import NS_PER_S
from kpm_ros.sense.keys import KeyDepthFromNotes
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, KeyMotionChunk

KEPT_MOTION_S = 1.0
LONGEST_STEP = 1.5
"""Samples further apart than this many periods have lost some between them."""
MOST_WAITING_EVENTS = 10_000
"""Events that wait for their instant: a storm beyond this is refused rather than remembered."""


@dataclass(frozen=True)
class KeyRules:
    """How long the keys are waited for and how long their silence is believed."""

    wait_s: float = 0.02
    """A grid sample waits this long for key motion or events that belong to it."""
    missing_s: float = 1.0
    """Without motion, events or heartbeats for this long, the keys are flagged missing."""

    @property
    def wait_ns(self) -> int:
        """The wait in nanoseconds."""
        return round(self.wait_s * NS_PER_S)

    @property
    def missing_ns(self) -> int:
        """The longest silence in nanoseconds."""
        return round(self.missing_s * NS_PER_S)


@dataclass
class MotionStream:
    """Sensed key depth: chunks of samples, read by straight lines between samples."""

    keys: int
    first_note: int
    rules: KeyRules
    refused: int = 0
    _chunks: deque[tuple[int, KeyMotionChunk]] = field(default_factory=deque)

    def push(self, chunk: KeyMotionChunk) -> bool:
        """Take a chunk in; False when its shape, numbers or time are impossible."""
        depth = chunk.depth
        fits = depth.ndim == 2 and depth.shape == (len(depth), self.keys) and len(depth) > 0
        if not fits or not chunk.rate_hz > 0 or chunk.first_note != self.first_note or not np.isfinite(depth).all():
            self.refused += 1
            return False
        if self._chunks and chunk.stamp_ns <= self._chunks[-1][1].stamp_ns:
            self.refused += 1
            return False
        self._chunks.append((_end_ns(chunk), chunk))
        while self._chunks[-1][0] - self._chunks[0][0] > KEPT_MOTION_S * NS_PER_S:
            self._chunks.popleft()
        return True

    def newest_ns(self) -> int | None:
        """Instant of the newest sample."""
        return self._chunks[-1][0] if self._chunks else None

    def read(self, stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Depth (n, keys) and flags (n,) at increasing instants."""
        start_ns = int(stamps_ns[0])
        used = [c for end, c in self._chunks if end >= start_ns - self.rules.missing_ns]
        flags = np.zeros(len(stamps_ns), np.uint8)
        if not used:
            flags[:] = Flag.KEYS_MISSING
            return np.full((len(stamps_ns), self.keys), -1, np.float32), flags
        before = max((i for i, c in enumerate(used) if c.stamp_ns <= start_ns), default=0)
        used = used[before:]
        depth = np.concatenate([c.depth for c in used])
        knots = np.concatenate([_stamps(c) for c in used])
        position = np.interp(stamps_ns, knots, np.arange(len(knots)))
        low = np.minimum(position.astype(np.int64), len(knots) - 1)
        high = np.minimum(low + 1, len(knots) - 1)
        weight = (position - low).astype(np.float32)[:, None]
        out = depth[low] * (1 - weight) + depth[high] * weight
        late = np.diff(knots, append=knots[-1])[low] > LONGEST_STEP * NS_PER_S / used[-1].rate_hz
        flags[late | (stamps_ns > knots[-1])] |= Flag.HELD
        flags[stamps_ns > knots[-1] + self.rules.missing_ns] |= Flag.KEYS_MISSING
        return out, flags

    def reset(self) -> None:
        """Forget every chunk."""
        self._chunks.clear()


class KeyStream:
    """Key depth from whichever the piano gives: sensed depth first, else note events.

    Note events have no heartbeat of their own: an instant is complete when an event or heartbeat
    after it has come, or when it has been waited for. An event later than that takes effect at the
    next instant that is read.
    """

    def __init__(self, keys: int, first_note: int, rules: KeyRules) -> None:
        """Start without any knowledge of the keys."""
        self.rules = rules
        self.motion = MotionStream(keys, first_note, rules)
        self._from_notes = KeyDepthFromNotes(first_note=first_note, keys=keys)
        self._waiting: list[KeyEvent] = []
        self._newest_event_ns: int | None = None
        self._read_until_ns: int | None = None
        self.late = 0
        self.refused = 0

    def push_event(self, event: KeyEvent) -> bool:
        """Take an event in; False when too many wait already."""
        self._newest_event_ns = max(event.stamp_ns, self._newest_event_ns or event.stamp_ns)
        if event.kind is KeyEventKind.HEARTBEAT:
            return True
        if len(self._waiting) >= MOST_WAITING_EVENTS:
            self.refused += 1
            return False
        insort(self._waiting, event, key=lambda waiting: (waiting.stamp_ns, waiting.index))
        return True

    def push_motion(self, chunk: KeyMotionChunk) -> bool:
        """Take sensed key depth in; False when it is impossible."""
        return self.motion.push(chunk)

    def ready_until(self, now_ns: int) -> int:
        """Instant up to which the keys are settled: known, or waited for long enough."""
        waited = now_ns - self.rules.wait_ns
        known = self.motion.newest_ns() if self._senses(waited) else self._newest_event_ns
        return waited if known is None else max(known, waited)

    def read(self, stamps_ns: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Depth (n, keys) and flags (n,) at increasing instants, each read only once."""
        from_notes = self._read_notes(stamps_ns)
        if self._senses(int(stamps_ns[0])):
            return self.motion.read(stamps_ns)
        flags = np.zeros(len(stamps_ns), np.uint8)
        newest = self._newest_event_ns
        if newest is None:
            flags[:] = Flag.KEYS_MISSING
        else:
            flags[stamps_ns > newest + self.rules.missing_ns] |= Flag.KEYS_MISSING
        return from_notes, flags

    def reset(self) -> None:
        """Forget everything."""
        self.motion.reset()
        self._from_notes.reset()
        self._waiting.clear()
        self._newest_event_ns = None
        self._read_until_ns = None

    def _read_notes(self, stamps_ns: NDArray[np.int64]) -> NDArray[np.float32]:
        """Play the events into the depth curves in their turn, reading in between."""
        rows = []
        done = 0
        while self._waiting and self._waiting[0].stamp_ns <= stamps_ns[-1]:
            event = self._waiting.pop(0)
            if self._read_until_ns is not None and event.stamp_ns <= self._read_until_ns:
                self.late += 1
                event = replace(event, stamp_ns=self._read_until_ns + 1)
            upto = int(np.searchsorted(stamps_ns, event.stamp_ns))
            if upto > done:
                rows.append(self._from_notes.sample(stamps_ns[done:upto]))
                self._read_until_ns = int(stamps_ns[upto - 1])
                done = upto
            self._from_notes.push(event)
        if done < len(stamps_ns):
            rows.append(self._from_notes.sample(stamps_ns[done:]))
        self._read_until_ns = int(stamps_ns[-1])
        return rows[0] if len(rows) == 1 else np.concatenate(rows)

    def _senses(self, at_ns: int) -> bool:
        newest = self.motion.newest_ns()
        return newest is not None and newest >= at_ns - self.rules.missing_ns


def _stamps(chunk: KeyMotionChunk) -> NDArray[np.int64]:
    steps = np.arange(len(chunk.depth)) * (NS_PER_S / chunk.rate_hz)
    return chunk.stamp_ns + np.rint(steps).astype(np.int64)


def _end_ns(chunk: KeyMotionChunk) -> int:
    return chunk.stamp_ns + round((len(chunk.depth) - 1) * NS_PER_S / chunk.rate_hz)
