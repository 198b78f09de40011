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

"""Whether the drive says that it does what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from kpm_ros.act.arming import Cause, Fault
from kpm_ros.act.safety import Now
from kpm_ros.core.grid import NS_PER_S

MOST_WAITING = 2000
"""Commands that are remembered until they are echoed; more than are sent within any timeout."""


class DriveEcho(NamedTuple):
    """What the relay at a drive last said."""

    session: int
    """Of the newest command that it took."""
    sequence: int
    following: bool
    reason: str
    joints: tuple[str, ...]


class DriveWatch:
    """Compares what was sent with what comes back."""

    def __init__(self, joints: Sequence[str], session: int, timeout_s: float) -> None:
        """`timeout_s`: how long a command may wait for its echo, or the drive not follow."""
        self.timeout_s = timeout_s
        self._joints = tuple(joints)
        self._session = session
        self._waiting: dict[int, int] = {}
        """Steady instants at which commands were sent that are not echoed yet, by sequence."""
        self._echo: DriveEcho | None = None
        self._echoed = False
        self._astray_ns: int | None = None
        """Since when the drive has not followed."""

    def sent(self, sequence: int, now: Now) -> None:
        """Note that a command has been sent."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[sequence] = now.steady_ns

    def push(self, echo: DriveEcho, now: Now) -> None:
        """Take what the drive says."""
        self._echo = echo
        if echo.session == self._session:
            self._echoed = True
            self._waiting = {n: ns for n, ns in self._waiting.items() if n > echo.sequence}
        if echo.following:
            self._astray_ns = None
        elif self._astray_ns is None:
            self._astray_ns = now.steady_ns

    def fault(self, now: Now) -> Fault | None:
        """Say why the drive cannot be relied on at this instant; None where it can."""
        echo = self._echo
        if echo is None:
            return Fault(Cause.DRIVE, "the drive has not echoed any command")
        lacking = [joint for joint in self._joints if joint not in echo.joints]
        if lacking:
            return Fault(
                Cause.DRIVE,
                f"the drive lacks the joint {', '.join(lacking)}; it has {', '.join(echo.joints)}",
            )
        if not self._echoed:
            return Fault(Cause.DRIVE, "the drive has not echoed a command of ours yet")
        waited_ns = now.steady_ns - next(iter(self._waiting.values()), now.steady_ns)
        if waited_ns > self._timeout_ns:
            return Fault(Cause.DRIVE, f"the drive has echoed nothing for {waited_ns / 1e6:.0f} ms")
        if self._astray_ns is not None and now.steady_ns - self._astray_ns > self._timeout_ns:
            return Fault(Cause.DRIVE, f"the drive does not follow: {echo.reason}")
        return None

    @property
    def _timeout_ns(self) -> float:
        return self.timeout_s * NS_PER_S
