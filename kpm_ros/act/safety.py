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

"""What stands between the effort stream and a machine: is it fit to act on, and how fast to act."""

from __future__ import annotations

import math
from collections import Counter
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.core.flags import KEYS_LATE, Flag, describe
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import check_number

CLOCK_SLACK_NS = 20_000_000
"""Callers on different threads may hand in instants this far out of order; more is a clock set
back."""

_VIEW, _KEYS = int(Flag.POSE_STALE | Flag.POSE_LOST), int(KEYS_LATE)


def late_input(flags: int) -> str:
    """Name what a valid sample was made without the newest of; empty = all came in time.

    A model that can do without a sense goes on once that is lost, or missing.
    """
    if flags & _VIEW == Flag.POSE_STALE:
        return "a camera"
    return "the piano" if flags & _KEYS == _KEYS else ""


class Now(NamedTuple):
    """One instant by two clocks."""

    clock_ns: int
    """By the clock of the stamps, which somebody may set, stop or hurry: the host's, or /clock."""
    steady_ns: int
    """By a clock that nobody can set. Whatever protects people is timed by this one."""


class GuardState(str, Enum):
    """Whether effort may be acted on."""

    WAITING = "waiting"
    """Nothing has come yet, or nothing since the clock was set back."""
    READY = "ready"
    """Effort is fresh and valid."""
    STALE = "stale"
    """Effort stopped coming, or describes an instant too long ago."""
    INVALID = "invalid"
    """The newest effort must not be acted on."""


class GuardReport(NamedTuple):
    """Whether effort may be acted on, and why not."""

    state: GuardState
    reason: str


class Admitted(NamedTuple):
    """Samples in strictly rising order of time; None stands for one that must not be used."""

    stamps_ns: list[int]
    effort: list[list[float] | None]
    flags: list[int]


NOTHING = Admitted([], [], [])


