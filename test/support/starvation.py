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

"""Measurements on a machine that others use, too: made again when processes were starved.

What is measured of real processes is only theirs when they had the processor as soon as they wanted
it. The kernel counts how long each thread stood in the queue for one (`schedstat`); that count does
not depend on anything under test. A measurement that fails is final if nobody was starved. If
somebody was, it says nothing, and is made again once nobody is; in the end it must have held.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from support.background import Background

WINDOW_S = 0.25
MOST_WAITING_S = 0.06
"""Longest time in the queue within a window with which all queues and waits of the graph cope."""
TRIED_FOR_S = 60
"""How long a test is begun again while somebody is starved."""

Pids = Callable[[], Iterable[int]]


class Starvation(Background):
    """Watches whether some processes, or this one, had to wait for the processor."""

    def __init__(self, pids: Pids) -> None:
        """Watch these processes, as many of them as there are at each moment."""
        super().__init__()
        self._pids = pids
        self.longest_s = 0.0
        """Longest time that any thread waited within a window."""

    @property
    def found(self) -> bool:
        """Whether somebody was starved."""
        return self.longest_s > MOST_WAITING_S

    def work(self) -> None:
        """Look at the end of every window, and once more in the end."""
        before, began_s = self.waited_ns(), time.monotonic()
        while True:
            last = self.stopping.wait(WINDOW_S)
            now, now_s = self.waited_ns(), time.monotonic()
            waited_s = [(now[thread] - before[thread]) / 1e9 for thread in now.keys() & before]
            # Where the whole machine stood still, nobody was in a queue, but time has passed.
            late_s = now_s - began_s - WINDOW_S
            self.longest_s = max(self.longest_s, late_s, *waited_s, 0.0)
            before, began_s = now, now_s
            if last:
                return

    def waited_ns(self) -> dict[str, int]:
        """How long each thread has waited in all."""
        waited = {}
        for pid in self._pids():
            for file in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with suppress(OSError, IndexError, ValueError):  # it may have ended just now
                    waited[str(file)] = int(file.read_text().split()[1])
        return waited


def own_processes() -> list[int]:
    """This process and all that it has started."""
    own = psutil.Process()
    return [own.pid, *(child.pid for child in own.children(recursive=True))]


def wait_until_nobody_is_starved(pids: Pids, until_s: float) -> None:
    """Wait for a second in which nobody is, but not beyond this instant of the steady clock."""
    while time.monotonic() < until_s:
        with Starvation(pids) as watch:
            time.sleep(1.0)
        if not watch.found:
            return


def measured_fairly(
    measure: Callable[[], None],
    pids: Pids,
    within_s: float,
    watching: Callable[[Pids], Starvation] = Starvation,
    wait: Callable[[Pids, float], None] = wait_until_nobody_is_starved,
) -> None:
    """Make a measurement whose assertions must hold; a failure counts when nobody was starved.

    Otherwise it is made again; no more once so many seconds have passed.
    """
    until_s, tries = time.monotonic() + within_s, 0
    while True:
        tries += 1
        with watching(pids) as watch:
            try:
                return measure()
            except (AssertionError, pytest.fail.Exception) as error:  # or waited in vain
                failure = error
        if not watch.found:
            raise failure
        print(f"try {tries} says nothing: a thread waited {watch.longest_s:.2f} s for a processor")
        if time.monotonic() > until_s:
            raise AssertionError(
                f"starved of the processor in each of {tries} tries, none of which was good: "
                "run the tests on a machine with less other work"
            ) from failure
        wait(pids, until_s)
