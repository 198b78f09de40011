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

"""What the demo shows while it runs: a live picture in a terminal, elsewhere lines."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kpm_ros.core.flags import describe
from kpm_ros.core.hands import spoilt_by
from kpm_ros.operate.console import Console
from kpm_ros.operate.live_view import LiveView
from kpm_ros.operate.usage import TOTAL

REDRAW_S = 0.2
LINE_EVERY_S = 2.0
ONE_COLUMN = 6
"""More muscles than this are shown in two columns, as the left and right ones of a body are listed,
so that all of it fits into a terminal of 24 lines."""
BAR_WIDTH, NARROW_BAR_WIDTH = 40, 18


@dataclass
class Picture:
    """The state of a run at one moment."""

    phase: str = "starting"
    elapsed_s: float = 0.0
    duration_s: float | None = None
    """How long this phase will take; None = not known."""
    muscles: Sequence[str] = ()
    effort: Sequence[float] = ()
    flags: int = 0
    delay_ms: float | None = None
    messages: int = 0
    lost: int = 0
    rates_hz: Mapping[str, float] = field(default_factory=dict)
    cpu_cores: Mapping[str, float] = field(default_factory=dict)
    """Of each process, and in all under `TOTAL`."""
    restarts: Mapping[str, int] = field(default_factory=dict)
    news: str = ""
    """The last thing that went wrong, if anything did."""
    hints: Sequence[str] = ()


class Dashboard(LiveView):
    """Shows pictures, no more often than is useful; use it in a `with` block."""

    def __init__(self, console: Console | None = None) -> None:
        """Draw on a terminal, or print lines where there is none."""
        super().__init__(console)
        self._next = 0.0

    @property
    def due(self) -> bool:
        """Whether the next picture would be shown."""
        return time.monotonic() >= self._next

    def show(self, picture: Picture) -> None:
        """Show a picture."""
        self._next = time.monotonic() + (REDRAW_S if self._live else LINE_EVERY_S)
        # Whoever runs what is shown sees by itself that nobody looks any more.
        with suppress(OSError):
            if self._live:
                self._live.update(draw(picture), refresh=True)
            else:
                self._console.print(as_line(picture), highlight=False, soft_wrap=True)


def as_line(picture: Picture) -> str:
    """Put a picture in one line."""
    effort = "  ".join(
        f"{name} {value:.2f}" for name, value in zip(picture.muscles, picture.effort, strict=False)
    )
    parts = [
        _progress(picture),
        f"effort {picture.rates_hz.get('effort', 0.0):.0f}/s",
        f"delay {_delay(picture)}",
        f"lost {picture.lost}",
        effort,
        describe(picture.flags) if picture.messages else "",
        f"CPU {picture.cpu_cores[TOTAL]:.2f} cores" if picture.cpu_cores else "",
        picture.news,
    ]
    return " | ".join(part for part in parts if part)


def draw(picture: Picture) -> RenderableType:
    """Draw a picture for a terminal."""
    head = Text(_progress(picture), "bold")
    facts = Text(
        f"delay {_delay(picture)}   messages {picture.messages}   lost {picture.lost}   "
        f"flags: {describe(picture.flags) if picture.messages else 'no effort yet'}"
    )
    tables = Table.grid(padding=(0, 4))
    tables.add_row(_rates(picture), _costs(picture))
    parts: list[RenderableType] = [head, facts, Text(), _bars(picture), Text(), tables]
    if picture.news:
        parts += [Text(), Text(picture.news, "red")]
    parts += [Text(), *(Text(hint, "dim") for hint in picture.hints)]
    return Panel(Group(*parts), title="muscle effort at 2 kHz", title_align="left")


def _bars(picture: Picture) -> Table:
    bars = Table.grid(padding=(0, 2))
    invalid = {name for name in picture.muscles if picture.flags & spoilt_by(name)}
    told = list(zip(picture.muscles, picture.effort, strict=False))
    columns = 2 if len(told) > ONE_COLUMN else 1
    rows = -(-len(told) // columns)
    width = BAR_WIDTH if columns == 1 else NARROW_BAR_WIDTH
    for first in range(rows):
        cells: list[RenderableType] = []
        for name, value in told[first::rows]:
            cells += [name, _bar(value, width, name not in invalid), f"{value:.3f}"]
        cells += [""] * (3 * columns - len(cells))
        shown = {name for name, _ in told[first::rows]}
        bars.add_row(*cells, "not valid" if shown & invalid else "")
    return bars


def _bar(value: float, width: int, valid: bool) -> ProgressBar:
    shown = min(max(value, 0.0), 1.0)
    style = "green" if valid else "red"
    return ProgressBar(
        total=1.0, completed=shown, width=width, complete_style=style, finished_style=style
    )


def _rates(picture: Picture) -> Table:
    rates = Table("topic", "a second", box=None, padding=(0, 1), header_style="dim")
    for topic, rate_hz in picture.rates_hz.items():
        rates.add_row(topic, f"{rate_hz:.1f}")
    return rates


def _costs(picture: Picture) -> Table:
    costs = Table("process", "cores", "restarts", box=None, padding=(0, 1), header_style="dim")
    for name, cores in picture.cpu_cores.items():
        costs.add_row(name, f"{cores:.2f}", str(picture.restarts.get(name, 0) or ""))
    return costs


def _progress(picture: Picture) -> str:
    of = "" if picture.duration_s is None else f" of {picture.duration_s:g}"
    return f"{picture.phase} {picture.elapsed_s:.0f}{of} s"


def _delay(picture: Picture) -> str:
    return "-" if picture.delay_ms is None else f"{picture.delay_ms:.0f} ms"
