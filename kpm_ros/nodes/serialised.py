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
