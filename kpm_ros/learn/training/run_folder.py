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

"""A training's folder: what was asked for, how it went, and what came of it."""

from __future__ import annotations

import csv
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import LISTING_BYTES, read_text, reading
from kpm_ros.core.provenance import processor
from kpm_ros.learn.training.progress import Progress

PACKAGES = ("kpm_ros", "torch", "lightning", "geomloss", "numpy", "safetensors")
EFFORT_LOSSES = ("squared", "transport")
"""What the loss of effort is made of."""


@dataclass(frozen=True)
class RunFolder:
    """Where everything about one training is."""

    path: Path

    @property
    def config(self) -> Path:
        """Everything that was asked for, and of what."""
        return self.path / "config.json"

    @property
    def metrics(self) -> Path:
        """Losses and validation error over the steps."""
        return self.path / "metrics.csv"

    @property
    def curves(self) -> Path:
        """The same as a picture."""
        return self.path / "curves.png"

    @property
    def checkpoint(self) -> Path:
        """What a resumption needs."""
        return self.path / "last.ckpt"

    @property
    def model(self) -> Path:
        """What came of it."""
        return self.path / "model.safetensors"

    @property
    def scores(self) -> Path:
        """How good that is."""
        return self.path / "scores.json"

    def open(self) -> None:
        """Make the folder, or see that it is one of a training."""
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"{self.path} is a file: give a folder for the run")
        if self.path.is_dir() and any(self.path.iterdir()) and not self.config.is_file():
            raise ValueError(f"{self.path} holds other things than a training: give a new folder")
        self.path.mkdir(parents=True, exist_ok=True)

    def write(self, path: Path, values: Mapping[str, Any]) -> None:
        """Write a JSON file, whole or not at all."""
        write_atomically(path, (json.dumps(_plain(values), indent=2) + "\n").encode())


def _plain(value: Any) -> Any:
    """Put null where there is a number that JSON does not know."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


class MetricsLog:
    """Writes a line of metrics.csv every so many steps, and at every check."""

    def __init__(
        self, path: Path, every: int, begin: int, losses: Sequence[str] = EFFORT_LOSSES
    ) -> None:
        """Go on behind the lines up to the step `begin`; later ones are of a run that was lost.

        `losses` names what the loss is made of.
        """
        self._path, self._every = path, every
        begun = ("step", "epoch", "elapsed_s", "learning_rate", "loss")
        self._columns = (*begun, *losses, "validation_rmse")
        kept = [row for row in read_metrics(path) if row["step"] <= begin]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self._columns, restval="")
            writer.writeheader()
            writer.writerows(kept)

    def stepped(self, progress: Progress) -> None:
        """Write a line now and then."""
        if progress.step % self._every == 0:
            self._write(progress)

    def checked(self, progress: Progress) -> None:
        """Write a line with the check's result."""
        self._write(progress, validation_rmse=progress.checked_rmse)

    def _write(self, progress: Progress, **more: float) -> None:
        row = {
            "step": progress.step,
            "epoch": f"{progress.epoch:.4f}",
            "elapsed_s": f"{progress.elapsed_s:.1f}",
            "learning_rate": f"{progress.learning_rate:.6g}",
            **{name: f"{value:.6g}" for name, value in {**progress.losses, **more}.items()},
        }
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, self._columns, restval="").writerow(row)


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read lines as numbers; a value that is not there is left out."""
    if not path.is_file():
        return []
    with reading(path, "a log of a training"):
        lines = read_text(path, LISTING_BYTES).splitlines()
        rows = [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(lines)
        ]
        for row in rows:
            row["step"] = int(row["step"])
    return rows


def git_revision(of: Path) -> dict[str, Any] | None:
    """Tell which revision of the code runs, and whether it was changed since; None outside git."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(of.parent), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", of.name)
        changed = bool(git("status", "--porcelain", "--untracked-files=no"))
        return {"revision": git("rev-parse", "HEAD"), "changed": changed}
    except (OSError, subprocess.CalledProcessError):
        return None


def machine(threads: int) -> dict[str, Any]:
    """Describe the machine."""
    return {
        "system": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": threads,
    }
