"""What another package imports to consume muscle effort: every sample, at a small cost.

    reader = EffortReader(node)
    ...                                  # in a timer or loop of your own, 50 to 500 times a second
    batch = reader.take()
    if reader.status(now_ns).ready:
        act(batch.effort[-1])

The reader takes what is queued instead of being called back for each message, which costs a small
part of what an executor callback does. Loss, staleness and validity are counted and stated; what
to do about them is the caller's decision.
"""

from __future__ import annotations

import time
from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node

from kpm_ros.align.flags import Flag, describe
from kpm_ros.msg import EffortInfo, MuscleEffort
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_wire import decode_efforts
from kpm_ros.nodes.polling import PolledSubscription

NS_PER_S = 1_000_000_000

_INVALID = np.uint8(Flag.INVALID)


@dataclass(frozen=True, slots=True)
class EffortBatch:
    """Consecutive effort samples, oldest first; may be empty."""

    stamps_ns: NDArray[np.int64]
    """Instants the samples describe, on the host's clock."""
    index: NDArray[np.uint64]
    """Samples counted since the stream began."""
    effort: NDArray[np.float32]
    """(samples, muscles), in the order of `EffortReader.muscles`."""
    flags: NDArray[np.uint8]
    """Bits of MuscleEffort, 0 = nothing to report."""
    received_ns: NDArray[np.int64]
    """When each sample was received, on the host's clock."""

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.stamps_ns)

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which samples may be acted on."""
        return (self.flags & _INVALID) == 0


@dataclass(frozen=True, slots=True)
class EffortStatus:
    """Whether the newest effort may be acted on, and why not."""

    ready: bool
    reason: str


class EffortReader:
    """Reads the effort stream of a pipeline; use it from one thread at a time."""

    def __init__(
        self,
        node: Node,
        topic: str = "effort",
        *,
        timeout_s: float = 0.05,
        max_age_s: float = 0.3,
        depth: int = 1000,
    ) -> None:
        """Subscribe to `topic` and its `info`; names are relative to the node's namespace.

        `depth` samples wait to be taken, 2000 for each second: a caller that looks less often than
        five times a second needs more, since a stream that catches up runs four times as fast.
        """
        self.info: EffortInfo | None = None
        self.messages = 0
        """Samples received."""
        self.lost = 0
        """Samples that the index says were sent but did not come."""
        self.out_of_order = 0
        """Samples whose index or stamp did not rise."""
        self.invalid = 0
        """Samples marked not to be acted on."""
        self.refused = 0
        """Messages with another number of muscles than the stream's info says."""
        self._node = node
        self._depth = max(depth, 1000)
        self._timeout_ns = round(timeout_s * NS_PER_S)
        self._max_age_ns = round(max_age_s * NS_PER_S)
        profile = copy(qos.PROFILES["effort"])
        profile.depth = depth
        self._effort = PolledSubscription(node, MuscleEffort, topic, profile)
        self._infos = PolledSubscription(node, EffortInfo, f"{topic}/info", qos.PROFILES["latched"])
        self._last_index: int | None = None
        self._told = -1
        """Times a stream described itself, after the first."""
        self._seen = 0
        """Times the index began anew while time went on."""
        self._last_stamp_ns = 0
        self._last_flags = 0
        self._arrival: float | None = None

    @property
    def muscles(self) -> tuple[str, ...]:
        """Names of the muscles, in order; empty until the stream's info has come."""
        return tuple(self.info.muscles) if self.info else ()

    @property
    def restarts(self) -> int:
        """Times the stream began anew: its samples and its description come in any order."""
        return max(self._told, self._seen, 0)

    @property
    def topic(self) -> str:
        """Full name of the effort topic."""
        return self._effort.topic

    @property
    def publishers(self) -> int:
        """How many publishers the topic has; more than one means that somebody interferes."""
        return self._effort.publishers

    def take(self) -> EffortBatch:
        """Take all samples that have come since the last time."""
        self._take_info()
        taken = self._effort.take_raw(self._depth) if self.info else []
        decoded = decode_efforts([data for data, _ in taken], len(self.muscles))
        self.refused += len(taken) - len(decoded.kept)
        received_ns = np.array([received for _, received in taken], np.int64)
        if len(decoded.kept) < len(taken):
            received_ns = received_ns[decoded.kept]
        batch = EffortBatch(
            decoded.stamps_ns, decoded.index, decoded.effort, decoded.flags, received_ns
        )
        if len(batch):
            self._account(batch)
        return batch

    def status(self, now_ns: int | None = None) -> EffortStatus:
        """Say whether the newest sample may be acted on at this time (the node's, by default)."""
        if self._arrival is None:
            return EffortStatus(False, "no effort has come yet")
        now_ns = int(self._node.get_clock().now().nanoseconds) if now_ns is None else now_ns
        silent_s = time.monotonic() - self._arrival
        if silent_s * NS_PER_S > self._timeout_ns:
            return EffortStatus(False, f"no effort for {silent_s * 1e3:.0f} ms")
        age_ns = now_ns - self._last_stamp_ns
        if abs(age_ns) > self._max_age_ns:
            return EffortStatus(False, f"effort describes an instant {age_ns / 1e9:.2f} s ago")
        if self._last_flags & Flag.INVALID:
            return EffortStatus(False, f"effort is marked: {describe(self._last_flags)}")
        return EffortStatus(True, "effort is fresh and valid")

    def close(self) -> None:
        """Unsubscribe."""
        self._effort.close()
        self._infos.close()

    def _take_info(self) -> None:
        for info, _ in self._infos.take():
            self._told += 1
            self._last_index = None
            self.info = info

    def _account(self, batch: EffortBatch) -> None:
        count = len(batch)
        index = batch.index.view(np.int64)
        first = int(index[0])
        before = first - 1 if self._last_index is None else self._last_index
        steps = _steps(before, index)
        times = _steps(self._last_stamp_ns, batch.stamps_ns)
        anew = (steps < 0) & (times > 0)
        if anew.any():
            self._seen += int(np.count_nonzero(anew))
            steps[anew] = 1
        in_order = (steps > 0) & (times > 0)
        self.messages += count
        self.out_of_order += count - int(np.count_nonzero(in_order))
        jumps = steps[steps > 1]
        if len(jumps):
            self.lost += int(jumps.sum()) - len(jumps)
        self.invalid += int(np.count_nonzero(batch.flags & _INVALID))
        self._last_index = int(index[-1])
        self._last_stamp_ns = int(batch.stamps_ns[-1])
        self._last_flags = int(batch.flags[-1])
        self._arrival = time.monotonic()


def _steps(before: int, values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Differences of consecutive values; np.diff takes ten times as long for a few of them."""
    steps = values.copy()
    steps[1:] -= values[:-1]
    steps[0] -= before
    return steps
