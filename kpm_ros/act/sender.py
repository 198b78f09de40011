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

"""Who speaks: effort of one sender is acted on, and of nobody while another speaks beside it."""

from __future__ import annotations

from typing import NamedTuple

from kpm_ros.core.grid import NS_PER_S

SILENT_NS = NS_PER_S // 2
"""Only when the sender that is followed has been silent for so long is another one followed."""


class Sender(NamedTuple):
    """One publisher of effort of one description."""

    publisher: bytes
    """Identifies it; empty where this version of ROS does not tell."""
    info_digest: int


class SenderWatch:
    """Follows the first sender that can be understood, until it is silent for `SILENT_NS`."""

    def __init__(self) -> None:
        """Follow nobody yet."""
        self.followed: Sender | None = None
        self._count = 0
        self._heard_ns = 0

    @property
    def changes(self) -> int:
        """Times that another sender was followed than before."""
        return max(0, self._count - 1)

    def receive(self, sender: Sender, understood: bool, steady_ns: int) -> str:
        """Take a message of a sender; give why it must not be used, or nothing.

        `understood`: whether what its effort means is known.
        """
        if sender != self.followed:
            if self._is_alive(steady_ns):
                return self._rival(sender)
            if not understood:
                return f"effort of an unknown description ({sender.info_digest:016x})"
            self._count += 1
            self.followed = sender
        self._heard_ns = steady_ns
        return ""

    def lose(self) -> None:
        """Follow nobody any more: what the sender's effort means has been forgotten."""
        self.followed = None

    def _is_alive(self, steady_ns: int) -> bool:
        return self.followed is not None and steady_ns - self._heard_ns < SILENT_NS

    def _rival(self, sender: Sender) -> str:
        if self.followed and sender.publisher == self.followed.publisher:
            return "effort of two descriptions from one publisher"
        return "a second publisher sends effort"
