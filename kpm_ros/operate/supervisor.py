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

"""Runs the processes of a graph, starts again what crashes, and leaves nothing behind."""

from __future__ import annotations

import queue
import signal
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from kpm_ros.act.arming import TRACE
from kpm_ros.operate.process import Command, End, Ended, Event, Line, Started, Supervised
from kpm_ros.operate.process_ends import (
    ASKED_ENDS,
    HEALTHY,
    REFUSED,
    UNHEALTHY,
    Policy,
    describe_status,
)
from kpm_ros.operate.usage import Usage, UsageMeter

SENTENCE_PREFIX = "kpm_ros: "
"""How a node's sentence for the user begins, whatever else its libraries print."""

OWN_NAME = "kpm"
"""Name under which the supervisor itself speaks."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)

INTERRUPTED_AT_START = "KeyboardInterrupt"
"""Last line of a Python process that was asked to stop before it could do so in good order."""


class Supervisor:
    """Runs processes until it is told to stop or one of them is past help.

    Nothing happens between calls of `step`, and `step` never blocks longer than it is told: whoever
    has other things to do calls it now and then, whoever has not calls `run`.
    """

    def __init__(
        self,
        commands: Iterable[Command],
        policy: Policy | None = None,
        listener: Callable[[Line], None] | None = None,
    ) -> None:
        """Prepare to run the commands; the listener is given every line that they print."""
        self.policy = policy or Policy()
        self.processes = {command.name: Supervised(command) for command in commands}
        self._listener = listener
        self._meter = UsageMeter()
        self._events: queue.Queue[Event] = queue.Queue()
        self._stop_since: float | None = None
        self._hurries = 0
        self._refusals: list[str] = []
        self._problems: list[str] = []
        self._culprits: list[str] = []

    def start(self) -> None:
        """Start every process."""
        for process in self.processes.values():
            process.launch(self._events)

    def run(self, stop_requests: Callable[[], int] = lambda: 0) -> int:
        """Start, go on until as many stops are requested as it takes, and give the exit status."""
        with self:
            heeded = 0
            while not self.finished:
                self.step(0.1)
                if stop_requests() > heeded:
                    heeded += 1
                    self.stop()
        return self.exit_status

    def stop(self) -> None:
        """Begin to stop everything; asked again, lose patience."""
        if self._stop_since is None:
            self._stop_since = time.monotonic()
        else:
            self._hurries += 1
        for process in self.processes.values():
            process.due = None

    def step(self, timeout_s: float = 0.0) -> None:
        """Take in what has happened and do what is due, waiting at most this long for news."""
        wait = timeout_s
        try:
            while True:
                self._take(self._events.get(timeout=wait) if wait else self._events.get_nowait())
                wait = 0.0
        except queue.Empty:
            pass
        now = time.monotonic()
        for process in self.processes.values():
            if process.due is not None and process.due <= now:
                process.restarts += 1
                process.launch(self._events)
            elif process.running:
                self._press(process, now)
                process.sweep()

    @property
    def stopping(self) -> bool:
        """Whether everything is being stopped."""
        return self._stop_since is not None

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing will."""
        return not any(p.running or p.due is not None for p in self.processes.values())

    @property
    def exit_status(self) -> int:
        """0 = healthy, 1 = something ended that should not have, 2 = configuration refused."""
        if self._refusals:
            return REFUSED
        return UNHEALTHY if self.problems else HEALTHY

    @property
    def problems(self) -> list[str]:
        """What was wrong with the run, one sentence each; the weightiest comes last."""
        crashes = [
            f"{name} ended by itself {_times(len(process.ends))} ({process.ends[-1].describe()})"
            for name, process in self.processes.items()
            if process.ends
        ]
        return [*crashes, *self._problems, *self._refusals]

    def usage(self) -> dict[str, Usage]:
        """CPU time and memory of each process, with everything that it has started."""
        return self._meter.read({name: process.pid for name, process in self.processes.items()})

    def last_words(self, count: int = 8) -> list[str]:
        """Last lines of the processes that ended the run, each after the process's name."""
        return [
            f"{name} | {line}"
            for name in self._culprits
            for line in list(self.processes[name].lines)[-count:]
        ]

    def trace(self) -> list[str]:
        """Tell when machines were armed and disarmed, and by what, as their nodes ended with."""
        return [
            f"{name}: {words}"
            for name, process in self.processes.items()
            for _, found, words in (line.partition(TRACE) for line in process.lines)
            if found
        ]

    def __enter__(self) -> Supervisor:
        """Start within a `with` block."""
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop everything at the block's end, whatever ended it."""
        while not self.finished:
            if not self.stopping:
                self.stop()
            self.step(0.1)

    def _take(self, event: Event) -> None:
        process = self.processes[event.name]
        if isinstance(event, Line):
            process.lines.append(event.text)
            self._tell(event)
        elif isinstance(event, Started):
            process.pid = event.pid
        elif isinstance(event, Ended):
            process.running = False
            process.send(signal.SIGKILL)  # reaches only what it left behind
            process.pid = None
            self._ended(process, event.status)

    def _ended(self, process: Supervised, status: int) -> None:
        if status == REFUSED:
            self._refusals.append(_refusal(process))
            self._give_up(process)
        elif self.stopping:
            if process.signal_sent == len(STOP_SIGNALS):
                self._problems.append(f"{process.name} did not stop when asked and was killed")
            elif status not in ASKED_ENDS and process.last_line != INTERRUPTED_AT_START:
                reason = ": ".join([describe_status(status), *_own_words(process)[-1:]])
                self._problems.append(f"{process.name} failed while stopping ({reason})")
                self._culprits.append(process.name)
        else:
            self._fell(process, status)

    def _fell(self, process: Supervised, status: int) -> None:
        now = time.monotonic()
        end = End(now, status, process.last_line)
        process.ends.append(end)
        recent = sum(1 for earlier in process.ends if now - earlier.at <= self.policy.window_s)
        if not self.policy.respawn:
            self._give_up(process)
        elif recent > self.policy.limit:
            self._problems.append(self.policy.too_often(process.name))
            self._give_up(process)
        else:
            longest = self.policy.longest_delay_s
            delay = min(self.policy.first_delay_s * 2 ** (recent - 1), longest)
            process.due = now + delay
            self._say(f"{process.name} ended by itself ({end.describe()}): again in {delay:.1f} s")

    def _give_up(self, process: Supervised) -> None:
        if process.name not in self._culprits:
            self._culprits.append(process.name)
        if not self.stopping:
            self.stop()

    def _press(self, process: Supervised, now: float) -> None:
        """Ask a process to stop, as insistently as is due."""
        if self._stop_since is None or process.pid is None:
            return
        waited = now - self._stop_since
        grace = self.policy.interrupt_grace_s
        level = 1 + (waited > grace) + (waited > grace + self.policy.terminate_grace_s)
        level = min(level + self._hurries, len(STOP_SIGNALS))
        if level > process.signal_sent:
            process.signal_sent = level
            process.send(STOP_SIGNALS[level - 1])

    def _say(self, words: str) -> None:
        self._tell(Line(OWN_NAME, datetime.now(), words))

    def _tell(self, line: Line) -> None:
        if self._listener is not None:
            try:
                self._listener(line)
            except OSError:
                self._listener = None  # nobody reads any more, such as a closed terminal


def _refusal(process: Supervised) -> str:
    """Find the sentence by which a process refused its configuration: the last one it said."""
    said = [line for line in process.lines if line.strip()]
    return (_own_words(process) or said or [f"{process.name} refused its configuration"])[-1]


def _own_words(process: Supervised) -> list[str]:
    """Sentences of a process for the user."""
    return [
        line[len(SENTENCE_PREFIX) :] for line in process.lines if line.startswith(SENTENCE_PREFIX)
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
