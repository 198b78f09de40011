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

"""The real graph, fed by simulated devices that a test can break, and watched all the while."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

import psutil
import rclpy

from kpm_ros.core.resources import DEFAULT_MODEL, find_model
from kpm_ros.models.weight_files import load_model, save_model
from support.asking import armed
from support.clock import SettableClock
from support.graph import RunningGraph
from support.player import Player, as_it_is
from support.starvation import TRIED_FOR_S, measured_fairly
from support.waiting import wait_for
from support.witness import Witness

NODES = ("synchronizer", "inference", "exo")
SIGNS_OF_OVERLOAD = {
    "inference": ("dropped_inputs", "lost_inputs", "withheld", "bridged"),
    "synchronizer": ("clock_steps", "late"),
}
"""Figures by which nodes say that they had too little time."""
GROWTH_BYTES = 40e6
"""No node may be larger by this after faults than it was before them."""


class Stage:
    """A graph with `source:=topics`, its devices, and a witness; use it in a `with` block."""

    def __init__(
        self,
        context: Any,
        namespace: str,
        options: Sequence[str] = (),
        *,
        settable: bool = False,
        command: str = "assist/command",
    ) -> None:
        """Prepare a pipeline in a namespace of its own, on the host's clock or a settable one.

        `command`: the topic on which torque is looked for.
        """
        self._command = command
        options = [*options, "use_sim_time:=true"] if settable else options
        self.namespace = namespace
        self._options = ["source:=topics", "gesture:=false", *options]
        self.clock: SettableClock | None = None
        self._settable = settable
        self._context = context
        self._stack = ExitStack()
        self._pids: dict[str, int | None] = {}
        self._sizes: dict[str, int] = {}
        self._before = (0, 0)
        self.place = 0
        """Samples that had been received when the test began."""

    def __enter__(self) -> Stage:
        """Start everything, and wait until effort is well and assistance armed."""
        self.node = rclpy.create_node(
            "stage", namespace=f"/{self.namespace}", context=self._context
        )
        self._stack.callback(self.node.destroy_node)
        folder = Path(self._stack.enter_context(TemporaryDirectory()))
        self.graph = RunningGraph(self.namespace, [*self._options, f"model:={_needy(folder)}"])
        self._stack.enter_context(self.graph)
        now_ns = time.time_ns
        if self._settable:
            self.clock = self._stack.enter_context(SettableClock(self.node))
            now_ns = self.clock.now_ns
        self.witness = self._stack.enter_context(
            Witness(self.node, self.namespace, clock_steps=self._settable, command=self._command)
        )
        self.player = self._stack.enter_context(Player(self.node, self.namespace, now_ns=now_ns))
        self.witness.wait_until_well()
        self.wait_for_torque()
        self._pids = {name: self.graph.pid_of(name) for name in NODES}
        self._sizes = {name: self.memory(name) for name in NODES}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop everything."""
        if error is not None:
            print(self.graph.output)
        self._stack.close()

    def memory(self, node: str) -> int:
        """Resident memory of a node in bytes."""
        pid = self.graph.pid_of(node)
        return int(psutil.Process(pid).memory_info().rss) if pid else 0

    def wait_for_torque(self) -> None:
        """Wait until the exoskeleton is moved, armed again where it is not."""

        def moved() -> bool:
            if any(self.witness.torque):
                return True
            armed(self._context, self.node, self.namespace)
            return False

        wait_for(moved, "torque", 30)

    def accept_restart(self, node: str) -> None:
        """Take it for right that a node is another process than it was."""
        wait_for(lambda: self.graph.pid_of(node) not in (None, self._pids[node]), f"another {node}")
        self._pids[node] = self.graph.pid_of(node)
        self.accept_start(node)

    def accept_start(self, node: str) -> None:
        """Take it for right that a node started, and made others late by that."""
        self.witness.wait_for_news(node)
        # A node that starts takes so much of the machine's time that this process may be late.
        self.witness.old_s = []

    def wait_for_no_torque(self) -> None:
        """Wait until it is not."""
        wait_for(lambda: not any(self.witness.torque), "torque to be zero")

    def begin(self) -> None:
        """See that all is well before the next fault."""
        self.witness.wait_until_well()
        self.witness.forget_reports()
        self.witness.in_hand, self.witness.old_s = 0, []
        self._before = (self.witness.reader.lost, self.witness.reader.out_of_order)
        self.place = self.witness.taken

    def assert_no_gap(self) -> None:
        """No sample was lost or out of order since the test began."""
        now = (self.witness.reader.lost, self.witness.reader.out_of_order)
        what = f"{self._before} became {now}"
        assert now == self._before, f"{what}: {self._told_signs()}"

    def assert_valid(self) -> None:
        """No sample was invalid since the test began."""
        said = self.witness.flags_since(self.place)
        assert self.witness.since(self.place).valid.all(), f"{said!r}: {self._told_signs()}"

    def try_fairly(self, test: Callable[[], None]) -> None:
        """Run a test's body; again, from a graph that is well, where the graph was starved."""

        def from_the_beginning() -> None:
            self.begin()
            test()

        measured_fairly(from_the_beginning, self._all_pids, TRIED_FOR_S)

    def _all_pids(self) -> list[int]:
        """The graph's processes, and this one."""
        found = (self.graph.pid_of(name) for name in NODES)
        return [os.getpid(), *(pid for pid in found if pid is not None)]

    def _told_signs(self) -> dict[str, int]:
        """What nodes last said about having had too little time."""
        return {
            name: int(self.witness.values(node).get(name, 0))
            for node, names in SIGNS_OF_OVERLOAD.items()
            for name in names
        }

    def end(self) -> None:
        """Devices are whole again: so is effort, and nothing crashed, grew, or broke a rule."""
        self.player.alter = as_it_is
        self.witness.wait_until_well()
        assert not self.witness.broken, self.witness.broken
        assert not self.witness.old_s, self.witness.old_s
        pids = {name: self.graph.pid_of(name) for name in NODES}
        assert pids == self._pids, f"a node was started again: {self._pids} became {pids}"
        grown = {name: self.memory(name) - self._sizes[name] for name in NODES}
        assert max(grown.values()) < GROWTH_BYTES, grown

    @contextmanager
    def altered(self, alter: Callable[[Any], Any]) -> Iterator[None]:
        """Let the devices be broken for a while."""
        before, self.player.alter = self.player.alter, alter
        try:
            yield
        finally:
            self.player.alter = before

    @contextmanager
    def stopped(self, node: str) -> Iterator[None]:
        """Let a node stand still for a while, as on a machine that has no time for it."""
        process = psutil.Process(self.graph.pid_of(node))
        process.suspend()
        try:
            yield
        finally:
            self.witness.in_hand += 1
            process.resume()

    def starve(self, node: str, share: float, seconds: float, period_s: float = 0.05) -> None:
        """Leave a node only so large a share of the time."""
        process = psutil.Process(self.graph.pid_of(node))
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                process.suspend()
                time.sleep(period_s * (1 - share))
                self.witness.in_hand += 1
                process.resume()
                time.sleep(period_s * share)
        finally:
            process.resume()


def _needy(folder: Path) -> Path:
    """Give the shipped model as one that needs every sense, whatever it was trained for."""
    card, tensors = load_model(find_model(DEFAULT_MODEL))
    path = folder / "needy.safetensors"
    save_model(path, replace(card, optional=()), tensors)
    return path


def namespaces(prefix: str) -> Iterator[str]:
    """Names that no other test run uses."""
    number = 0
    while True:
        number += 1
        yield f"{prefix}_{os.getpid()}_{number}"
