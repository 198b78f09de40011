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

"""Messages to the samples that a gesture model takes: once for live, once for bags."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.act.gestures.hand_shape import HandShape
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.wire import decode

Array = NDArray[np.float64]

RATE_TOLERANCE = 0.05
"""Amplifiers and cameras keep time within less."""


class Samples(NamedTuple):
    """Samples of one signal with named channels."""

    stamps_ns: NDArray[np.int64]
    samples: Array
    channels: tuple[str, ...]
    rate_hz: float
    """As its message states it; 0 where none does."""


def emg_samples(message: Any) -> Samples:
    """Read a ChannelSamples message."""
    chunk = decode.channel_chunk(message)
    if not chunk.rate_hz > 0:
        raise decode.RefusedMessageError(f"rate_hz is {chunk.rate_hz:g}, but must be above 0")
    at_ns = np.arange(len(chunk.samples)) * (NS_PER_S / chunk.rate_hz)
    return Samples(
        chunk.stamp_ns + at_ns.astype(np.int64),
        chunk.samples.astype(np.float64),
        chunk.channels,
        chunk.rate_hz,
    )


def shape_samples(message: Any) -> Samples:
    """Read a Landmarks message as a hand's shape; not numbers where no hand is in sight."""
    frame = decode.landmark_frame(message)
    try:
        shape = _shape_of(frame.skeleton)
    except ValueError as error:
        raise decode.RefusedMessageError(str(error)) from None
    values = np.full((1, len(shape.names)), np.nan)
    width, height = frame.image_size
    if frame.points is not None and width and height:
        values = shape.measure(frame.points[None, :, :2] * (width, height))
    return Samples(np.array([frame.stamp_ns]), values, shape.names, 0.0)


def chosen(samples: Samples, channels: Sequence[str], rate_hz: float) -> Array:
    """Give a model's channels of samples; a ValueError says in a sentence why there are none."""
    lacking = [name for name in channels if name not in samples.channels]
    if lacking:
        raise ValueError(
            f"the model takes the channel {lacking[0]!r}, which is not among "
            f"{', '.join(samples.channels)[:200] or 'the channels: there are none'}"
        )
    if samples.rate_hz and abs(samples.rate_hz / rate_hz - 1) > RATE_TOLERANCE:
        raise ValueError(
            f"the model was trained at {rate_hz:g} Hz, but the samples come at "
            f"{samples.rate_hz:g} Hz"
        )
    return samples.samples[:, [samples.channels.index(name) for name in channels]]


@lru_cache(maxsize=8)
def _shape_of(skeleton: str) -> HandShape:
    return HandShape(find_skeleton(skeleton))
