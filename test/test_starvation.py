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

"""A measurement is made again only when processes were starved, and in the end it must hold."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest

from support.starvation import Starvation, measured_fairly
from support.waiting import wait_for

BUSY = "while True: pass"


class Watched:
    """Stands for a watch whose findings the test decides."""

    longest_s = 1.0

    def __init__(self, found: bool) -> None:
        self.found = found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def tried(results, starved, within_s=60.0):
    """Measure with these results, in tries that were starved or not; give how many it took."""
    results, starved, tries = iter(results), iter(starved), []

    def measure():
        tries.append(1)
        assert next(results)

    watching = lambda pids: Watched(next(starved))  # noqa: E731
    measured_fairly(measure, list, within_s, watching, lambda pids, until_s: None)
    return len(tries)


def test_what_holds_is_not_measured_again_whoever_was_starved():
    assert tried([True], [False]) == tried([True], [True]) == 1


def test_what_fails_is_final_where_nobody_was_starved():
    with pytest.raises(AssertionError):
        tried([False, True], [False, False])


def test_what_fails_while_somebody_is_starved_is_measured_again_and_must_hold():
    assert tried([False, False, True], [True, True, True]) == 3
    with pytest.raises(AssertionError):
        tried([False, False, True], [True, False, True])


def test_waiting_in_vain_is_a_failure_like_others():
    tries = []

    def measure():
        tries.append(1)
        wait_for(lambda: len(tries) == 2, "the second try", 0.05)

    measured_fairly(measure, list, 60.0, lambda pids: Watched(True), lambda pids, until_s: None)
    assert len(tries) == 2


def test_it_fails_in_the_end_where_no_try_was_good():
    with pytest.raises(AssertionError, match="starved of the processor in each of 1 tries"):
        tried([False, True], [True, True], within_s=-1.0)


def test_processes_that_wait_for_a_core_are_found_to_be_starved():
    core = min(os.sched_getaffinity(0))
    crowd = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(8)]
    try:
        for process in crowd:
            psutil.Process(process.pid).cpu_affinity([core])
        with Starvation(lambda: [crowd[0].pid]) as watch:
            wait_for(lambda: watch.found, "a thread that waited")
    finally:
        for process in crowd:
            process.kill()
            process.wait()


def test_a_process_that_sleeps_or_stands_still_is_not_starved():
    asleep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    try:
        process = psutil.Process(asleep.pid)
        process.suspend()
        wait_for(lambda: process.status() == psutil.STATUS_STOPPED, "it to stand still")
        watch = Starvation(lambda: [asleep.pid])
        before = watch.waited_ns()
        time.sleep(0.3)
        assert before
        assert watch.waited_ns() == before
    finally:
        asleep.kill()
        asleep.wait()
