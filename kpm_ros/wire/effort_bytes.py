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

"""MuscleEffort as bytes: at 2000 a second, building message objects would cost half a core.

The layout is that of the message in CDR, little-endian, as every ROS 2 middleware writes it on the
machines this runs on.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import FlagBits
from kpm_ros.core.grid import NS_PER_S

_HEADER = b"\x00\x01\x00\x00"
_NO_FRAME_ID = b"\x01\x00\x00\x00"
"""Length of the empty string, which ends in a zero."""
_DIGEST, _FIXED = 28, 44
"""Where the digest is, and where the values begin."""


@lru_cache(maxsize=16)
def _layout(muscles: int) -> np.dtype:
    return np.dtype(
        [
            ("encapsulation", "V4"),
            ("sec", "<i4"),
            ("nanosec", "<u4"),
            ("frame_id_length", "<u4"),
            ("frame_id", "V4"),
            ("index", "<u8"),
            ("info_digest", "<u8"),
            ("flags", "<u2"),
            ("padding", "V2"),
            ("muscles", "<u4"),
            ("effort", "<f4", (muscles,)),
        ]
    )


class EffortEncoder:
    """Writes effort samples as serialised MuscleEffort messages."""

    def __init__(self, muscles: int, info_digest: int) -> None:
        """Prepare what all samples of a stream have in common."""
        self._layout = _layout(muscles)
        self._blank = np.zeros(1, self._layout)
        self._blank["encapsulation"] = np.frombuffer(_HEADER, "V4")
        self._blank["frame_id_length"] = 1
        self._blank["info_digest"] = info_digest
        self._blank["muscles"] = muscles

    def encode(
        self,
        stamps_ns: NDArray[np.int64],
        first_index: int,
        flags: NDArray[FlagBits],
        effort: NDArray[np.float32],
    ) -> list[bytes]:
        """One serialised message a sample."""
        rows = np.repeat(self._blank, len(stamps_ns))
        rows["sec"], rows["nanosec"] = np.divmod(stamps_ns, NS_PER_S)
        rows["index"] = np.arange(first_index, first_index + len(rows), dtype=np.uint64)
        rows["flags"] = flags
        rows["effort"] = effort
        data = rows.tobytes()
        size = self._layout.itemsize
        return [data[at : at + size] for at in range(0, len(data), size)]


@dataclass(frozen=True, slots=True)
class DecodedEffort:
    """Consecutive messages as arrays."""

    stamps_ns: NDArray[np.int64]
    index: NDArray[np.uint64]
    flags: NDArray[FlagBits]
    effort: NDArray[np.float32]
    """(samples, muscles)"""


def decode_efforts(messages: Sequence[bytes], muscles: int) -> DecodedEffort:
    """Read messages of this many muscles that are laid out as our encoder does."""
    rows = np.frombuffer(b"".join(messages), _layout(muscles))
    return DecodedEffort(
        rows["sec"].astype(np.int64) * NS_PER_S + rows["nanosec"],
        rows["index"].copy(),
        rows["flags"].copy(),
        rows["effort"].copy(),
    )


def info_digest_of(plain: bytes) -> int:
    """Read which info a message in our layout belongs to."""
    return int.from_bytes(plain[_DIGEST : _DIGEST + 8], "little")


def muscles_of(plain: bytes) -> int:
    """Read how many muscles a message in our layout has."""
    return (len(plain) - _FIXED) // 4


def is_plain_effort(message: bytes) -> bool:
    """Whether it is laid out as our encoder does: little-endian, without a frame id."""
    if len(message) < _FIXED or message[:2] != _HEADER[:2] or message[12:16] != _NO_FRAME_ID:
        return False
    return len(message) == _FIXED + 4 * int.from_bytes(message[_FIXED - 4 : _FIXED], "little")


def rewritten_effort(read: Any) -> bytes:
    """Write a MuscleEffort message, as another publisher laid it out, in our layout."""
    stamp = read.header.stamp
    fixed = _HEADER + struct.pack(
        "<iI4s4xQQH2xI",
        stamp.sec,
        stamp.nanosec,
        _NO_FRAME_ID,
        read.index,
        read.info_digest,
        read.flags,
        len(read.effort),
    )
    return fixed + np.array(read.effort, "<f4").tobytes()
