"""MuscleEffort as bytes: at 2000 a second, building message objects would cost half a core.

The layout is that of the message in CDR, little-endian, as every ROS 2 middleware writes it on the
machines this runs on. `test/nodes/test_effort_wire.py` holds it against rclpy's own serialisation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from rclpy.serialization import deserialize_message, serialize_message

from kpm_ros.align.grid import NS_PER_S
from kpm_ros.msg import MuscleEffort

_HEADER = b"\x00\x01\x00\x00"


@cache
def _layout(muscles: int) -> np.dtype:
    return np.dtype(
        [
            ("encapsulation", "V4"),
            ("sec", "<i4"),
            ("nanosec", "<u4"),
            ("frame_id_length", "<u4"),
            ("frame_id", "V4"),
            ("index", "<u8"),
            ("flags", "u1"),
            ("padding", "V3"),
            ("muscles", "<u4"),
            ("effort", "<f4", (muscles,)),
        ]
    )


class EffortEncoder:
    """Writes effort samples as serialised MuscleEffort messages."""

    def __init__(self, muscles: int) -> None:
        """Check once that our layout is this middleware's."""
        self._layout = _layout(muscles)
        self._blank = np.zeros(1, self._layout)
        self._blank["encapsulation"] = np.frombuffer(_HEADER, "V4")
        self._blank["frame_id_length"] = 1
        self._blank["muscles"] = muscles
        self._prove(muscles)

    def _prove(self, muscles: int) -> None:
        """Have the middleware read what we write; it must find what we meant."""
        stamp = np.array([5 * NS_PER_S + 11])
        effort = np.arange(muscles, dtype=np.float32)[None] / 8
        [ours] = self.encode(stamp, 7, np.array([3], np.uint8), effort)
        meant = MuscleEffort(index=7, flags=3, effort=effort[0].tolist())
        meant.header.stamp.sec, meant.header.stamp.nanosec = 5, 11
        size = len(serialize_message(meant))
        if len(ours) != size or deserialize_message(ours, MuscleEffort) != meant:
            raise RuntimeError("this middleware does not write MuscleEffort as little-endian CDR")

    def encode(
        self,
        stamps_ns: NDArray[np.int64],
        first_index: int,
        flags: NDArray[np.uint8],
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
    flags: NDArray[np.uint8]
    effort: NDArray[np.float32]
    """(samples, muscles)"""
    kept: list[int]
    """Which of the messages these are: those with another number of muscles are left out."""


def decode_efforts(messages: Sequence[bytes], muscles: int) -> DecodedEffort:
    """Read serialised messages of this many muscles."""
    layout = _layout(muscles)
    kept, plain = [], []
    for position, message in enumerate(messages):
        usable = message if _is_plain(message, layout.itemsize) else _rewritten(message, muscles)
        if usable is not None:
            kept.append(position)
            plain.append(usable)
    rows = np.frombuffer(b"".join(plain), layout)
    return DecodedEffort(
        rows["sec"].astype(np.int64) * NS_PER_S + rows["nanosec"],
        rows["index"].copy(),
        rows["flags"].copy(),
        rows["effort"].copy(),
        kept,
    )


def _is_plain(message: bytes, size: int) -> bool:
    """Whether it is laid out as our encoder does: little-endian, without a frame id."""
    return len(message) == size and message[1] == 1 and message[12:16] == b"\x01\x00\x00\x00"


def _rewritten(data: bytes, muscles: int) -> bytes | None:
    """Bring another publisher's message into our layout; None when its muscles do not fit."""
    message = deserialize_message(data, MuscleEffort)
    if len(message.effort) != muscles:
        return None
    stamp_ns = message.header.stamp.sec * NS_PER_S + message.header.stamp.nanosec
    effort = np.array([message.effort], np.float32)
    flags = np.array([message.flags], np.uint8)
    return EffortEncoder(muscles).encode(np.array([stamp_ns]), message.index, flags, effort)[0]
