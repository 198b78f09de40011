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

"""All parts of a data set, made by several processes at once, here or on a cluster."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from kpm_ros.core.settings import check_number

CONNECT_S = 10
"""How long a scheduler is waited for."""


class Part(Protocol):
    """What one process makes in one go."""

    @property
    def stem(self) -> str:
        """Its name."""


class Production(Protocol):
    """How a data set is made of parts; it is sent to the processes."""

    def open(self, root: Path) -> None:
        """Make the folder ready, or go on in one that was begun alike."""

    def parts(self) -> Sequence[Any]:
        """List everything that is to be made."""

    def make(self, part: Any, root: Path) -> bool:
        """Make a part, unless it is there already; whether there was need to."""

    def finish(self, root: Path) -> None:
        """Do what can be done only when all parts are there."""


class FinishedPart(NamedTuple):
    """One part more is there."""

    part: Part
    was_made: bool
    """Whether it was made now; otherwise it had been there."""


def produce(
    root: Path,
    production: Production,
    workers: int,
    report: Callable[[FinishedPart], None] | None = None,
    on: str = "",
) -> None:
    """Make whatever of a data set is not there yet.

    The files are the same whatever the number of processes, and however often it was interrupted.
    `on` is the address of a scheduler whose workers make the parts in place of processes here.
    """
    check_number("workers", workers, least=1, whole=True)
    production.open(root)
    parts = list(production.parts())
    if on:
        steps = _on_cluster(root, production, parts, on)
    else:
        steps = (_here if workers == 1 else _in_processes)(root, production, parts, workers)
    for step in steps:
        if report is not None:
            report(step)
    production.finish(root)


def _here(
    root: Path, production: Production, parts: list[Part], workers: int
) -> Iterator[FinishedPart]:
    for part in parts:
        yield FinishedPart(part, production.make(part, root))


def _in_processes(
    root: Path, production: Production, parts: list[Part], workers: int
) -> Iterator[FinishedPart]:
    with _processes(min(workers, len(parts))) as pool:
        with _signal_left_to_parent(signal.SIGINT):
            running: dict[Future[bool], Part] = {
                pool.submit(production.make, part, root): part for part in parts
            }
        try:
            for done in as_completed(running):
                yield FinishedPart(running[done], done.result())
        except BrokenProcessPool:
            raise OSError(
                "a working process was ended from outside, perhaps for want of memory: give the "
                "same command to go on, with fewer --workers"
            ) from None


def _on_cluster(
    root: Path, production: Production, parts: list[Part], address: str
) -> Iterator[FinishedPart]:
    """Let a Dask scheduler's workers make the parts, in a folder that all of them see."""
    try:
        from distributed import Client, as_completed
    except ModuleNotFoundError:
        raise ValueError(
            f"--on {address} needs the library distributed, which comes with "
            "`pip install 'kpm_ros[cluster]'`"
        ) from None
    root = root.resolve()
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise ValueError(f"there is no scheduler at {address}: {error}") from None
    with client:
        running = {client.submit(production.make, part, root, pure=False): part for part in parts}
        for done in as_completed(running):
            yield FinishedPart(running[done], done.result())


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
