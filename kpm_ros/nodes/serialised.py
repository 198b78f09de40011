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

"""A message's bytes as whoever sent them: they may be anything."""

from __future__ import annotations

from typing import TypeVar

from rclpy.serialization import deserialize_message

Message = TypeVar("Message")

_HEADER = 4
"""Bytes that say how what follows is written; the last two bits, how many at the end are unused."""


class UnreadableMessageError(ValueError):
    """Bytes that are no message of the type that they should be."""


def read(data: bytes, kind: type[Message]) -> Message:
    """Read a message, or say why it is none."""
    # Fast CDR believes in more unused bytes than there are, and reads beyond the end: it crashes.
    if len(data) < _HEADER or len(data) < _HEADER + (data[3] & 3):
        raise UnreadableMessageError("they end before the message begins")
    try:
        return deserialize_message(data, kind)
    except Exception as error:  # the middleware's own type of it is not public
        reason = str(error).removeprefix("failed to deserialize ROS message: ")
        raise UnreadableMessageError(reason) from None
