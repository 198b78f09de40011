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

"""Streams that models take, and a stream in hops."""

from __future__ import annotations

from typing import Any

import numpy as np

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import JOINED, METRIC, Landmarks, Streams
from kpm_ros.models.architecture import Architecture
from kpm_ros.models.card import CardError
from kpm_ros.models.pianokpm.published import published_streams


def body(skeleton: str = "mediapipe-body", name: str = "front", timing: str = JOINED) -> Streams:
    """List one view of a body in metres."""
    points = find_skeleton(skeleton)
    return Streams((Landmarks(name, points, 3, METRIC, rate_hz=30.0, timing=timing),))


def fitting(architecture: Architecture) -> Streams:
    """Give streams that an architecture takes: the published hand and keys if it can, or a body."""
    rate_hz = architecture.grid_rate_hz or 100
    for streams in (published_streams(), body(), body("openpose-body25")):
        try:
            architecture.new_card(streams=streams, muscles=("a",), unit="1", rate_hz=rate_hz)
        except CardError:
            continue
        return streams
    raise AssertionError(f"{architecture.name} takes none of the usual streams")


def stream(network: Any, values: Any, hops: Any, first_index: int = 0) -> np.ndarray:
    """Begin a stream and push rows in hops of the given sizes, over and over; then flush."""
    network.reset(first_index)
    parts, at, turn = [], 0, 0
    while at < len(values):
        hop = hops[turn % len(hops)]
        parts.append(network.push(values[at : at + hop]))
        at, turn = at + hop, turn + 1
        due = known(network, first_index, min(at, len(values)))
        assert sum(map(len, parts)) == due == network.given
    return np.concatenate([*parts, network.flush()])


def known(network: Any, first_index: int, pushed: int) -> int:
    """Samples of effort that a network knows: with what a frame's first waits for, all of it."""
    stride, ahead = network.stride, network.card.lookahead
    frames = (first_index + pushed - 1 - ahead) // stride + 1
    return max(0, min(pushed, frames * stride - first_index))
