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

"""Whether hands are like those that the model was trained on, by what the model is told of them.

In metres a hand has a size. In pictures of cameras that nobody registered it has a place and an
extent, which say whether the camera stands about where those of the training stood.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.align.hand_measures import (
    MOMENT_S,
    MOMENTS,
    measured,
    measures_of,
    on_card,
    strange_hand,
)
from kpm_ros.align.raised_flag import RaisedFlag
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.streams import Landmarks, Streams

MOMENT_NS = round(MOMENT_S * NS_PER_S)


class _Watched:
    """One stream of a hand, and what was measured of it lately."""

    def __init__(self, stream: Landmarks, streams: Streams) -> None:
        self.stream = stream
        self.columns = streams.columns[stream.name]
        self.absent = np.uint32(1 << streams.names.index(stream.name))
        self.numbers: deque[NDArray[np.floating]] = deque(maxlen=MOMENTS)
        self.strange = RaisedFlag(Flag.STRANGE_ROOM)


class HandWatch:
    """Measures hands on the grid at regular instants, and says from each on what is strange.

    What is said follows from the grid's values alone, however many are handed over at a time.
    """

    def __init__(self, streams: Streams, familiar: Mapping[str, Sequence[float]]) -> None:
        """Know the range of each measure in training; what it does not name is not judged."""
        self._familiar = familiar
        self._watched = [
            _Watched(stream, streams)
            for stream in streams.landmarks
            if any(on_card(stream, name) in familiar for name in measures_of(stream))
        ]
        self._next_ns: int | None = None

    @property
    def trouble(self) -> str:
        """What is strange about a hand, in a sentence; empty = nothing."""
        return next((one.strange.text for one in self._watched if one.strange.raised), "")

    def look(
        self,
        stamps_ns: NDArray[np.int64],
        values: NDArray[np.float32],
        missing: NDArray[np.uint32],
        flags: NDArray[FlagBits],
    ) -> None:
        """Take in the grid's next samples, and put what is said of each into its flags."""
        if not self._watched:
            return
        if self._next_ns is None:
            self._next_ns = -(-int(stamps_ns[0]) // MOMENT_NS) * MOMENT_NS
        self._say(flags)
        while self._next_ns <= stamps_ns[-1]:
            at = int(np.searchsorted(stamps_ns, self._next_ns))
            self._next_ns = (int(stamps_ns[at]) // MOMENT_NS + 1) * MOMENT_NS
            for one in self._watched:
                if not missing[at] & one.absent:
                    self._judge(one, values[at : at + 1, one.columns])
            self._say(flags[at:])

    def reset(self) -> None:
        """Forget the hands; what follows from them stays until others say otherwise."""
        for one in self._watched:
            one.numbers.clear()
        self._next_ns = None

    def _judge(self, one: _Watched, row: NDArray[np.float32]) -> None:
        one.numbers.append(measured(one.stream, row)[0])
        if len(one.numbers) == MOMENTS:
            said = strange_hand(one.stream, np.median(one.numbers, axis=0), self._familiar)
            one.strange.note(said, sure=False, well=not said)

    def _say(self, flags: NDArray[FlagBits]) -> None:
        if self.trouble:
            flags |= FlagBits(Flag.UNFAMILIAR | Flag.STRANGE_ROOM)
