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
SHA-256 of all its fields but header and digest, in their order; those of intervals count where
there are any. A number is written in 8 bytes (little-endian, whole or IEEE 754), a string as its
length in 4 bytes and its UTF-8, a list as its length in 4 bytes and its items.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np

from kpm_ros.core.chunks import EFFORT_RATE_HZ
from kpm_ros.core.streams import Landmarks
from kpm_ros.models.card import ModelCard
from kpm_ros.models.intervals import Intervals

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

INTERVALS = ("interval_at", "interval_half")
"""It covers them, too, where they are not empty: earlier infos lack them."""

NOT_LIVE = 0
"""Stream number of effort that was computed from a recording."""

MOST_MUSCLES = 1000
MOST_KNOTS = 16
"""Efforts of a muscle at which a width is told."""
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
    intervals = [card.interval[name] for name in card.muscles] if card.interval else []
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
        "interval_at": [at for told in intervals for at in told[::2]],
        "interval_half": [half for told in intervals for half in told[1::2]],
    }
    return values | {"digest": digest_of(SimpleNamespace(**values))}


def with_arrays(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give the fields as writers of bags take them: lists of numbers as arrays."""
    return {**fields, **{name: np.array(fields[name], np.float64) for name in INTERVALS}}


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
    _require_intervals(info)
    if info.digest != digest_of(info):
        raise UnusableInfoError(
            f"effort/info has the digest {info.digest:016x}, but its contents have "
            f"{digest_of(info):016x}"
        )


def intervals_of(info: Any) -> Intervals | None:
    """Read what an info that was found usable says of intervals; None for nothing."""
    at, half = (np.array(getattr(info, name, ())) for name in INTERVALS)
    muscles = len(info.muscles)
    return Intervals(at.reshape(muscles, -1), half.reshape(muscles, -1)) if len(at) else None


def _require_intervals(info: Any) -> None:
    """Refuse intervals that are no line over each muscle's effort."""
    at, half = (np.array(getattr(info, name, ())) for name in INTERVALS)
    muscles = len(info.muscles)
    if len(at) != len(half) or len(at) % muscles or len(at) > MOST_KNOTS * muscles:
        raise UnusableInfoError(
            f"effort/info has intervals at {len(at)} efforts with {len(half)} widths, but must "
            f"have as many of each for all of {muscles} muscles, at most {MOST_KNOTS}, or none"
        )
    rising = (np.diff(at.reshape(muscles, -1), axis=1) > 0).all()
    known = np.isfinite(at).all() and np.isfinite(half).all() and (half >= 0).all()
    if not (rising and known):
        raise UnusableInfoError(
            "effort/info has intervals whose efforts do not rise, or whose widths are no widths"
        )


def _digest(info: Any, fields: tuple[str, ...]) -> int:
    digest = hashlib.sha256()
    told = [name for name in INTERVALS if len(getattr(info, name, ()))]
    for name in (*fields, *told):
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
