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

"""What a training shows while it runs: a bar, and a line at every check."""

from __future__ import annotations

import math

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn
from rich.progress import Progress as Bars

from kpm_ros.learn.training.progress import Progress


class TrainingDisplay:
    """Epoch, loss, validation error and time left; plain lines where there is no terminal."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            console=console,
        )
        self._task: TaskID | None = None

    def __enter__(self) -> TrainingDisplay:
        self._bars.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bars.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        self._bars.console.print(line, highlight=False, soft_wrap=True)

    def stepped(self, progress: Progress) -> None:
        """Move the bar."""
        if self._task is None:
            self._task = self._bars.add_task("training", total=progress.steps, state="")
        state = f"epoch {progress.epoch:.2f}  {_losses(progress)}  {time_left(progress.left_s)}"
        self._bars.update(self._task, completed=progress.step, total=progress.steps, state=state)

    def checked(self, progress: Progress) -> None:
        """Move the bar, and print a line."""
        self.stepped(progress)
        self.say(
            f"step {progress.step} of {progress.steps}  epoch {progress.epoch:.2f}  "
            f"{_losses(progress)}  validation RMSE {progress.checked_rmse:.4f} "
            f"(best {progress.best_rmse:.4f} at step {progress.best_step})  "
            f"{time_left(progress.left_s)}"
        )


def _losses(progress: Progress) -> str:
    return f"loss {progress.losses.get('loss', math.nan):.4f}"


def time_left(seconds: float) -> str:
    """Say how long something will still take."""
    if not math.isfinite(seconds):
        return ""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"
