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

"""What a stream of effort says of itself, and the number by which each sample says whose it is.

The number is EffortInfo's `digest`: the first 8 bytes, as a little-endian whole number, of the
SHA-256 of all its fields but header and digest, in their order. A number is written in 8 bytes
(little-endian, whole or IEEE 754), a string as its length in 4 bytes and its UTF-8, a list as its
length in 4 bytes and its items.
"""

from __future__ import annotations

import hashlib
import os
import struct
from types import SimpleNamespace
from typing import Any

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.streams import Landmarks
from kpm_ros.models.card import ModelCard

FIELDS = (
    "stream",
    "muscles",
    "unit",
    "rate_hz",
    "model",
    "model_sha256",
    "trained_on",
    "streams",
    "skeletons",
    "native_rate_hz",
    "lookahead_s",
)
"""What the digest covers."""

NOT_LIVE = 0
"""Stream number of effort that was computed from a recording."""

MOST_MUSCLES = 1000
LONGEST_NAME = 100
LARGEST_BYTES = 1 << 18
"""No info needs to be larger than this as a message."""


class UnusableInfoError(ValueError):
    """An info that no consumer can use, said in a sentence."""


def new_stream() -> int:
    """Draw a number that no other run of any estimator has."""
    return int.from_bytes(os.urandom(8), "little") or 1


def described(card: ModelCard, model_sha256: str, stream: int) -> dict[str, Any]:
    """Give the fields of EffortInfo, but for its header, for the effort of a model."""
    values: dict[str, Any] = {
        "stream": stream,
        "muscles": list(card.muscles),
        "unit": card.unit,
        "rate_hz": float(EFFORT_RATE_HZ),
        "model": card.name,
        "model_sha256": model_sha256,
        "trained_on": card.trained_on,
        "streams": list(card.streams.names),
        "skeletons": [
            stream.skeleton.name if isinstance(stream, Landmarks) else "" for stream in card.streams
        ],
        "native_rate_hz": float(card.rate_hz),
        "lookahead_s": card.lookahead_s,
    }
    return values | {"digest": digest_of(SimpleNamespace(**values))}


def digest_of(info: Any) -> int:
    """Number that stands for what an EffortInfo says, and for the run that says it."""
    return _digest(info, FIELDS)


def meaning_of(info: Any) -> int:
    """Give the same number for every run that says the same."""
    return _digest(info, FIELDS[1:])


def require_usable(info: Any) -> None:
    """Refuse an EffortInfo by which effort cannot be read, in time that its size bounds."""
    muscles = info.muscles
    if not 1 <= len(muscles) <= MOST_MUSCLES:
        raise UnusableInfoError(
            f"effort/info names {len(muscles)} muscles, but 1 to {MOST_MUSCLES} can be used"
        )
    for name in muscles:
        if not 1 <= len(name) <= LONGEST_NAME:
            raise UnusableInfoError(
                f"effort/info has a muscle's name of {len(name)} letters, "
                f"but it must have 1 to {LONGEST_NAME}"
            )
    if len(set(muscles)) < len(muscles):
        twice = next(name for name in muscles if muscles.count(name) > 1)
        raise UnusableInfoError(f"effort/info names the muscle {twice!r} more than once")
    if info.digest != digest_of(info):
        raise UnusableInfoError(
            f"effort/info has the digest {info.digest:016x}, but its contents have "
            f"{digest_of(info):016x}"
        )


def _digest(info: Any, fields: tuple[str, ...]) -> int:
    digest = hashlib.sha256()
    for name in fields:
        digest.update(_written(getattr(info, name)))
    return int.from_bytes(digest.digest()[:8], "little")


def _written(value: Any) -> bytes:
    if isinstance(value, str):
        text = value.encode("utf-8", "surrogatepass")
        return struct.pack("<I", len(text)) + text
    if isinstance(value, int):
        return struct.pack("<Q", value)
    if isinstance(value, float):
        return struct.pack("<d", value)
    return struct.pack("<I", len(value)) + b"".join(_written(item) for item in value)
