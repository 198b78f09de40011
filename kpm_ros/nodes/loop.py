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

"""Work done at a steady pace in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class PeriodicThread:
    """Calls `work` on an absolute schedule: late calls do not shift the ones after them.

    A call that takes longer than a period skips the periods it covered and counts an overrun. An
    exception ends the thread and is handed to `on_failure`.
    """

    def __init__(
        self,
        name: str,
        period_s: float,
        work: Callable[[], None],
        on_failure: Callable[[BaseException], None],
        wanted_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        """Prepare the thread; `start` runs it.

        Where `wanted_s` says in how many seconds the next call is wanted, it is made then instead.
        """
        self.overruns = 0
        self._period_s = period_s
        self._work = work
        self._wanted_s = wanted_s
        self._on_failure = on_failure
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin calling."""
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        """Finish the call under way and end the thread."""
        self._stopping.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)

    def _run(self) -> None:
        try:
            due = time.monotonic()
            while not self._stopping.is_set():
                self._work()
                wanted_s = self._wanted_s()
                due = due + self._period_s if wanted_s is None else time.monotonic() + wanted_s
                rest = due - time.monotonic()
                if rest > 0:
                    time.sleep(rest)
                elif rest < -self._period_s:
                    self.overruns += 1
                    due -= rest
        except BaseException as error:
            self._on_failure(error)
