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

"""What processes cost: CPU time and memory, with everything that they have started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import psutil

TOTAL = "total"
"""Name under which the sum of all processes stands beside them."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far."""

    cpu_s: float = 0.0
    """CPU time, that of earlier starts under the same name included."""
    memory_bytes: int = 0


Reading = tuple[float, Mapping[str, Usage]]
"""An instant in seconds, and what every process had used by then."""


def cores(before: Reading, after: Reading) -> dict[str, float]:
    """CPU time per second of wall time between two readings: of each process, and in all."""
    span = max(after[0] - before[0], 1e-9)
    used = {
        name: (usage.cpu_s - before[1].get(name, Usage()).cpu_s) / span
        for name, usage in after[1].items()
    }
    return {**used, TOTAL: sum(used.values())}


class UsageMeter:
    """Reads the cost of named processes, across restarts."""

    def __init__(self) -> None:
        """Begin with nothing used."""
        self._seen: dict[str, tuple[int, float]] = {}
        self._before: dict[str, float] = defaultdict(float)

    def read(self, pids: Mapping[str, int | None]) -> dict[str, Usage]:
        """Read all processes in one pass over the machine's."""
        children = _children()
        return {name: self._one(name, pid, children) for name, pid in pids.items()}

    def _one(
        self, name: str, pid: int | None, children: Mapping[int, list[psutil.Process]]
    ) -> Usage:
        seen_pid, seen_cpu = self._seen.get(name, (None, 0.0))
        if pid is None:
            return Usage(self._before[name] + seen_cpu)
        if seen_pid is not None and pid != seen_pid:
            self._before[name] += seen_cpu
            seen_cpu = 0.0
        cpu, memory = _tree(pid, children)
        # A process that has just ended reads as nothing; what it used does not come back.
        cpu = max(cpu, seen_cpu)
        self._seen[name] = (pid, cpu)
        return Usage(self._before[name] + cpu, memory)


def _children() -> dict[int, list[psutil.Process]]:
    found: dict[int, list[psutil.Process]] = defaultdict(list)
    for process in psutil.process_iter():
        try:
            found[process.ppid()].append(process)
        except psutil.Error:
            continue
    return found


def _tree(pid: int, children: Mapping[int, list[psutil.Process]]) -> tuple[float, int]:
    """Sum up a process, those it has started, and the CPU time of those that have ended."""
    cpu, memory = 0.0, 0
    try:
        waiting = [psutil.Process(pid)]
    except psutil.Error:
        return cpu, memory
    while waiting:
        process = waiting.pop()
        try:
            with process.oneshot():
                times = process.cpu_times()
                memory += process.memory_info().rss
        except psutil.Error:
            continue
        cpu += times.user + times.system + times.children_user + times.children_system
        waiting += children.get(process.pid, [])
    return cpu, memory
