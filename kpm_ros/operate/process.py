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

"""One process under supervision: its output, its restarts, what it costs."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from kpm_ros.core.die_with_parent import HELD_BACK, wrapping
from kpm_ros.operate.process_ends import describe_status

CANNOT_BE_STARTED = 127
"""Exit status of a command that does not exist, as shells give it."""

KEPT_LINES = 200


@dataclass(frozen=True)
class Command:
    """A process to run: the name it goes by and its command line."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    """Its whole environment; None = this process's."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended by itself."""

    at: float
    status: int
    last_line: str

    def describe(self) -> str:
        """Say it in words: "exit status 1: no such device"."""
        return ": ".join(word for word in (describe_status(self.status), self.last_line) if word)


@dataclass(frozen=True, slots=True)
class Started:
    """A process runs."""

    name: str
    pid: int


@dataclass(frozen=True, slots=True)
class Line:
    """A process has printed a line."""

    name: str
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A process has ended."""

    name: str
    status: int


Event = Started | Line | Ended


class Supervised:
    """A process, started as often as need be, and followed by a thread of this process.

    It runs in a session of its own, without a shell, and cannot outlive the supervisor: the kernel
    ties a child's life to the thread that started it, and that thread ends after the child does.
    """

    def __init__(self, command: Command) -> None:
        """Prepare to run; nothing is started yet."""
        self.name = command.name
        self.lines: deque[str] = deque(maxlen=KEPT_LINES)
        self.pid: int | None = None
        """Process id while it runs."""
        self.running = False
        """Whether it was started and its end has not been told yet."""
        self.signal_sent: int = 0
        """How insistently it has been asked to stop: 0 not at all, 1 SIGINT, 2 SIGTERM, 3 KILL."""
        self.ends: list[End] = []
        """Each time that it ended by itself."""
        self.restarts = 0
        self.due: float | None = None
        """When it is started again; None = not waiting for that."""
        self._command = command
        self._child: subprocess.Popen[bytes] | None = None

    def launch(self, events: queue.Queue[Event]) -> None:
        """Start it; everything it does from here on arrives as events."""
        self.pid, self.due, self.signal_sent, self.running = None, None, 0, True
        self._child = None
        threading.Thread(target=self._follow, args=(events,), name=self.name, daemon=True).start()

    def _follow(self, events: queue.Queue[Event]) -> None:
        # This thread's children begin with what it blocks, until they can be stopped in good order.
        signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
        try:
            self._child = child = self._popen()
        except OSError as error:
            events.put(Line(self.name, datetime.now(), f"cannot be started: {error}"))
            events.put(Ended(self.name, CANNOT_BE_STARTED))
            return
        events.put(Started(self.name, child.pid))
        assert child.stdout is not None
        with child.stdout:
            for line in child.stdout:
                text = line.decode("utf-8", "replace").rstrip()
                events.put(Line(self.name, datetime.now(), text))
        events.put(Ended(self.name, child.wait()))

    def _popen(self) -> subprocess.Popen[bytes]:
        env = self._command.env
        return subprocess.Popen(
            [*wrapping(), *self._command.argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(env) if env is not None else None,
        )

    def send(self, number: int) -> None:
        """Send a signal to it and to everything that it has started."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    @property
    def last_line(self) -> str:
        """Last thing that it said."""
        return next((line.strip() for line in reversed(self.lines) if line.strip()), "")

    def sweep(self) -> None:
        """Once it has ended, end what it left behind: such leftovers also keep its output open."""
        if self._child is not None and self._child.poll() is not None:
            self.send(signal.SIGKILL)