class EffortGuard:
    """Lets through what may be acted on, and says at any instant whether the stream may be.

    Samples out of order or from the future are dropped; samples that are not finite, beyond what
    is plausible, or marked invalid keep their place in time but lose their values. All are counted
    in `counts`. Samples are judged one by one, so how they are batched makes no difference.

    The clock of the stamps only says how old a sample is; silence, and how long all has been well,
    are measured on the steady clock.
    """

    def __init__(
        self,
        muscles: int,
        timeout_s: float = FreshnessRules.timeout_s,
        max_age_s: float = FreshnessRules.max_age_s,
        max_effort: float = FreshnessRules.max_effort,
        max_ahead_s: float = 0.1,
        what: str = "effort",
        late_inputs: bool = True,
    ) -> None:
        """`max_age_s` is of the instant described, `timeout_s` of the arrival of anything new.

        `what` the samples are is said in its sentences; `late_inputs`: whether those may be acted
        on that rest on a camera or piano which is late.
        """
        self._what = what
        self.late_inputs = late_inputs
        self.limit(timeout_s, max_age_s, max_effort)
        check_number("max_ahead_s", max_ahead_s, least=0)
        self._muscles = muscles
        self._max_ahead_ns = round(max_ahead_s * NS_PER_S)
        self.counts: Counter[str] = Counter()
        """Samples by what became of them: "good", "marked invalid", "out of order", ..."""
        self._now: Now | None = None
        self._newest_ns: int | None = None
        self._arrival_ns: int | None = None
        """By the steady clock, as is what follows."""
        self._good_since_ns: int | None = None
        self._problem: str | None = None
        self._waiting_reason = f"no {what} has come yet"

    def limit(self, timeout_s: float, max_age_s: float, max_effort: float) -> None:
        """Judge by another silence, age and size from now on."""
        check_number("max_effort", max_effort, above=0)
        check_number("timeout_s", timeout_s, above=0)
        check_number("max_age_s", max_age_s, above=0)
        self._timeout_ns = round(timeout_s * NS_PER_S)
        self._max_age_ns = round(max_age_s * NS_PER_S)
        self._max_effort = max_effort

    def expect(self, muscles: int, waiting_reason: str) -> None:
        """Forget all effort: what comes now has this many muscles, and is waited for."""
        self._muscles = muscles
        self._forget(waiting_reason)

    @property
    def newest_ns(self) -> int | None:
        """Instant that the newest admitted sample describes."""
        return self._newest_ns

    def push_effort(
        self, stamps_ns: ArrayLike, effort: ArrayLike, flags: ArrayLike, now: Now
    ) -> Admitted:
        """Judge samples (n,), (n, muscles), (n,) that came in at this time; give what is left."""
        now = self._observe(now)
        try:
            stamps, rows, bits = np.asarray(stamps_ns), np.asarray(effort, float), np.asarray(flags)
        except (TypeError, ValueError, OverflowError):
            return self._refuse_batch(
                "unreadable", f"{self._what} that is not a table of numbers", now
            )
        if stamps.size == rows.size == bits.size == 0:
            return NOTHING
        fault = self._misshape(stamps, rows, bits)
        if fault:
            return self._refuse_batch("misshapen", fault, now)
        self._arrive(now)
        times: list[int] = []
        values: list[list[float] | None] = []
        kept: list[int] = []
        # One sample at a time: for a live batch this is cheaper than array arithmetic.
        for stamp, row, bit in zip(stamps.tolist(), rows.tolist(), bits.tolist(), strict=True):
            if self._misplaced(stamp, now.clock_ns):
                continue
            self._newest_ns = stamp
            times.append(stamp)
            kept.append(bit)
            values.append(None if self._unusable(row, bit) else row)
            if self._problem is None and self._good_since_ns is None:
                self._good_since_ns = now.steady_ns
        self.check(now)
        return Admitted(times, values, kept)

    def inhibit(self, kind: str, reason: str) -> None:
        """Count something beside the samples that makes them unfit to act on, until a good one."""
        self._refuse(kind, reason)

    def check(self, now: Now) -> GuardReport:
        """Say whether the stream may be acted on at this instant, and why not."""
        report = self._judge(self._observe(now))
        if report.state is not GuardState.READY:
            self._good_since_ns = None
        return report

    def good_for_s(self, now: Now) -> float:
        """How long the stream has been good without a break, by the steady clock."""
        now = self._observe(now)
        if self.check(now).state is not GuardState.READY or self._good_since_ns is None:
            return 0.0
        return (now.steady_ns - self._good_since_ns) / NS_PER_S

    def _judge(self, now: Now) -> GuardReport:
        if self._arrival_ns is None:
            return GuardReport(GuardState.WAITING, self._waiting_reason)
        silent_ns = now.steady_ns - self._arrival_ns
        if silent_ns > self._timeout_ns:
            return GuardReport(GuardState.STALE, f"no {self._what} for {silent_ns / 1e6:.0f} ms")
        if self._problem is not None:
            return GuardReport(GuardState.INVALID, self._problem)
        if self._newest_ns is None or now.clock_ns - self._newest_ns > self._max_age_ns:
            age_s = (now.clock_ns - (self._newest_ns or 0)) / NS_PER_S
            return GuardReport(
                GuardState.STALE, f"{self._what} describes an instant {age_s:.1f} s ago"
            )
        return GuardReport(GuardState.READY, f"{self._what} is fresh and valid")

    def _observe(self, now: Now) -> Now:
        """Follow the caller's clocks; when the one of the stamps was set back, start afresh."""
        clock_ns, steady_ns = now
        if self._now is not None:
            back_ns = self._now.clock_ns - clock_ns
            if 0 <= back_ns <= CLOCK_SLACK_NS:
                clock_ns = self._now.clock_ns
            elif back_ns > 0:
                back_s = back_ns / NS_PER_S
                self._forget(f"the clock went back by {back_s:.3g} s; no {self._what} since")
            steady_ns = max(steady_ns, self._now.steady_ns)
        self._now = Now(clock_ns, steady_ns)
        return self._now

    def _forget(self, waiting_reason: str) -> None:
        self._waiting_reason = waiting_reason
        self._newest_ns = self._arrival_ns = self._good_since_ns = None
        self._problem = None

    def _arrive(self, now: Now) -> None:
        """Note that something came; a silence before it breaks the run of good effort."""
        silent_ns = 0 if self._arrival_ns is None else now.steady_ns - self._arrival_ns
        if silent_ns > self._timeout_ns:
            self._good_since_ns = None
        self._arrival_ns = now.steady_ns

    def _refuse(self, kind: str, reason: str) -> None:
        self.counts[kind] += 1
        self._problem = reason
        self._good_since_ns = None

    def _refuse_batch(self, kind: str, reason: str, now: Now) -> Admitted:
        self._arrive(now)
        self._refuse(kind, reason)
        return NOTHING

    def _misshape(self, stamps: NDArray[Any], rows: NDArray[Any], bits: NDArray[Any]) -> str | None:
        """What is wrong with the shape of a batch, if anything."""
        if rows.ndim != 2:
            return f"{self._what} comes as samples x channels, but its shape was {rows.shape}"
        if rows.shape[1] != self._muscles:
            return f"{self._muscles} channels of {self._what} expected, {rows.shape[1]} came"
        if stamps.shape != (len(rows),) or bits.shape != (len(rows),):
            return f"{len(rows)} samples came with {stamps.size} stamps and {bits.size} flags"
        if stamps.dtype.kind not in "iu" or bits.dtype.kind not in "iu":
            return "stamps and flags must be whole numbers"
        return None

    def _misplaced(self, stamp_ns: int, clock_ns: int) -> bool:
        """Whether a sample cannot be put in time after the ones before it."""
        if self._newest_ns is not None and stamp_ns <= self._newest_ns:
            back_ms = (self._newest_ns - stamp_ns) / 1e6
            self._refuse(
                "out of order", f"{self._what} out of order: {back_ms:.1f} ms behind the newest"
            )
            return True
        if stamp_ns > clock_ns + self._max_ahead_ns:
            ahead_s = (stamp_ns - clock_ns) / NS_PER_S
            self._refuse("from the future", f"{self._what} from the future by {ahead_s:.1f} s")
            return True
        return False

    def _unusable(self, row: list[float], bits: int) -> bool:
        """Whether a sample's values must not be used."""
        if bits & Flag.INVALID:
            causes = bits & ~Flag.INVALID
            detail = f": {describe(causes)}" if causes else ""
            self._refuse("marked invalid", f"{self._what} marked invalid{detail}")
            return True
        late = "" if self.late_inputs else late_input(bits)
        if late:
            self._refuse("of late inputs", f"{late} is late: {self._what} is of what was before")
            return True
        limit = self._max_effort
        for value in row:
            if not -limit <= value <= limit:
                if not math.isfinite(value):
                    self._refuse("non-finite", f"non-finite {self._what}")
                else:
                    self._refuse("implausible", f"{self._what} of {value:.3g}, beyond +-{limit:g}")
                return True
        self._problem = None
        self.counts["good"] += 1
        return False
