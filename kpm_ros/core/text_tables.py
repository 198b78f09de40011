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

"""Tables of words and figures as plain text, for terminals and logs."""

from __future__ import annotations

import io
from collections.abc import Container, Iterable, Sequence

WIDEST = 10_000
"""Columns of text; no cell is wrapped or cut, so that what is printed can be searched."""


def text_table(
    rows: Iterable[Sequence[str]],
    head: Sequence[str] = (),
    *,
    figures: Container[int] = (),
    indent: str = "",
) -> str:
    """Lay out rows in columns as wide as their words; those of `figures` are aligned at the right.

    >>> print(text_table([("inference", "0.31"), ("exo", "0.02")], ("CPU", "cores"), figures=[1]))
    CPU        cores
    inference   0.31
    exo         0.02
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    lines = [list(row) for row in rows]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(head))
    for column in range(len(head) or max(map(len, lines), default=0)):
        title = Text(head[column] if head else "")
        table.add_column(title, justify="right" if column in figures else "left", no_wrap=True)
    for line in lines:
        table.add_row(*map(Text, line))
    console = Console(file=io.StringIO(), width=WIDEST, color_system=None)
    with console.capture() as drawn:
        console.print(table)
    return "\n".join((indent + line).rstrip() for line in drawn.get().splitlines())
