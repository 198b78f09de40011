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

"""A switch that somebody must hold: let go, silent, old or contradicted, it counts as released."""

from __future__ import annotations

from kpm_ros.act.arming import Cause, Fault
from kpm_ros.act.safety import Now
from kpm_ros.act.sender import SILENT_NS
from kpm_ros.core.grid import NS_PER_S

RELEASED = Fault(Cause.DEAD_MAN, "the dead-man switch is released")


class DeadMan:
    """Follows the messages of a switch; it is held only while these say so, one after the other.

    >>> switch = DeadMan(timeout_s=0.05)
    >>> switch.push(True, stamp_ns=100, publisher=b"pedal", now=Now(100, 7))
    >>> switch.fault(Now(100, 7)) is None
    True
    >>> switch.fault(Now(60_000_100, 60_000_007)).reason
    'the dead-man switch has been silent for 60 ms'
    """

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s`: silence, or age by its own stamp, after which it counts as released."""
        self.timeout_s = timeout_s
        self._problem: Fault | None = Fault(Cause.DEAD_MAN, "the dead-man switch is not heard")
        self._publisher: bytes | None = None
        self._stamp_ns = self._rivals_until_ns = 0
        self._heard_ns: int | None = None

    def push(self, held: bool, stamp_ns: int, publisher: bytes, now: Now) -> None:
        """Take a message of the switch that came in at this time."""
        rival = self._heard_ns is not None and publisher != self._publisher
        if rival and self._silent_ns(now) <= self._timeout_ns:
            self._rivals_until_ns = now.steady_ns + SILENT_NS
            return
        if not rival and self._heard_ns is not None and stamp_ns <= self._stamp_ns:
            return  # said before: it does not keep the switch held
        self._publisher, self._stamp_ns, self._heard_ns = publisher, stamp_ns, now.steady_ns
        self._problem = None if held else RELEASED

    def fault(self, now: Now) -> Fault | None:
        """Say why the switch is not held at this instant; None where it is."""
        if now.steady_ns < self._rivals_until_ns:
            return Fault(Cause.DEAD_MAN, "two publishers speak for the dead-man switch")
        if self._problem is not None:
            return self._problem
        silent_ns = self._silent_ns(now)
        if silent_ns > self._timeout_ns:
            ms = silent_ns / 1e6
            return Fault(Cause.DEAD_MAN, f"the dead-man switch has been silent for {ms:.0f} ms")
        age_ns = now.clock_ns - self._stamp_ns
        if abs(age_ns) > self._timeout_ns:
            ms = age_ns / 1e6
            return Fault(Cause.DEAD_MAN, f"the dead-man switch told of {ms:.0f} ms ago")
        return None

    @property
    def _timeout_ns(self) -> int:
        return round(self.timeout_s * NS_PER_S)

    def _silent_ns(self, now: Now) -> int:
        return now.steady_ns - (self._heard_ns or 0)
