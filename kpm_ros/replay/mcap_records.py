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

"""The records that an mcap file is made of, in bytes that may be cut short or damaged."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from io import BytesIO

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode

from kpm_ros.replay.bag_file import LATEST_NS
from kpm_ros.replay.bag_limits import DamagedError, decompressed

HEAD = struct.Struct("<BQ")
"""Kind and length of a record."""

MESSAGE = struct.Struct("<HIQQ")

CHUNK = struct.Struct("<QQQII")


def records(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield kind and content of the records in these bytes."""
    at, end = 0, len(data)
    while at < end:
        if end - at < HEAD.size:
            raise DamagedError("it is cut short within a record")
        kind, length = HEAD.unpack_from(data, at)
        at += HEAD.size
        if length > end - at or (kind == Opcode.MESSAGE and length < MESSAGE.size):
            raise DamagedError("it is cut short within a record")
        yield kind, data[at : at + length]
        at += length


def unpacked(chunk: memoryview) -> bytes:
    """Records of a chunk."""
    try:
        _, _, size, checksum, named = CHUNK.unpack_from(chunk)
        method = bytes(chunk[CHUNK.size : CHUNK.size + named]).decode()
        at = CHUNK.size + named
        (packed,) = struct.unpack_from("<Q", chunk, at)
    except (struct.error, UnicodeDecodeError):
        raise DamagedError("a chunk is cut short") from None
    raw = decompressed(chunk[at + 8 : at + 8 + packed], method, size)
    if checksum and zlib.crc32(raw) != checksum:
        raise DamagedError("a chunk is not what its checksum says")
    return raw


def checked_stamp(stamp_ns: int) -> int:
    """Give a time of a message that can be."""
    if stamp_ns > LATEST_NS:
        raise DamagedError(f"a message is stamped {stamp_ns} ns, beyond all time")
    return stamp_ns


def stream(body: memoryview) -> ReadDataStream:
    """Give a record's content as the library reads it."""
    return ReadDataStream(BytesIO(body))
