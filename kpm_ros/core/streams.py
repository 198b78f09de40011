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
"""What a model, a recording or a pipeline is given: a list of streams of any kinds and rates.

Streams of one `sense` belong together: a model takes them in by one branch, and where one of them
is missing the sense is. Side by side, in the order of the list, they make the columns of a row on
the grid.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from kpm_ros.core.stream_kinds import (
    IMAGE,
    JOINED,
    KEY_NOT_SENSED,
    KEYBOARD,
    KEYS,
    METRIC,
    NEWEST,
    POSE,
    Channels,
    Landmarks,
    PianoKeys,
    Stream,
    StreamError,
)
from kpm_ros.core.stream_reading import check_stream, read_stream

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "IMAGE",
    "JOINED",
    "KEYBOARD",
    "KEYS",
    "KEY_NOT_SENSED",
    "METRIC",
    "NEWEST",
    "POSE",
    "Channels",
    "Landmarks",
    "PianoKeys",
    "Stream",
    "StreamError",
    "Streams",
]

MOST_STREAMS = 32
"""As many as there are bits that say of a sample which of them are missing."""
MOST_COLUMNS = 8192


@dataclass(frozen=True)
class Streams(Sequence[Stream]):
    """A checked list of streams, and where each lies in a row of the grid.

    >>> from kpm_ros.core.skeletons import find_skeleton
    >>> hand = find_skeleton("mediapipe-hand")
    >>> streams = Streams((Landmarks("top", hand), Landmarks("right", hand), PianoKeys()))
    >>> streams.width, streams.columns["keys"], streams.senses["pose"]
    (172, slice(84, 172, None), slice(0, 84, None))
    """

    listed: tuple[Stream, ...] = ()
    columns: Mapping[str, slice] = field(init=False, repr=False, compare=False)
    """Where each stream's columns are."""
    senses: Mapping[str, slice] = field(init=False, repr=False, compare=False)
    """Where each sense's columns are, in the order of the list."""

    def __post_init__(self) -> None:
        """Check the list, and lay it out."""
        _check(self.listed)
        columns: dict[str, slice] = {}
        senses: dict[str, slice] = {}
        start = 0
        for stream in self.listed:
            columns[stream.name] = slice(start, start + stream.width)
            before = senses.get(stream.sense)
            senses[stream.sense] = slice(
                start if before is None else before.start, start + stream.width
            )
            start += stream.width
        object.__setattr__(self, "columns", columns)
        object.__setattr__(self, "senses", senses)

    def __len__(self) -> int:
        """Number of streams."""
        return len(self.listed)

    def __getitem__(self, place: Any) -> Any:
        """Stream in a place of the list, or named so."""
        if isinstance(place, str):
            return self.listed[self.names.index(place)]
        return self.listed[place]

    @cached_property
    def width(self) -> int:
        """Columns of all streams."""
        return sum(stream.width for stream in self.listed)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the streams."""
        return tuple(stream.name for stream in self.listed)

    @property
    def landmarks(self) -> tuple[Landmarks, ...]:
        """The streams that are camera views."""
        return tuple(s for s in self.listed if isinstance(s, Landmarks))

    @property
    def keys(self) -> PianoKeys | None:
        """The piano, if there is one."""
        return next((s for s in self.listed if isinstance(s, PianoKeys)), None)

    @property
    def views(self) -> tuple[str, ...]:
        """Names of the camera views."""
        return tuple(dict.fromkeys(stream.view for stream in self.landmarks))

    def of_sense(self, sense: str) -> tuple[Stream, ...]:
        """List the streams of one sense."""
        return tuple(stream for stream in self.listed if stream.sense == sense)

    def bits(self, sense: str) -> int:
        """Bits of a sample's `missing` that belong to the streams of a sense."""
        return sum(1 << k for k, stream in enumerate(self.listed) if stream.sense == sense)

    @cached_property
    def missing_row(self) -> NDArray[np.float32]:
        """What a row holds of which nothing is known."""
        import numpy as np

        row = np.zeros(self.width, np.float32)
        for stream in self.listed:
            row[self.columns[stream.name]] = stream.missing
        return row

    def as_plain(self) -> list[dict[str, Any]]:
        """Write the list with plain values."""
        return [stream.as_plain() for stream in self.listed]

    @classmethod
    def from_plain(cls, value: Any, source: str) -> Streams:
        """Read what `as_plain` wrote; a StreamError says what is wrong with it."""
        if not isinstance(value, list) or len(value) > MOST_STREAMS:
            raise StreamError(f"{source} must list at most {MOST_STREAMS} streams")
        return cls(tuple(read_stream(entry, source) for entry in value))


def _check(streams: Sequence[Stream]) -> None:
    if len(streams) > MOST_STREAMS:
        raise StreamError(f"there are {len(streams)} streams, but at most {MOST_STREAMS} can be")
    seen: list[str] = []
    names: set[str] = set()
    for stream in streams:
        check_stream(stream)
        if stream.name in names:
            raise StreamError(f"there are two streams named {stream.name!r}")
        names.add(stream.name)
        if stream.sense in seen[:-1]:
            raise StreamError(
                f"the streams of the sense {stream.sense!r} must follow each other in the list"
            )
        if not seen or seen[-1] != stream.sense:
            seen.append(stream.sense)
    if sum(isinstance(stream, PianoKeys) for stream in streams) > 1:
        raise StreamError("there are two pianos' keys, but only one can be")
    width = sum(stream.width for stream in streams)
    if width > MOST_COLUMNS:
        raise StreamError(f"the streams have {width} columns, but at most {MOST_COLUMNS} can be")
