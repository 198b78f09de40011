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

"""How a report's pictures look: drawn once, in colours that the page sets, light or dark.

A picture is drawn by matplotlib in stand-in colours, which become names of the page's style sheet.
Lines differ in colour (Okabe and Ito's, made for those who cannot tell red from green) and in dash.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

INK, MUTED, FAINT = "#010101", "#020202", "#030303"
LINES = ("#040401", "#040402", "#040403", "#040404")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D")
MOST_LINES = len(LINES)
"""Models in a picture: with more of them none would be told from the others."""

_NAMES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    FAINT: "var(--faint)",
    **{colour: f"var(--line-{k})" for k, colour in enumerate(LINES, 1)},
}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "kpm",
    "font.size": 9,
    "text.parse_math": False,
    "axes.unicode_minus": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "figure.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.3,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw within this, and save."""
    from matplotlib import rc_context

    with rc_context(_STYLE):
        yield


def as_svg(figure: Any, key: str) -> str:
    """Write a figure as SVG that stands in a page; `key` tells its names from other pictures'."""
    drawn = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(drawn, format="svg", transparent=True, metadata=nothing)
    svg = drawn.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    # A page scales it: only its proportions count.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'\bid="', f'id="{key}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{key}-", svg)
    # Hundredths of a point are finer than any screen.
    svg = re.sub(r'\bd="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)
    for colour, name in _NAMES.items():
        svg = svg.replace(colour, name)
    return svg
