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
