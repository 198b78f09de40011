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

"""How much a bag may ask for, and what was compressed within it, given back within that."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO

import lz4.frame
import zstandard

from kpm_ros.core.foreign_files import MB, ForeignFileError


class DamagedError(ForeignFileError):
    """Bytes that are not what they should be, as where a killed recorder left off."""


MOST_BYTES = 1 << 62
"""Bags may be of any size: they are never read whole."""
MOST_TOPICS = 10_000
MOST_DEFINITION = 100_000
"""Characters of one type's definition."""
MOST_DECODED = 32 * MB
"""Bytes of a message that is decoded; in Python's objects it may be a hundred times as large."""
MOST_CHUNK = 256 * MB
"""Bytes of one message, or of one chunk of messages, decompressed."""
MOST_WAITING = 768 * MB
"""Memory of messages that are read but not in order yet."""
MOST_RATIO = 1000
"""Times by which a chunk of over `FREE` may have been compressed; recordings reach a hundred."""
FREE = 16 * MB

_WINDOW = 128 * MB
_FILE_RATIO = 100
_FREE_FILE = 64 * MB


def decompressed(data: bytes | memoryview, method: str, size: int | None = None) -> bytes:
    """Undo the compression of a chunk or a message; `size` is what the file says of it."""
    most = min(MOST_CHUNK, max(FREE, MOST_RATIO * len(data)))
    if size is not None and size > most:
        raise ForeignFileError(_too_much(len(data), size))
    raw = _undone(data, method, (most if size is None else size) + 1)
    if len(raw) > most:
        raise ForeignFileError(_too_much(len(data), len(raw)))
    if size is not None and len(raw) != size:
        raise DamagedError(f"a chunk of {size} bytes holds another number of them")
    return raw


def _undone(data: bytes | memoryview, method: str, most: int) -> bytes:
    """Give no more than so many bytes."""
    if method == "":
        return bytes(data[:most])
    try:
        if method == "zstd":
            unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            with unpacker.stream_reader(data, read_across_frames=True) as stream:
                return stream.read(most)
        if method == "lz4":
            return bytes(lz4.frame.LZ4FrameDecompressor().decompress(data, max_length=most))
    except (zstandard.ZstdError, RuntimeError) as error:
        raise DamagedError(f"what was compressed by {method} is damaged: {error}") from error
    raise ForeignFileError(f"it is compressed by {method!r}, but only zstd and lz4 are known")


def _too_much(packed: int, unpacked: int) -> str:
    return (
        f"{packed} bytes would become {unpacked / MB:.0f} MB or more, where no recording has been "
        "compressed by so much"
    )


def unpack_file(source: BinaryIO, target: Path, packed: int) -> None:
    """Undo the compression of a whole file into another one."""
    most = min(max(_FREE_FILE, _FILE_RATIO * packed), room_for_copies())
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
    written = 0
    with (
        target.open("wb") as file,
        unpacker.stream_reader(source, read_across_frames=True) as stream,
    ):
        while part := stream.read(1 << 20):
            written += len(part)
            if written > most:
                raise ForeignFileError(
                    f"its {packed / MB:.1f} MB would become more than {most / MB:.0f} MB, the "
                    "most that such a file may take here"
                )
            file.write(part)


def room_for_copies() -> int:
    """Bytes that copies of a bag's files may take of the disk for temporary files."""
    return shutil.disk_usage(tempfile.gettempdir()).free // 2
