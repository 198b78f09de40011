"""Requests to stop: Ctrl-C, SIGTERM, a closed terminal."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any

REQUESTS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequests:
    """Counts requests to stop instead of being ended by them, within a `with` block."""

    def __init__(self) -> None:
        """Count from zero."""
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __call__(self) -> int:
        """Give the number of requests so far."""
        return self.count

    def __enter__(self) -> StopRequests:
        """Begin to listen; only the main thread can."""
        self._before = {number: signal.signal(number, self._note) for number in REQUESTS}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let signals do what they did before."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
