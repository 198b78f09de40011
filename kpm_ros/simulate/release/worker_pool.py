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

"""All performances of a data set, made by several processes at once."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from typing import NamedTuple

from kpm_ros.core.settings import check_number
from kpm_ros.simulate.release.folder import finish_folder, open_folder
from kpm_ros.simulate.release.performance import make
from kpm_ros.simulate.release.request import Performance, Request


class FinishedPerformance(NamedTuple):
    """One performance more is there."""

    performance: Performance
    was_made: bool
    """Whether it was simulated now; otherwise it had been there."""


def make_release(
    root: Path,
    request: Request,
    workers: int,
    report: Callable[[FinishedPerformance], None] | None = None,
) -> None:
    """Simulate whatever of a data set is not there yet.

    The files are the same whatever the number of processes, and however often it was interrupted.
    """
    check_number("workers", workers, least=1, whole=True)
    open_folder(root, request)
    performances = list(request.performances())
    steps = _here if workers == 1 else _in_processes
    for step in steps(root, request, performances, workers):
        if report is not None:
            report(step)
    finish_folder(root, request)


def _here(
    root: Path, request: Request, performances: list[Performance], workers: int
) -> Iterator[FinishedPerformance]:
    for performance in performances:
        yield FinishedPerformance(performance, make(request, performance, root))


def _in_processes(
    root: Path, request: Request, performances: list[Performance], workers: int
) -> Iterator[FinishedPerformance]:
    with _processes(min(workers, len(performances))) as pool:
        with _signal_left_to_parent(signal.SIGINT):
            running: dict[Future[bool], Performance] = {
                pool.submit(make, request, performance, root): performance
                for performance in performances
            }
        try:
            for done in as_completed(running):
                yield FinishedPerformance(running[done], done.result())
        except BrokenProcessPool:
            raise OSError(
                "a simulating process was ended from outside, perhaps for want of memory: give the "
                "same command to go on, with fewer --workers"
            ) from None


@contextmanager
def _processes(count: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes that end with the block at once, whatever they are doing then."""
    others = multiprocessing.active_children()
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(count, spawn, initializer=_tie_to_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in multiprocessing.active_children():
            if child not in others:
                child.terminate()
        raise
    finally:
        pool.shutdown(wait=True)


@contextmanager
def _signal_left_to_parent(number: signal.Signals) -> Iterator[None]:
    """Start processes that never see a signal, which Ctrl-C sends to all of a terminal's."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _tie_to_parent() -> None:
    """End this process when the one that started it has ended, in whatever way."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
