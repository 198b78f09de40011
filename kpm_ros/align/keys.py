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

"""The piano's keys on the grid, from whichever the piano gives: sensed depth or notes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.arrivals import NEVER_NS, Outcome
from kpm_ros.align.notes import NoteStream
from kpm_ros.align.regularity import Regularity
from kpm_ros.align.sampled import SampledStream
from kpm_ros.core.flags import KEYS_LATE, Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.core.streams import KEY_NOT_SENSED, PianoKeys
from kpm_ros.sense.samples import KeyEvent, KeyEventKind, KeyMotionChunk

DEEPEST = 2.0
"""Depth that no sensed key can have."""


@dataclass(frozen=True)
class KeyRules(CheckedSettings):
    """How long the keys are waited for and how long their silence is believed."""

    wait_s: float = setting(
        0.02, "how long a sample waits for key motion or events", least=0.0, most=1.0
    )
    fresh_s: float = setting(
        0.1,
        "sensed key motion older than this gives way to notes, and is not joined to what follows",
        least=0.001,
        most=10.0,
    )
    late_s: float = setting(
        0.03,
        "a piano that sends key motion, or heartbeats, regularly is late once it is silent for "
        "longer, or for 1.5 of its usual gaps if that is more",
        least=0.001,
        most=10.0,
    )
    longest_hold_s: float = setting(
        30.0,
        "a note held for so long is given up: its end was lost, by the piano or on the way",
        least=0.1,
        most=3600.0,
    )
    missing_s: float = setting(
        1.0, "keys that are silent for longer are missing", least=0.01, most=3600.0
    )


class KeyStream:
    """Key depth from sensed motion where that is fresh, else from notes.

    Motion that stops is held, and flagged, until it is `fresh_s` old; then notes are used while
    anything is heard of them. Without notes it is held on until it is `missing_s` old; then, and
    before anything was heard at all, the keys are flagged missing and read as not sensed.

    A piano that used to tell of itself regularly, and is silent, is late (`KEYS_LATE`) long before
    that, also while notes are used of which nothing was heard since.
    """

    def __init__(self, keys: PianoKeys, rules: KeyRules) -> None:
        """Start without any knowledge of the keys."""
        self.wait_ns = wait_ns = round(rules.wait_s * NS_PER_S)
        """How long a grid sample waits for the keys."""
        self._described = keys
        self._fresh_ns = round(rules.fresh_s * NS_PER_S)
        self._missing_ns = round(rules.missing_s * NS_PER_S)
        self._motion = SampledStream(wait_ns, self._fresh_ns)
        self._notes = NoteStream(keys.count, keys.first_note, wait_ns, rules.longest_hold_s)
        self._notes_settled_ns = NEVER_NS
        late_ns = round(rules.late_s * NS_PER_S)
        self._chunks, self._beats = Regularity(late_ns, wait_ns), Regularity(late_ns, wait_ns)

    @property
    def known_ns(self) -> int:
        """Instant up to which motion, not only the wait, has settled the keys."""
        return self._motion.known_ns

    @property
    def dropped(self) -> int:
        """Samples of motion given up because more came than are kept."""
        return self._motion.dropped

    @property
    def stuck_notes(self) -> int:
        """Notes given up because their end never came."""
        return self._notes.stuck

    def push_event(self, event: KeyEvent, received_ns: int) -> Outcome:
        """Take a note, pedal or heartbeat in."""
        outcome = self._notes.push(event, received_ns)
        if event.kind is KeyEventKind.HEARTBEAT and outcome is not Outcome.REFUSED:
            self._beats.add(event.stamp_ns, received_ns)
        return outcome

    def push_motion(self, chunk: KeyMotionChunk, received_ns: int) -> Outcome:
        """Take sensed key depth in; impossible depths, or none of our keys, are refused.

        Keys that the piano does not have, or does not sense, read -1.
        """
        depth, ours = chunk.depth, self._described
        if depth.ndim != 2 or not depth.size:
            return Outcome.REFUSED
        offset = chunk.first_note - ours.first_note
        low, high = max(0, offset), min(ours.count, offset + depth.shape[1])
        if low >= high or not ((depth >= KEY_NOT_SENSED) & (depth <= DEEPEST)).all():
            return Outcome.REFUSED
        if offset or depth.shape[1] != ours.count:
            placed = np.full((len(depth), ours.count), KEY_NOT_SENSED, np.float32)
            placed[:, low:high] = depth[:, low - offset : high - offset]
            depth = placed
        outcome = self._motion.push(
            depth, chunk.stamp_ns, chunk.first_index, chunk.rate_hz, received_ns
        )
        if outcome is not Outcome.REFUSED:
            self._chunks.add(chunk.stamp_ns, received_ns)
        return outcome

    def settled_until(self, now_ns: int) -> int:
        """Newest instant whose depth nothing to come can change any more."""
        self._notes_settled_ns = self._notes.settled_until(now_ns)
        return self._motion.settled_until(now_ns)

    def read(self, stamps_ns: NDArray[np.int64], values: NDArray[np.float32]) -> NDArray[FlagBits]:
        """Fill in depth (n, keys) at increasing, settled instants, each read only once."""
        values[:] = KEY_NOT_SENSED
        flags, age_ns = self._motion.read(stamps_ns, values)
        unsensed, late = age_ns > self._fresh_ns, age_ns > self._chunks.late_ns(stamps_ns)
        flags[late & ~unsensed] |= KEYS_LATE
        if not unsensed.any():
            # Motion may be settled where notes are not yet: what is not needed is not read there.
            self._notes.catch_up(min(self._notes_settled_ns, int(stamps_ns[-1])))
            return flags
        from_notes, silent_ns = self._notes.read(stamps_ns[unsensed])
        heard = silent_ns <= self._missing_ns
        missing = ~heard & (age_ns[unsensed] > self._missing_ns)
        late = late[unsensed] & (silent_ns >= age_ns[unsensed])
        late |= silent_ns > self._beats.late_ns(stamps_ns[unsensed])
        filled, filled_flags = values[unsensed], flags[unsensed]
        filled[heard], filled_flags[heard] = from_notes[heard], 0
        filled_flags[late] |= KEYS_LATE
        filled[missing], filled_flags[missing] = KEY_NOT_SENSED, Flag.CHANNELS_MISSING
        values[unsensed], flags[unsensed] = filled, filled_flags
        return flags

    def reset(self) -> None:
        """Forget everything."""
        self._motion.reset()
        self._notes.reset()
        self._notes_settled_ns = NEVER_NS
        self._chunks.clear()
        self._beats.clear()
