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

"""Writes the scores in docs/accuracy.md from docs/accuracy*.json; `python tools/accuracy.py`.

Those files are what `kpm evaluate --json` writes. The page has a place for each:
`<!-- scores:NAME -->` up to `<!-- end of scores -->`, with the file's name without `.json`.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
PLACE = re.compile(r"(<!-- scores:(\w+) -->\n).*?(<!-- end of scores -->)", re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """Put each file's tables in its place on the page."""
    from kpm_ros.learn.scores.score_table import read_score_table
    from kpm_ros.learn.scores.score_table_text import as_markdown

    def with_tables(place: re.Match[str]) -> str:
        tables = as_markdown(read_score_table(folder / f"{place[2]}.json"))
        return f"{place[1]}\n{tables}\n{place[3]}"

    return PLACE.sub(with_tables, page)


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), PAGE.parent))


if __name__ == "__main__":
    main()
