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

"""Tables, paragraphs and lists as Markdown that is read without scrolling."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

LINE = 100
"""Columns of a line."""


def markdown_table(lines: Sequence[Sequence[str]], words: int = 1) -> str:
    """Lay lines out as a table, the first columns to the left and figures to the right."""
    head, *rows = lines
    rule = f"|{'---|' * words}{'---:|' * (len(head) - words)}"
    laid_out = (f"| {' | '.join(line)} |" for line in (head, *rows))
    return "\n".join((next(laid_out), rule, *laid_out))


def paragraph(words: str, first: str = "", others: str = "") -> str:
    """Write words in lines that are read without scrolling, each begun as it is said."""
    return textwrap.fill(
        words,
        LINE,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def list_item(note: str) -> str:
    """Write one item of a list likewise."""
    return paragraph(note, "- ", "  ")
