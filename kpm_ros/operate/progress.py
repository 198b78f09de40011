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

"""A bar on standard error while something takes its time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """How far something has come."""

    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, more: float = 1, state: str = "") -> None:
        """Move on by so much, and say what was done."""
        self._bars.update(self._task, advance=more, state=state)

    def at(self, done: float, total: float | None) -> None:
        """Stand at so much of a total, None while that is not known."""
        self._bars.update(self._task, completed=done, total=total)


@contextmanager
def progress(doing: str, total: float | None = None, unit: str = "") -> Iterator[Bar]:
    """Show on a terminal how much is done, in percent or counted in a unit, until it is."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    from kpm_ros.operate.console import Console

    console = Console(stderr=True)
    console.quiet = not console.is_terminal  # a bar that is off still ends with an empty line
    counted = TextColumn(f"{{task.completed}} of {{task.total}} {unit}")
    bars = Progress(
        TextColumn(doing),
        BarColumn(),
        counted if unit else TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[state]}"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bars:
        yield Bar(bars, bars.add_task("", total=total, state=""))
