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

"""How large a compressed picture will be, told by its first bytes before it is decoded."""

from __future__ import annotations

import struct
from collections.abc import Callable

LARGEST = 16384
"""No camera's picture is wider or higher."""
MOST_PIXELS = 36_000_000
"""Nor has it more of them than those of 8K: they take 108 MB as RGB, more than once."""


class PictureError(ValueError):
    """A picture that cannot be what its description says."""


def check_size(data: bytes | memoryview) -> None:
    """Refuse a picture that is none that we know, or would take too much memory."""
    head = memoryview(data)
    try:
        size = next((find(head) for begins, find in _KINDS if begins(head)), None)
    except (struct.error, IndexError):
        size = None
    if size is None:
        raise PictureError(
            f"{len(head)} bytes are no picture that can be read: PNG, JPEG, BMP, TIFF and WebP can"
        )
    check_pixels(*size)


def check_pixels(width: int, height: int) -> None:
    """Refuse sizes that no camera gives."""
    if not (0 < width <= LARGEST and 0 < height <= LARGEST and width * height <= MOST_PIXELS):
        raise PictureError(f"the picture is {width}x{height}, which no camera gives")


Size = tuple[int, int]
_TILES = (322, 323)
"""Width and height of the tiles of a TIFF that has them."""


def _png(head: memoryview) -> Size | None:
    """Look through all its parts: room is made for what they say they have."""
    at, kind = 8, b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", head, at)
        kind = bytes(head[at + 4 : at + 8])
        at += 12 + length
        if at > len(head):
            return None
    width, height = struct.unpack_from(">II", head, 16)
    return width, height


def _bmp(head: memoryview) -> Size:
    (length,) = struct.unpack_from("<I", head, 14)
    width, height = struct.unpack_from("<HH" if length == 12 else "<ii", head, 18)
    return abs(width), abs(height)


def _jpeg(head: memoryview) -> Size | None:
    """Look for the frame's header among the segments before it."""
    at = 2
    while at + 9 <= len(head):
        if head[at] != 0xFF:
            return None
        kind = head[at + 1]
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        if kind == 0xFF:
            at += 1
        elif kind == 0x01 or 0xD0 <= kind <= 0xD8:
            at += 2
        elif kind in (0xD9, 0xDA):
            return None
        else:
            at += 2 + max(2, struct.unpack_from(">H", head, at + 2)[0])
    return None


_VP8L_SIZE_AT = 21
"""Behind the chunk's header and a byte of signature."""


def _webp(head: memoryview) -> Size | None:
    kind = bytes(head[12:16])
    if kind == b"VP8X":
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        return width, height
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, _VP8L_SIZE_AT)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _tiff(head: memoryview) -> Size | None:
    order = "<" if bytes(head[:2]) == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", head, 4)
    (entries,) = struct.unpack_from(order + "H", head, at)
    sizes = {}
    for entry in range(entries):
        tag, kind = struct.unpack_from(order + "HH", head, at + 2 + 12 * entry)
        if tag in (256, 257, *_TILES):
            code = "H" if kind == 3 else "I"
            (sizes[tag],) = struct.unpack_from(order + code, head, at + 10 + 12 * entry)
    if any(sizes.get(tag, 0) > LARGEST for tag in _TILES):
        return None
    return (sizes[256], sizes[257]) if {256, 257} <= sizes.keys() else None


_KINDS: tuple[tuple[Callable[[memoryview], bool], Callable[[memoryview], Size | None]], ...] = (
    (lambda head: bytes(head[:8]) == b"\x89PNG\r\n\x1a\n", _png),
    (lambda head: bytes(head[:3]) == b"\xff\xd8\xff", _jpeg),
    (lambda head: bytes(head[:2]) == b"BM", _bmp),
    (lambda head: bytes(head[:4]) in (b"II*\x00", b"MM\x00*"), _tiff),
    (lambda head: bytes(head[:4]) == b"RIFF" and bytes(head[8:12]) == b"WEBP", _webp),
)
