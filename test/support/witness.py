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

"""Watches what a running graph puts out, and remembers everything that must never be."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from std_msgs.msg import Float64MultiArray

from kpm_ros.client import EffortReader
from kpm_ros.core.flags import Flag, FlagBits, describe
from kpm_ros.estimate.effort_batch import EffortBatch
from kpm_ros.nodes import qos
from kpm_ros.nodes.loop import PeriodicThread
from kpm_ros.nodes.polling import PolledSubscription
from support.waiting import QUEUED, wait_for

STEP_NS = 500_000
ZERO_AFTER = 500
"""Invalid samples in a row after which effort is exactly zero."""
STALE_NS = 1_000_000_000
"""A valid sample that arrives later than this after its instant passes something old for new."""
MAX_TORQUE_NM = 0.3
SPAN_NS = 50_000_000
FOR_GOOD_NS = 300_000_000
"""No way from torque to zero, and none back, takes longer than this."""
NOTHING = EffortBatch(
    np.zeros(0, np.int64),
    np.zeros(0, np.uint64),
    np.zeros((0, 0), np.float32),
    np.zeros(0, FlagBits),
    np.zeros(0, np.int64),
)


class Witness:
    """Takes effort, torques and diagnostics in a thread of its own, from start to close."""

    def __init__(
        self,
        node: Any,
        namespace: str,
        *,
        clock_steps: bool = False,
        command: str = "assist/command",
    ) -> None:
        """Watch a pipeline; where its clock is stepped, stamps may go back and be of any age."""
        self.reader = EffortReader(node, f"/{namespace}/effort", depth=QUEUED)
        self.broken: list[str] = []
        """What must never be, and was."""
        self.torque: list[float] = []
        """Last command to the exoskeleton."""
        self.moved_ns = 0
        """When the last one with torque was received."""
        self.fastest_nm_s = 0.0
        """Fastest change of any torque over a twentieth of a second."""
        self._lately: deque[tuple[int, list[float]]] = deque()
        self.old_s: list[float] = []
        """Ages of valid samples that came too late to pass for news, and had no right to."""
        self.in_hand = 0
        """Old samples that may yet come. A process that is stopped may have just decided to send
        one: it does so when it goes on, and only who receives it can tell that it is old."""
        self._trusting = True
        self._reports: dict[str, DiagnosticStatus] = {}
        self._told: dict[str, set[str]] = {}
        self._heard: Counter[str] = Counter()
        self._clock_steps = clock_steps
        self._namespace = namespace
        self._batches: list[EffortBatch] = []
        self._taken = 0
        self._last: tuple[int, int] | None = None
        self._invalid_run = 0
        self._lock = threading.Lock()
        self._commands = PolledSubscription(
            node, Float64MultiArray, f"/{namespace}/{command}", qos.of(command)
        )
        self._diagnostics = PolledSubscription(
            node, DiagnosticArray, "/diagnostics", qos.of("/diagnostics")
        )
        self._thread = PeriodicThread("witness", 0.005, self._look, self._fail)

    def __enter__(self) -> Witness:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop watching."""
        self._thread.stop()
        self.reader.close()

    @property
    def taken(self) -> int:
        """Samples received so far: a place in what was seen."""
        return self._taken

    def since(self, place: int) -> EffortBatch:
        """Everything received after this place."""
        kept: list[EffortBatch] = []
        with self._lock:
            wanted = self._taken - place
            for batch in reversed(self._batches):
                if wanted <= 0:
                    break
                kept.insert(0, batch)
                wanted -= len(batch)
        if not kept:
            return NOTHING
        names = [field.name for field in fields(EffortBatch) if field.name != "intervals"]
        joined = [np.concatenate([getattr(batch, name) for batch in kept]) for name in names]
        return EffortBatch(*(values[max(0, -wanted) :] for values in joined))

    def delay_ms(self) -> float:
        """Median delay of the last quarter of a second, from the instant described to receipt."""
        newest = self.since(self.taken - 500)
        return float(np.median(newest.received_ns - newest.stamps_ns)) / 1e6

    def flags_since(self, place: int) -> Flag:
        """All flags that any sample after this place has carried."""
        return Flag(int(np.bitwise_or.reduce(self.since(place).flags, initial=0)))

    def wait_for_flags(self, flags: Flag, timeout_s: float = 20) -> None:
        """Wait until a sample carries all of these."""
        place = self.taken
        what = f"effort marked {describe(flags)}"
        wait_for(lambda: _any_with(self.since(place), flags), what, timeout_s)

    def wait_for_zero(self) -> None:
        """Wait until effort is marked invalid and exactly zero."""
        wait_for(self.is_zero, "effort to be invalid and zero")

    def wait_for_effort(self, samples: int, timeout_s: float = 30) -> None:
        """Wait until so many more samples have come."""
        place = self.taken
        wait_for(lambda: self.taken - place >= samples, f"{samples} samples of effort", timeout_s)

    def wait_until_well(self, since_ns: int = 0, timeout_s: float = 60) -> int:
        """Wait for effort without any flag, of an instant after this; give when it was received."""
        place = self.taken

        def well() -> int:
            batch = self.since(place)
            good = (batch.flags == 0) & (batch.stamps_ns >= since_ns)
            return int(batch.received_ns[np.argmax(good)]) if good.any() else 0

        return int(wait_for(well, "effort without any flag", timeout_s))

    def values(self, node: str) -> dict[str, str]:
        """Figures of a node's last report."""
        report = self._reports.get(f"{self._namespace}/{node}")
        return {item.key: item.value for item in report.values} if report else {}

    def wait_for_news(self, *nodes: str) -> None:
        """Wait until each of these nodes has told how it is now."""
        names = [f"{self._namespace}/{node}" for node in nodes]
        # The next report may have been made just before this was asked.
        until = {name: self._heard[name] + 2 for name in names}
        wait_for(
            lambda: all(self._heard[name] >= count for name, count in until.items()),
            f"reports of {', '.join(names)}",
        )

    def wait_for_figure(self, node: str, name: str) -> None:
        """Wait until a node reports more than nothing under this name."""
        wait_for(lambda: int(self.values(node).get(name, 0)) > 0, f"{name} of {node}")

    def message(self, node: str) -> str:
        """What a node last said of itself."""
        report = self._reports.get(f"{self._namespace}/{node}")
        return report.message if report else ""

    def level(self, node: str) -> int:
        """How bad it is, by what a node last said."""
        return self._reports[f"{self._namespace}/{node}"].level[0]

    @contextmanager
    def not_trusting(self) -> Iterator[None]:
        """Do not hold effort against what must never be: somebody else publishes some, too."""
        self._trusting = False
        try:
            yield
        finally:
            # The stream is taken up anew, as by a consumer that was started now.
            self.wait_for_effort(400)
            self._last, self._trusting = None, True

    def forget_reports(self) -> None:
        """Let only what nodes say from now on count for `wait_for_report`."""
        self._told = {}

    def wait_for_report(self, node: str, *words: str) -> None:
        """Wait until a node says one of these on /diagnostics, unless it has said so already."""
        name = f"{self._namespace}/{node}"
        wait_for(
            lambda: any(w in message for message in self._told.get(name, ()) for w in words),
            f"{name} to say {' or '.join(map(repr, words))}",
        )

    def is_zero(self) -> bool:
        """Whether effort is marked invalid and exactly zero."""
        with self._lock:
            last = self._batches[-1] if self._batches else None
        return last is not None and not last.valid[-1] and not last.effort[-1].any()

    def _fail(self, error: BaseException) -> None:
        self.broken.append(f"the witness failed: {error!r}")

    def _look(self) -> None:
        batch = self.reader.take()
        if len(batch):
            if self._trusting:
                self._examine(batch)
            with self._lock:
                self._batches.append(batch)
                self._taken += len(batch)
        for message, received_ns in self._commands.take():
            self.torque = list(message.data)
            if any(self.torque):
                self.moved_ns = received_ns
            self._time_the_change(received_ns)
            if not all(abs(value) <= MAX_TORQUE_NM for value in self.torque):
                self.broken.append(f"a torque of {self.torque}")
        for message, _ in self._diagnostics.take():
            for status in message.status:
                self._reports[status.name] = status
                self._heard[status.name] += 1
                self._told.setdefault(status.name, set()).add(status.message)

    def _time_the_change(self, received_ns: int) -> None:
        self._lately.append((received_ns, self.torque))
        while received_ns - self._lately[0][0] > SPAN_NS:
            then_ns, before = self._lately.popleft()
            change = max(abs(a - b) for a, b in zip(self.torque, before, strict=True))
            self.fastest_nm_s = max(self.fastest_nm_s, change / (received_ns - then_ns) * 1e9)

    def _examine(self, batch: EffortBatch) -> None:
        self._require(np.isfinite(batch.effort).all(), "effort is finite")
        self._require((batch.stamps_ns % STEP_NS == 0).all(), "effort lies on the grid")
        stamps, index = batch.stamps_ns, batch.index.astype(np.int64)
        if self._last is not None:
            stamps = np.concatenate([[self._last[0]], stamps])
            index = np.concatenate([[self._last[1]], index])
        self._last = int(stamps[-1]), int(index[-1])
        self._require((np.diff(index) > 0).all(), "the index rises")
        if not self._clock_steps:
            in_step = np.diff(stamps) == np.diff(index) * STEP_NS
            self._require(in_step.all(), "stamp and index keep step")
            age_ns = (batch.received_ns - batch.stamps_ns)[batch.valid]
            for stale_ns in age_ns[age_ns >= STALE_NS]:
                if self.in_hand > 0:
                    self.in_hand -= 1
                else:
                    self.old_s.append(stale_ns / 1e9)
        # What was lost in between may have been valid.
        follows = np.concatenate([[True] * (len(index) == len(batch)), np.diff(index) == 1])
        for valid, next_one, row in zip(batch.valid, follows, batch.effort, strict=True):
            self._invalid_run = 0 if valid else self._invalid_run * bool(next_one) + 1
            if self._invalid_run > ZERO_AFTER and row.any():
                self._require(False, "invalid effort decays to zero")

    def _require(self, held: Any, what: str) -> None:
        if not held and what not in self.broken:
            self.broken.append(what)


def _any_with(batch: EffortBatch, flags: Flag) -> bool:
    return bool(((batch.flags & int(flags)) == int(flags)).any())


def time_to_zero_ms(
    record: Callable[[str, object], None], witness: Witness, fault_began_ns: int
) -> int:
    """Measure how long there was torque after a fault had begun, and list it; give until when."""
    unmoved = ("withheld", "disarmed")
    wait_for(lambda: witness.values("exo").get("state") in unmoved, "assistance to be withheld")
    wait_for(lambda: time.time_ns() - witness.moved_ns > FOR_GOOD_NS, "torque to be zero for good")
    took_ms = max(0, witness.moved_ns - fault_began_ns) / 1e6
    record("zero_ms", round(took_ms, 1))
    print(f"torque is zero after {took_ms:.0f} ms")
    return witness.moved_ns


def recovery_ms(
    record: Callable[[str, object], None], witness: Witness, fault_ended_ns: int
) -> None:
    """Measure how long effort takes to be well again after a fault has ended, and list it."""
    well_ns = witness.wait_until_well(fault_ended_ns)
    took_ms = (well_ns - fault_ended_ns) / 1e6
    record("recovery_ms", round(took_ms, 1))
    print(f"well again after {took_ms:.0f} ms")
