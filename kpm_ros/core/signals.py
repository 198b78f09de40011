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

"""Requests to stop (Ctrl-C, SIGTERM, a closed terminal), from a program's first line to its end.

An exception raised by a signal's handler is lost where none can pass, such as in what a compiler
calls back. So requests are counted, and whatever takes long looks whether there is one.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

INSIST_AFTER_S = 0.01
"""Pause after which an interrupt that was lost is raised again."""


class StopRequested(BaseException):
    """Work was given up, because the program is to stop."""


class StopRequests:
    """Counts requests to stop instead of being ended by them, within a `with` block."""

    def __init__(self, *, second_ends: bool = False) -> None:
        """Count from zero; a second one may be let end the program at once."""
        self.count = 0
        self._second_ends = second_ends
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> int:
        """Give the number of requests so far."""
        return self.count

    def check(self) -> None:
        """Give up if there was a request; for work that takes long, between two of its steps."""
        if self.count:
            raise StopRequested

    @contextmanager
    def ending_within(self, seconds: float, status: int = 0) -> Iterator[None]:
        """End the process if it is still in this block so long after a request.

        For work that nothing can interrupt, such as compiling, and that leaves nothing half done.
        """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        # Python's handlers wait for the end of the call that the main thread is in; this does not.
        before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        over = threading.Event()

        def watch() -> None:
            while numbers := os.read(reading, 64):
                if any(n in REQUESTS for n in numbers) and not over.wait(seconds):
                    os._exit(status)
            os.close(reading)

        threading.Thread(target=watch, name="stop-requests", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            signal.set_wakeup_fd(before)
            os.close(writing)

    def __enter__(self) -> StopRequests:
        """Begin to listen; only the main thread can."""
        for number in REQUESTS:
            # What was started with nohup outlives its terminal.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        """Let signals do what they did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.count and self._second_ends:
            raise SystemExit(128 + number)
        self.count += 1


def end_quietly(module: str) -> None:
    """Let a request end this process at once, until the module that it is to run listens itself.

    Called before anything is imported: an interrupted import would end in a traceback. A node was
    asked to end and did, which is no failure; a command of the terminal ends by the signal.
    """
    if module.startswith("kpm_ros.nodes."):
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: os._exit(0))
    elif signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    # The supervisor holds requests back until here.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))


def module_to_run() -> str:
    """Module that `python -m` is about to run; empty once it does, and in every other program."""
    words = sys.orig_argv
    if sys.argv[:1] != ["-m"] or "-m" not in words[:-1]:
        return ""
    return words[words.index("-m") + 1]


@contextmanager
def interrupts() -> Iterator[None]:
    """Raise KeyboardInterrupt at Ctrl-C, or when the terminal is closed; main thread only.

    One that was lost on its way is raised again.
    """

    def insist(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            heard.clear()
            threading.Thread(target=interrupt_until_heard, daemon=True).start()
        else:
            hook(unraisable)

    def interrupt_until_heard() -> None:
        while not heard.wait(INSIST_AFTER_S):
            _interrupt_main_thread()

    def interrupt(number: int, frame: FrameType | None) -> None:
        # On a busy machine it may come while the one before is still being told as lost: raised
        # there, it would be lost as well.
        if not _is_within(frame, insist.__code__):
            heard.set()
            raise KeyboardInterrupt

    heard = threading.Event()
    hook, sys.unraisablehook = sys.unraisablehook, insist
    raising = [signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        raising.append(signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in raising}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        heard.set()
        sys.unraisablehook = hook


def _is_within(frame: FrameType | None, code: CodeType) -> bool:
    """Whether a frame is of a function's code, or of what that has called."""
    while frame is not None and frame.f_code is not code:
        frame = frame.f_back
    return frame is not None


def _interrupt_main_thread() -> None:
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
