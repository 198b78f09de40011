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

"""What `kpm evaluate` shows while it works, and what it prints and writes."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.atomic_files import write_output
from kpm_ros.operate.progress import progress as counted

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet
    from kpm_ros.learn.scores.excerpt_plot import Excerpt
    from kpm_ros.learn.scores.scored_models import ScoredModel
    from kpm_ros.learn.scores.scoring import Listener


@contextmanager
def progress(steps: int, doing: str = "scoring") -> Iterator[Listener]:
    """Show a bar that moves with each step told."""
    with counted(doing, steps, "steps") as bar:
        yield lambda what: bar.advance(state=what)


def show(arguments: argparse.Namespace, report: Any, text: Any) -> None:
    """Print a report, and write it where it is asked for."""
    print(text.as_text(report), end="")
    if arguments.json:
        write(arguments.json, report.to_json())
    if arguments.markdown:
        write(arguments.markdown, text.as_markdown(report))


def write(path: Path, text: str) -> None:
    """Write a file and say so."""
    write_output(path, text.encode())
    print(f"written to {path}")


def draw(
    path: Path, dataset: DataSet, models: Sequence[ScoredModel], excerpt: Excerpt, protocol: str
) -> None:
    """Draw what each model makes of an excerpt; a recording is estimated from its beginning."""
    from kpm_ros.learn.recordings.on_grid import GridRecording
    from kpm_ros.learn.scores.excerpt_plot import Estimated, draw_excerpt
    from kpm_ros.learn.scores.protocols import PROTOCOLS

    recording = dataset.recording(excerpt.name)
    _, estimate = PROTOCOLS[protocol]
    estimates = {}
    for one in models:
        on_grid = GridRecording.of(recording, one.model.card)
        estimates[one.name] = Estimated(on_grid.rate_hz, estimate(one.model, on_grid))
    shown = GridRecording(recording, dataset.streams, dataset.grid_rate_hz)
    draw_excerpt(path, shown, excerpt, estimates, dataset.simulated)
    print(f"picture in {path}")
