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

"""Something that works in a thread of its own while a `with` block lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import TypeVar

AnyWorker = TypeVar("AnyWorker", bound="Background")


class Background(ABC):
    """Works from the beginning of a `with` block to its end."""

    def __init__(self) -> None:
        """Prepare the thread."""
        self.stopping = threading.Event()
        self._thread = threading.Thread(target=self.work, daemon=True)

    @abstractmethod
    def work(self) -> None:
        """Work until `stopping` is set."""

    def __enter__(self: AnyWorker) -> AnyWorker:
        """Begin to work."""
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop."""
        self.stopping.set()
        self._thread.join()
        self.clean_up()

    def clean_up(self) -> None:  # noqa: B027 -- few have anything to do
        """Let go of what was used, once the thread has ended."""
