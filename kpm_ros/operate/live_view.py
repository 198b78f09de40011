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

"""A drawing that is drawn anew again and again while something runs."""

from __future__ import annotations

from contextlib import suppress
from typing import TypeVar

from rich.live import Live

from kpm_ros.operate.console import Console

View = TypeVar("View", bound="LiveView")


class LiveView:
    """Takes a terminal over in a `with` block, and leaves it as it was; elsewhere there is none."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on a terminal, or print lines where there is none."""
        self._console = console or Console()
        self._live = (
            Live(console=self._console, auto_refresh=False, transient=True)
            if self._console.is_terminal
            else None
        )

    def __enter__(self: View) -> View:
        """Take the terminal over."""
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Give the terminal back."""
        if self._live:
            with suppress(OSError):
                self._live.stop()
