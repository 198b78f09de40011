"""Work that waits for its input by itself, in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable

from kpm_ros.nodes.loop import PeriodicThread


class WorkerThread(PeriodicThread):
    """Calls `work` again and again; `work` itself waits, for a tenth of a second at most."""

    def __init__(
        self, name: str, work: Callable[[], None], on_failure: Callable[[BaseException], None]
    ) -> None:
        """Prepare the thread; `start` runs it."""
        super().__init__(name, 0.0, work, on_failure)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._work()
        except BaseException as error:
            self._on_failure(error)
