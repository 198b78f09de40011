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

"""What another package imports to consume muscle effort: every sample, at a small cost.

The reader takes what is queued instead of being called back for each message, which costs a small
part of what an executor callback does. Loss, staleness and validity are counted and stated; what
to do about them is the caller's decision.
"""

from __future__ import annotations

import time
from collections import Counter
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.sender import Sender, SenderWatch
from kpm_ros.core.flags import INVALID_SIDE, Flag, describe
from kpm_ros.estimate.effort_batch import EffortBatch
from kpm_ros.estimate.effort_info import intervals_of
from kpm_ros.models.intervals import Intervals
from kpm_ros.msg import EffortInfo, MuscleEffort
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_infos import EffortInfos
from kpm_ros.nodes.effort_wire import plain_effort
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.wire.effort_bytes import decode_efforts, info_digest_of, muscles_of

NS_PER_S = 1_000_000_000

LARGEST_BYTES = 1 << 14
"""No sample of effort is larger: 1000 muscles take 4 kB."""

TROUBLED_NS = NS_PER_S
"""How long effort is not ready after something came beside it that must not."""


@dataclass(frozen=True, slots=True)
class EffortStatus:
    """Whether the newest effort may be acted on, and why not."""

    ready: bool
    reason: str


class EffortReader:
    """Reads the effort stream of a pipeline; use it from one thread at a time.

    It follows one publisher. What others send beside it is never given, and `trouble` says so.

    >>> reader = EffortReader(node, "/kpm/effort")  # in a node of your own
    >>> batch = reader.take()  # all that has come since the last time
    >>> len(batch), batch.effort.shape, reader.muscles
    (0, (0, 0), ())
    >>> reader.status()  # whether the newest sample may be acted on
    EffortStatus(ready=False, reason='no effort has come yet')
    >>> reader.close()
    """

    def __init__(
        self,
        node: Node,
        topic: str = "effort",
        *,
        timeout_s: float = FreshnessRules.timeout_s,
        max_age_s: float = FreshnessRules.max_age_s,
        depth: int = 1000,
    ) -> None:
        """Subscribe to `topic` and its `info`; names are relative to the node's namespace.

        `depth` samples wait to be taken, 2000 for each second: a caller that looks less often than
        five times a second needs more, since a stream that catches up runs four times as fast.
        """
        self.messages = 0
        """Samples received."""
        self.lost = 0
        """Samples that the index says were sent but did not come."""
        self.out_of_order = 0
        """Samples whose index or stamp did not rise."""
        self.invalid = 0
        """Samples marked not to be acted on."""
        self.refusals: Counter[str] = Counter()
        """Messages that were not used, by why."""
        self.trouble = ""
        """What came, the last time, that must not come beside the stream that is followed: act on
        nothing of it."""
        self._node = node
        self._depth = max(depth, 1000)
        self._timeout_ns = round(timeout_s * NS_PER_S)
        self._max_age_ns = round(max_age_s * NS_PER_S)
        profile = copy(qos.PROFILES["effort"])
        profile.depth = depth
        self._effort = PolledSubscription(node, MuscleEffort, topic, profile, LARGEST_BYTES)
        self._infos = EffortInfos(node, f"{topic}/info")
        self._watch = SenderWatch()
        self._told: tuple[int | None, Intervals | None] = None, None
        """An info's digest, and its intervals."""
        self._troubled_ns: int | None = None
        self._last_refusal = ""
        self._last_index: int | None = None
        self._last_stamp_ns = 0
        self._last_flags = 0
        self._arrival_ns: int | None = None

    @property
    def info(self) -> EffortInfo | None:
        """What the samples mean: of the stream that is followed, or of the one that is awaited."""
        followed = self._watch.followed
        return self._infos.of(followed.info_digest) if followed else self._infos.newest

    @property
    def muscles(self) -> tuple[str, ...]:
        """Names of the muscles, in order; empty until the stream's info has come."""
        info = self.info
        return tuple(info.muscles) if info else ()

    @property
    def _intervals(self) -> Intervals | None:
        info = self.info
        if info is None:
            return None
        if info.digest != self._told[0]:
            self._told = info.digest, intervals_of(info)
        return self._told[1]

    @property
    def restarts(self) -> int:
        """Times that another publisher, or another info, was followed than before."""
        return self._watch.changes

    @property
    def refused(self) -> int:
        """Messages that were not used, infos included."""
        return self.refusals.total() + self._infos.refused

    @property
    def topic(self) -> str:
        """Full name of the effort topic."""
        return self._effort.topic

    @property
    def subscriptions(
        self,
    ) -> tuple[PolledSubscription[MuscleEffort], PolledSubscription[EffortInfo]]:
        """What is read: each of them should have one publisher."""
        return self._effort, self._infos.subscription

    @property
    def publishers(self) -> int:
        """How many publishers the topic has; more than one means that somebody interferes."""
        return self._effort.publishers

    def take(self) -> EffortBatch:
        """Take all samples that have come since the last time, of one publisher and one info."""
        steady_ns = time.monotonic_ns()
        self._take_info(steady_ns)
        self.trouble = ""
        kept: list[bytes] = []
        received: list[int] = []
        followed = self._watch.followed
        for data, received_ns, publisher in self._effort.take_raw(self._depth):
            plain = self._accepted(data, publisher, steady_ns)
            if plain is None:
                continue
            if self._watch.followed != followed:
                followed = self._watch.followed
                kept, received = [], []
                self._last_index = None
            kept.append(plain)
            received.append(received_ns)
        if self.trouble:
            self._troubled_ns = steady_ns
        decoded = decode_efforts(kept, len(self.muscles))
        batch = EffortBatch(
            decoded.stamps_ns,
            decoded.index,
            decoded.effort,
            decoded.flags,
            np.array(received, np.int64),
            self._intervals,
        )
        if len(batch):
            self._account(batch, steady_ns)
        return batch

    def status(self, now_ns: int | None = None) -> EffortStatus:
        """Say whether the newest sample may be acted on at this time (the node's, by default)."""
        if self._arrival_ns is None:
            return EffortStatus(False, self._last_refusal or "no effort has come yet")
        now_ns = int(self._node.get_clock().now().nanoseconds) if now_ns is None else now_ns
        steady_ns = time.monotonic_ns()
        if self._troubled_ns is not None and steady_ns - self._troubled_ns < TROUBLED_NS:
            return EffortStatus(False, self._last_refusal)
        silent_ns = steady_ns - self._arrival_ns
        if silent_ns > self._timeout_ns:
            return EffortStatus(False, f"no effort for {silent_ns / 1e6:.0f} ms")
        age_ns = now_ns - self._last_stamp_ns
        if abs(age_ns) > self._max_age_ns:
            return EffortStatus(False, f"effort describes an instant {age_ns / 1e9:.2f} s ago")
        if self._last_flags & Flag.INVALID:
            return EffortStatus(False, f"effort is marked: {describe(self._last_flags)}")
        bad = [side for side, flag in INVALID_SIDE.items() if self._last_flags & flag]
        but = "".join(f", but for the {side} hand's" for side in bad)
        return EffortStatus(True, f"effort is fresh and valid{but}")

    def close(self) -> None:
        """Unsubscribe."""
        self._effort.close()
        self._infos.subscription.close()

    def _take_info(self, steady_ns: int) -> None:
        followed, heard_ns = self._watch.followed, self._arrival_ns or 0
        heard = followed is not None and steady_ns - heard_ns < NS_PER_S
        self._infos.take(steady_ns, followed.info_digest if followed and heard else None)
        if followed and self._infos.of(followed.info_digest) is None:
            self._watch.lose()

    def _accepted(self, data: bytes, publisher: bytes, steady_ns: int) -> bytes | None:
        """Give a message in our layout if it is of the sender that is followed."""
        plain = plain_effort(data) if len(data) <= LARGEST_BYTES else None
        if plain is None:
            self._refuse("unreadable", "a message on effort that cannot be read")
            return None
        digest = info_digest_of(plain)
        info = self._infos.of(digest)
        muscles = muscles_of(plain)
        if info is not None and len(info.muscles) != muscles:
            self._refuse("misshapen", f"effort of {muscles} muscles, not {len(info.muscles)}")
            return None
        refusal = self._watch.receive(Sender(publisher, digest), info is not None, steady_ns)
        if refusal:
            self._refuse("unknown info" if info is None else "another sender", refusal)
            return None
        return plain

    def _refuse(self, kind: str, reason: str) -> None:
        self.refusals[kind] += 1
        self._last_refusal = reason
        if self._watch.followed is not None:
            # Before anything is followed, effort is merely sooner here than its info.
            self.trouble = reason
            self._effort.refuse(reason)

    def _account(self, batch: EffortBatch, steady_ns: int) -> None:
        count = len(batch)
        index = batch.index.view(np.int64)
        first = int(index[0])
        before = first - 1 if self._last_index is None else self._last_index
        steps = _steps(before, index)
        times = _steps(self._last_stamp_ns, batch.stamps_ns)
        in_order = (steps > 0) & (times > 0)
        self.messages += count
        self.out_of_order += count - int(np.count_nonzero(in_order))
        jumps = steps[steps > 1]
        if len(jumps):
            self.lost += int(jumps.sum()) - len(jumps)
        self.invalid += int(np.count_nonzero(~batch.valid))
        self._last_index = int(index[-1])
        self._last_stamp_ns = int(batch.stamps_ns[-1])
        self._last_flags = int(batch.flags[-1])
        self._arrival_ns = steady_ns


def _steps(before: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Differences of consecutive values; np.diff takes ten times as long for a few of them."""
    steps = values.copy()
    steps[1:] -= values[:-1]
    steps[0] -= before
    return steps
