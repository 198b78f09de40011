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

"""What streams of effort have said of themselves: known while their senders are there."""

from __future__ import annotations

from copy import copy
from typing import NamedTuple

from rclpy.node import Node

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.estimate import effort_info
from kpm_ros.msg import EffortInfo
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription

MOST_KEPT = 8
"""Infos kept at a time: of a pipeline that is started again and again, the newest."""

LOOK_NS = NS_PER_S
"""How often is looked whether senders are still there."""


class _Kept(NamedTuple):
    info: EffortInfo
    sender: bytes


class EffortInfos:
    """Reads `effort/info`; what nobody can use is refused and counted."""

    def __init__(self, node: Node, topic: str) -> None:
        """Subscribe."""
        profile = copy(qos.PROFILES["latched"])
        # One of each of several publishers, whoever was last.
        profile.depth = MOST_KEPT
        self.subscription = PolledSubscription(
            node, EffortInfo, topic, profile, effort_info.LARGEST_BYTES
        )
        self.newest: EffortInfo | None = None
        self.refused = 0
        """Infos that could not be used."""
        self._node = node
        self._kept: dict[int, _Kept] = {}
        self._looked_ns = 0

    def of(self, digest: int) -> EffortInfo | None:
        """Look up what effort with this digest means."""
        kept = self._kept.get(digest)
        return kept.info if kept else None

    def take(self, steady_ns: int, in_use: int | None) -> None:
        """Learn what has been said, and forget what was said by who is gone.

        `in_use`: the digest of what has just been heard, whose sender is there whatever else says.
        """
        for data, _, sender in self.subscription.take_raw():
            info = self.subscription.decode(data)
            if info is None:
                self.refused += 1
                continue
            try:
                effort_info.require_usable(info)
                self._require_same_count(info, sender)
            except effort_info.UnusableInfoError as error:
                self.refused += 1
                self.subscription.refuse(str(error))
                continue
            self._keep(info, sender, in_use)
            self._looked_ns = steady_ns
        if self._kept and steady_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = steady_ns
            self._forget_the_gone(in_use)

    def _require_same_count(self, info: EffortInfo, sender: bytes) -> None:
        if not sender:
            return
        for kept in self._kept.values():
            if kept.sender == sender and len(kept.info.muscles) != len(info.muscles):
                raise effort_info.UnusableInfoError(
                    f"effort/info names {len(info.muscles)} muscles, but its publisher named "
                    f"{len(kept.info.muscles)} before"
                )

    def _keep(self, info: EffortInfo, sender: bytes, in_use: int | None) -> None:
        self._kept.pop(info.digest, None)
        self._kept[info.digest] = _Kept(info, sender)
        self.newest = info
        if len(self._kept) > MOST_KEPT:
            del self._kept[next(digest for digest in self._kept if digest != in_use)]

    def _forget_the_gone(self, in_use: int | None) -> None:
        there = {
            bytes(about.endpoint_gid)
            for about in self._node.get_publishers_info_by_topic(self.subscription.topic)
        }
        for digest, kept in list(self._kept.items()):
            if kept.sender and kept.sender not in there and digest != in_use:
                del self._kept[digest]
        if self.newest and self.newest.digest not in self._kept:
            self.newest = next((kept.info for kept in reversed(self._kept.values())), None)
