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

"""What it means that a process of the graph has ended: as asked, refused, once, or too often."""

from __future__ import annotations

import signal
from collections import defaultdict
from dataclasses import dataclass

HEALTHY, UNHEALTHY, REFUSED = 0, 1, 2
"""Exit statuses of a run, and of a process: by the last one, a process says that its configuration
is wrong, so that trying again is useless."""

ASKED_ENDS = (0, -signal.SIGINT, -signal.SIGTERM, 128 + signal.SIGINT, 128 + signal.SIGTERM)
"""Statuses of a process that ended because it was asked to."""


@dataclass(frozen=True)
class Policy:
    """When a process that ended by itself is started again, and how patiently one is stopped."""

    respawn: bool = True
    first_delay_s: float = 0.2
    longest_delay_s: float = 5.0
    limit: int = 5
    """More restarts of one process than this within the window make the run unhealthy."""
    window_s: float = 60.0
    interrupt_grace_s: float = 5.0
    terminate_grace_s: float = 2.0

    def too_often(self, name: str) -> str:
        """Say that a process was started again as often as is worth trying."""
        return (
            f"{name} was started again {self.limit} times within {self.window_s:g} s and ended "
            "each time: everything is stopped"
        )


class LaunchEnds:
    """Decides for `ros2 launch` whether the end of one of its processes is the end of the run."""

    def __init__(self, policy: Policy) -> None:
        """Remember nothing yet."""
        self._policy = policy
        self._ends: dict[str, list[float]] = defaultdict(list)

    def why_over(self, name: str, status: int, stopping: bool, now_s: float) -> str:
        """Say why the run is over, as failed, now that a process has ended; empty = it is not."""
        if status == REFUSED:
            return f"{name} refused its configuration, as it says above"
        if stopping:
            asked = status in ASKED_ENDS
            return "" if asked else f"{name} failed while stopping ({describe_status(status)})"
        ends = self._ends[name]
        ends.append(now_s)
        if not self._policy.respawn:
            return f"{name} ended by itself ({describe_status(status)})"
        recent = [end for end in ends if now_s - end <= self._policy.window_s]
        return self._policy.too_often(name) if len(recent) > self._policy.limit else ""


def describe_status(status: int) -> str:
    """Put an exit status in words: "killed by SIGSEGV" or "exit status 1"."""
    if status >= 0:
        return f"exit status {status}"
    try:
        return f"killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"killed by signal {-status}"
