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

"""Samples as the message objects that rclpy publishes."""

from __future__ import annotations

import array
from collections.abc import Mapping
from typing import Any

import builtin_interfaces.msg
import numpy as np
import std_msgs.msg
from numpy.typing import NDArray

import kpm_ros.msg
from kpm_ros.core.flags import FlagBits
from kpm_ros.wire.encode import Encoder

_PACKAGES = {
    "builtin_interfaces": builtin_interfaces.msg,
    "kpm_ros": kpm_ros.msg,
    "std_msgs": std_msgs.msg,
}
_CODES = {
    np.dtype(np.float32): "f",
    np.dtype(FlagBits): "H",
    np.dtype(np.uint32): "I",
    np.dtype(np.int64): "q",
}
"""Of the arrays that rclpy takes as they are, instead of looking at each value."""


def _make(kind: str, fields: Mapping[str, Any]) -> Any:
    package, _, name = kind.split("/")
    plain = {
        field: _copied(value) if isinstance(value, np.ndarray) else value
        for field, value in fields.items()
    }
    return getattr(_PACKAGES[package], name)(**plain)


def _copied(values: NDArray[Any]) -> array.array[Any]:
    """Copy an array, once, into what rclpy takes."""
    plain = array.array(_CODES[values.dtype])
    plain.frombytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return plain


MESSAGES = Encoder(_make)

time_message = MESSAGES.time
landmarks_message = MESSAGES.landmarks
key_event_message = MESSAGES.key_event
key_motion_message = MESSAGES.key_motion
channels_message = MESSAGES.channels
aligned_message = MESSAGES.aligned
receipts_message = MESSAGES.receipts
effort_chunk_message = MESSAGES.effort_chunk
