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

"""Writes the tables in docs/models.md from the shipped models' cards; `python tools/models.py`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "models.md"
MODELS = ROOT / "config" / "models"
PLACE = re.compile(r"(<!-- models:(\w+) -->\n).*?(<!-- end of models -->)", re.DOTALL)
SETS = {
    "test": "other takes (`test`)",
    "test_cross_user": "unseen people (`test_cross_user`)",
    "test_cross_task": "unseen tasks (`test_cross_task`)",
}
NO_SCORE = "-"
"""In the table, where a model has no such score."""


def filled(page: str, folder: Path) -> str:
    """Put what the cards in a folder say in its places on the page."""
    from kpm_ros.models.weight_files import read_card

    cards = {path: read_card(path) for path in sorted(folder.glob("*.safetensors"))}
    parts = {"list": _list(cards), "scores": _scores(cards)}
    return PLACE.sub(lambda place: f"{place[1]}\n{parts[place[2]]}\n\n{place[3]}", page)


def _list(cards: dict) -> str:
    lines = ["| model | kind | waits for | can do without | file |", "|---|---|---|---|---|"]
    for path, card in cards.items():
        waits = f"{card.lookahead} samples ({card.lookahead_s * 1e3:.0f} ms)"
        without = " or ".join(card.optional) or "nothing"
        size = f"{path.stat().st_size / 1e6:.1f} MB"
        lines.append(f"| `{card.name}` | {card.architecture} | {waits} | {without} | {size} |")
    return "\n".join(lines)


def _scores(cards: dict) -> str:
    """RMSE and correlation on each test set; `kpm info` prints the others of a card."""
    lines = [f"| model | {' | '.join(SETS.values())} |", "|---" * (len(SETS) + 1) + "|"]
    means: dict[str, list[str]] = {}
    for card in cards.values():
        lines.append(_row(f"`{card.name}`", card.scores, ""))
        for sense in card.optional:
            lines.append(_row(f"`{card.name}` without {sense}", card.scores, f"_without_{sense}"))
        means.setdefault(_row("", card.scores, "_baseline_mean"), []).append(f"`{card.name}`")
    for row, names in means.items():
        lines.append(f"| their data's mean: {', '.join(names)} {row.removeprefix('|  ')}")
    return "\n".join(lines)


def _row(label: str, scores: dict, part: str) -> str:
    cells = []
    for split in SETS:
        rmse, correlation = (
            scores.get(f"{split}{part}_{what}") for what in ("rmse", "correlation")
        )
        told = NO_SCORE if rmse is None else f"{rmse:.4f}"
        cells.append(told if correlation is None else f"{told}, {correlation:.2f}")
    return f"| {label} | {' | '.join(cells)} |"


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), MODELS))


if __name__ == "__main__":
    main()
