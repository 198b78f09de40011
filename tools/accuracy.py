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

"""Writes the scores on the pages from docs/accuracy*.json and others; `python tools/accuracy.py`.

Those files are what `kpm evaluate --json` writes. A page has a place for each:
`<!-- scores:NAME -->` up to `<!-- end of scores -->`, with the file's name without `.json`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "docs" / name for name in ("accuracy.md", "muscles-in-action.md")]
PLACE = re.compile(r"(<!-- scores:(\w+) -->\n).*?(<!-- end of scores -->)", re.DOTALL)


def filled(page: str, folder: Path) -> str:
    """Put each file's tables in its place on the page."""

    def with_tables(place: re.Match[str]) -> str:
        return f"{place[1]}\n{tables(folder / f'{place[2]}.json')}\n{place[3]}"

    return PLACE.sub(with_tables, page)


def tables(path: Path) -> str:
    """Write a file's tables, whichever report it is of."""
    from kpm_ros.learn.scores import mia_summary_text, score_table_text
    from kpm_ros.learn.scores.mia_report import read_mia_report
    from kpm_ros.learn.scores.score_table import read_score_table

    if json.loads(path.read_text()).get("report") == "mia":
        return mia_summary_text.as_summary(read_mia_report(path))
    return score_table_text.as_summary(read_score_table(path))


def main() -> None:
    """Write the pages anew."""
    for page in PAGES:
        page.write_text(filled(page.read_text(), page.parent))


if __name__ == "__main__":
    main()
