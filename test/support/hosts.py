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

"""Two hosts on one machine: network namespaces with a cable between them, shaped if wanted.

Only addresses within these namespaces are used; nothing of it reaches the machine's own network.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest

from support.background import Background

A, B = "a", "b"
ADDRESSES = {A: "10.213.0.1/24", B: "10.213.0.2/24"}
TUN = Path("/dev/net/tun")
TUNSETIFF, TAP_WITHOUT_HEADER = 0x400454CA, 0x0002 | 0x1000
LONGEST_FRAME = 65_536


class Hosts:
    """Hosts `A` and `B`; what A sends can be delayed and lost on the way. Use in a `with` block."""

    def __init__(self, *, delay_s: float = 0.0, jitter_s: float = 0.0, loss: float = 0.0) -> None:
        """Say what the way from A to B does to packets."""
        self._shape = (delay_s, jitter_s, loss)
        self._stack = ExitStack()
        self.shaped_by = "nobody"

    def __enter__(self) -> Hosts:
        """Make hosts and cable; skips, saying so, where that is not allowed."""
        if os.geteuid() != 0:
            pytest.skip("making network namespaces needs root")
        try:
            with ExitStack() as stack:
                self._make(stack)
                self._stack = stack.pop_all()
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", "") or str(error)
            pytest.skip(f"no network namespaces can be made here: {said.strip()}")
        return self

    def __exit__(self, *error: object) -> None:
        """Take everything down again, whatever happened."""
        self._stack.close()

    def start(
        self, host: str, command: Sequence[str], env: Mapping[str, str], log: IO[str]
    ) -> subprocess.Popen[Any]:
        """Run a command on a host; it is ended with the hosts at the latest."""
        process = subprocess.Popen(
            ["ip", "netns", "exec", self._name(host), *command],
            env={**os.environ, **env},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        self._stack.callback(_end, process)
        return process

    def _name(self, host: str) -> str:
        return f"kpm{os.getpid()}{host}"

    def _make(self, stack: ExitStack) -> None:
        for host in (A, B):
            ip("netns", "add", self._name(host))
            stack.callback(ip, "netns", "del", self._name(host))
        if not any(self._shape):
            self._lay_cable()
        else:
            self._lay_shaped_cable(stack)
        for host, address in ADDRESSES.items():
            ip("-n", self._name(host), "addr", "add", address, "dev", "wire")
            for device in ("lo", "wire"):
                ip("-n", self._name(host), "link", "set", device, "up")

    def _lay_cable(self) -> None:
        ends = [["wire", "netns", self._name(host)] for host in (A, B)]
        ip("link", "add", *ends[0], "type", "veth", "peer", "name", *ends[1])

    def _lay_shaped_cable(self, stack: ExitStack) -> None:
        """Let the kernel shape what A sends, or this process where the kernel cannot."""
        delay_s, jitter_s, loss = self._shape
        self._lay_cable()
        netem = ["netem", "delay", f"{delay_s * 1e3}ms", f"{jitter_s * 1e3}ms", "loss", f"{loss:%}"]
        words = ["tc", "-n", self._name(A), "qdisc", "add", "dev", "wire", "root", *netem]
        if subprocess.run(words, capture_output=True, check=False).returncode == 0:
            self.shaped_by = "the kernel"
            return
        if not TUN.exists():
            pytest.skip("this kernel has neither sch_netem nor TAP devices to shape a network with")
        ip("-n", self._name(A), "link", "del", "wire")
        stack.enter_context(ShapedCable(self._name(A), self._name(B), delay_s, jitter_s, loss))
        self.shaped_by = "this process, because the kernel has no sch_netem"


class ShapedCable(Background):
    """Two network devices, between which this process carries every frame, late or not at all."""

    def __init__(
        self, sender: str, receiver: str, delay_s: float, jitter_s: float, loss: float
    ) -> None:
        """Lay it between two namespaces; only what `sender` sends is shaped."""
        super().__init__()
        self._delay_s, self._jitter_s, self._loss = delay_s, jitter_s, loss
        self._draw = random.Random(1)
        self._ends = [_tap(sender), _tap(receiver)]

    def clean_up(self) -> None:
        """Take the devices away with their files."""
        for end in self._ends:
            os.close(end)

    def work(self) -> None:
        """Carry."""
        sender, receiver = self._ends
        under_way: list[tuple[float, int, bytes]] = []
        count = 0
        while not self.stopping.is_set():
            wait_s = min(0.1, max(0.0, under_way[0][0] - time.monotonic())) if under_way else 0.1
            ready, _, _ = select.select(self._ends, [], [], wait_s)
            if receiver in ready:
                _write(sender, os.read(receiver, LONGEST_FRAME))
            if sender in ready:
                frame = os.read(sender, LONGEST_FRAME)
                count += 1
                if self._draw.random() >= self._loss:
                    late_s = self._delay_s + self._draw.uniform(-1, 1) * self._jitter_s
                    heapq.heappush(under_way, (time.monotonic() + late_s, count, frame))
            while under_way and under_way[0][0] <= time.monotonic():
                _write(receiver, heapq.heappop(under_way)[2])


def ip(*words: str) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


def _tap(namespace: str) -> int:
    """Make a network device called `wire` in a namespace; this file is its other end."""
    end = os.open(TUN, os.O_RDWR)
    try:
        name = f"{namespace}w"
        fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), TAP_WITHOUT_HEADER))
        ip("link", "set", name, "netns", namespace)
        ip("-n", namespace, "link", "set", name, "name", "wire")
    except BaseException:
        os.close(end)
        raise
    return end


def _write(end: int, frame: bytes) -> None:
    # A device that is not up, or is full, loses the frame, as a cable would.
    with contextlib.suppress(OSError):
        os.write(end, frame)


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
