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

"""Reading a topic by taking what is queued, without an executor callback for each message.

An executor spends about 400 us of CPU on every callback; taking a queued message costs 2 to 15 us.
At hundreds or thousands of messages a second that is the difference between a core and a fraction.
"""

from __future__ import annotations

import ctypes
import time
from contextlib import suppress
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, runtime_checkable

from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile

from kpm_ros.nodes import serialised

Message = TypeVar("Message")

LARGEST_BYTES = 1 << 28
"""A larger message is not read: an image of 8192 x 8192 pixels has 2 ** 28 bytes with four each."""
MOST_BYTES = 1 << 24
"""Once so much has been taken in one go, the rest waits for the next."""
RENEW_AFTER_S = 2.0
"""After messages that are too large, a topic is subscribed to anew, but no more often than this."""


@runtime_checkable
class Refusing(Protocol):
    """A node that counts what it cannot use, as those of the pipeline do."""

    def refuse(self, reason: str) -> None:
        """Count a message, and say why."""


class RawMessage(NamedTuple):
    """A message as the middleware's own bytes."""

    data: bytes
    received_ns: int
    """When the middleware received it, on the host's clock."""
    sender: bytes
    """Identifies its publisher; empty where this version of ROS does not tell."""


class PolledGroup(CallbackGroup):
    """A callback group that no executor ever runs: its subscriptions are read by their owner."""

    def can_execute(self, entity: Any) -> bool:
        """Never: the owner takes the messages."""
        return False

    def beginning_execution(self, entity: Any) -> bool:
        """Never: the owner takes the messages."""
        return False

    def ending_execution(self, entity: Any) -> None:
        """Nothing was begun."""


class PolledSubscription(Generic[Message]):
    """A subscription whose queue is emptied by `take` or `take_raw`, from any one thread."""

    def __init__(
        self,
        node: Node,
        message_type: type[Message],
        topic: str,
        qos: QoSProfile,
        largest: int = LARGEST_BYTES,
    ) -> None:
        """Subscribe; messages queue up to the profile's depth until they are taken.

        One of more than `largest` bytes is refused unread.
        """
        self.refused = 0
        """Messages that could not be used."""
        self.renewed = 0
        """Times that it was subscribed anew, to be rid of memory."""
        self._largest = largest
        self._node = node
        self._type = message_type
        self._name, self._qos = topic, qos
        self._bloated = False
        self._began_s = time.monotonic()
        self._subscription = self._subscribe()

    @property
    def publishers(self) -> int:
        """How many publishers the topic has."""
        return self._subscription.get_publisher_count()

    @property
    def topic(self) -> str:
        """Full name of the topic."""
        return self._subscription.topic_name

    def take(self, most: int = 1000) -> list[tuple[Message, int]]:
        """Take everything queued, oldest first, but no more than `most`, or `MOST_BYTES`.

        Each message comes with the instant the middleware received it, on the host's clock. What
        is no message of this type is left out and counted.
        """
        return self._decoded(most, "received_timestamp")

    def take_sent(self, most: int = 1000) -> list[tuple[Message, int]]:
        """Take the same, but with the instant each message was sent, on its sender's clock."""
        return self._decoded(most, "source_timestamp")

    def take_raw(self, most: int = 1000, most_bytes: int = MOST_BYTES) -> list[RawMessage]:
        """Take the same as the middleware's own bytes, whatever they are."""
        return [
            RawMessage(data, about["received_timestamp"] or time.time_ns(), _sender(about))
            for data, about in self._taken(most, most_bytes)
        ]

    def decode(self, data: bytes) -> Message | None:
        """Read a message's bytes; what is no message of this type is counted, and gives None."""
        if len(data) <= self._largest:
            try:
                return serialised.read(data, self._type)
            except serialised.UnreadableMessageError as error:
                reason = str(error)
        else:
            self._bloated = True
            reason = f"no more than {self._largest} are read"
        self.refuse(f"{self.topic} has brought {len(data)} bytes that are no message: {reason}")
        return None

    def refuse(self, reason: str) -> None:
        """Count a message that cannot be used, and let the node say why."""
        self.refused += 1
        if isinstance(self._node, Refusing):
            self._node.refuse(reason)

    def _decoded(self, most: int, instant: str) -> list[tuple[Message, int]]:
        read = (
            (self.decode(data), about[instant] or time.time_ns())
            for data, about in self._taken(most, MOST_BYTES)
        )
        return [(message, instant_ns) for message, instant_ns in read if message is not None]

    def _taken(self, most: int, most_bytes: int) -> list[tuple[bytes, Any]]:
        # Always as bytes: asked for a message, the middleware gives nothing both when nothing is
        # left and when what is next cannot be read.
        if self._bloated and time.monotonic() - self._began_s > RENEW_AFTER_S:
            self._renew()
        taken: list[tuple[bytes, Any]] = []
        size = 0
        handle = self._subscription.handle
        with handle:
            while len(taken) < most and size < most_bytes:
                found = handle.take_message(self._type, True)
                if found is None:
                    break
                size += len(found[0])
                taken.append(found)
        return taken

    def _subscribe(self) -> Any:
        return self._node.create_subscription(
            self._type, self._name, _never_called, self._qos, callback_group=PolledGroup()
        )

    def _renew(self) -> None:
        """Subscribe anew.

        Each place in the middleware's queue keeps room for the largest message that it ever held,
        and gives it back with the queue alone.
        """
        self.close()
        self._subscription = self._subscribe()
        with suppress(OSError, AttributeError):  # what glibc alone has
            ctypes.CDLL(None).malloc_trim(0)
        self.renewed += 1
        self._bloated, self._began_s = False, time.monotonic()

    def close(self) -> None:
        """Unsubscribe."""
        self._node.destroy_subscription(self._subscription)


def _sender(about: Any) -> bytes:
    gid = about.get("publisher_gid")
    return bytes(gid["data"]) if gid else b""


def _never_called(message: Any) -> None:
    raise AssertionError("a polled subscription was executed")
