"""What a training shows while it runs: a bar, and a line at every check."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from kpm_ros.estimate.card import ModelCard
from kpm_ros.learn import fit


class TrainingDisplay:
    """Epoch, loss, RMSE on other persons and time left; plain lines where there is no terminal."""

    def __init__(self) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[state]}"),
            TimeElapsedColumn(),
        )
        self._task: TaskID | None = None
        self._checked = math.nan

    def __enter__(self) -> TrainingDisplay:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def simulated(self, persons: int) -> Callable[[int], None]:
        """Give what is to be told how many persons have played."""
        task = self._bars.add_task("simulating", total=persons, state="")

        def tell(done: int) -> None:
            self._bars.update(task, completed=done, state=f"{done} of {persons} persons")

        return tell

    def trained(self, progress: fit.Progress) -> None:
        """Show how far training has come."""
        if self._task is None:
            self._task = self._bars.add_task("training", total=progress.steps, state="")
        state = (
            f"epoch {progress.epoch:.2f}  loss {progress.loss:.4f}  "
            f"RMSE {progress.checked_rmse:.4f} (best {progress.best_rmse:.4f})  "
            f"{progress.left_s / 60:.1f} min left"
        )
        self._bars.update(self._task, completed=progress.step, total=progress.steps, state=state)
        if progress.checked_rmse != self._checked and not math.isnan(progress.checked_rmse):
            self._checked = progress.checked_rmse
            self._bars.console.print(f"step {progress.step} of {progress.steps}: {state}")

    def finished(self, card: ModelCard, out: Path) -> None:
        """List the scores on persons that were held out."""
        console = self._bars.console
        console.print(f"written to {out}; on simulated persons held out:")
        for name, value in card.scores.items():
            console.print(f"  {name:28s} {value:.4f}")
