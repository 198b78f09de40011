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

"""Estimators and queues of effort in a test's hands: who says what, when, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from kpm_ros.msg import EffortInfo
from rclpy.serialization import serialize_message

from kpm_ros.client import EffortReader
from kpm_ros.core.flags import FlagBits
from kpm_ros.estimate.effort_info import described, digest_of
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.nodes.effort_wire import effort_encoder
from kpm_ros.nodes.polling import PolledSubscription, RawMessage

MS = 1_000_000
STEP_NS = 500_000
AT_ONCE = 8
"""Samples that come together: 4 ms of them."""


class Queue(PolledSubscription[Any]):
    """A subscription whose messages the test puts in."""

    def __init__(self, real: PolledSubscription[Any]) -> None:
        """Stand for a real one, with whose name and type it reads."""
        self.__dict__ |= real.__dict__
        self.waiting: list[RawMessage] = []

    def take_raw(self, most: int = 1000) -> list[RawMessage]:
        """Take everything."""
        taken, self.waiting = self.waiting, []
        return taken


class Sender:
    """An estimator: it sends effort of one muscle, in the order that its info says."""

    def __init__(self, infos: Queue, number: int, muscles: Sequence[str]) -> None:
        """Say at once what its effort is."""
        self.publisher = bytes([number]) * 16
        self._infos = infos
        self.announce(muscles, "a model", number)

    def announce(self, muscles: Sequence[str], model: str, stream: int) -> None:
        """Say what its effort is from now on."""
        # Not through a card, which names no muscle twice: others may say anything.
        said = described(published_card(name=model), "", stream) | {"muscles": list(muscles)}
        info = EffortInfo(**said | {"digest": digest_of(SimpleNamespace(**said))})
        self._muscles = muscles
        self._encoder = effort_encoder(len(muscles), info.digest)
        data = bytes(serialize_message(info))
        self._infos.waiting.append(RawMessage(data, 1, self.publisher))

    def messages(self, told_ns: int, strong: str, flags: int = 0) -> list[RawMessage]:
        """Samples of the last 4 ms, in which one muscle is strong."""
        value = [0.9 if name == strong else 0.0 for name in self._muscles]
        index = (told_ns - 60 * MS) // STEP_NS + np.arange(1 - AT_ONCE, 1)
        rows = np.tile(np.float32(value), (AT_ONCE, 1))
        bits = np.full(AT_ONCE, flags, FlagBits)
        data = self._encoder.encode(index * STEP_NS, index[0], bits, rows)
        return [RawMessage(each, 1, self.publisher) for each in data]


def rigged(
    node: Any, muscles: Sequence[str], owner: Any = None
) -> tuple[Queue, Queue, list[Sender]]:
    """Give a node a reader of queues for effort and infos, and two estimators that fill them.

    `owner` is what has the reader, where that is not the node itself.
    """
    reader = EffortReader(node)
    reader._effort = effort = Queue(reader._effort)
    reader._infos.subscription = infos = Queue(reader._infos.subscription)
    senders = [Sender(infos, number, muscles) for number in (1, 2)]
    there = [SimpleNamespace(endpoint_gid=list(each.publisher)) for each in senders]
    reader._infos._node = SimpleNamespace(get_publishers_info_by_topic=lambda _: there)
    (owner or node)._reader = reader
    return effort, infos, senders
