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
    names = dict.fromkeys(name for card in cards.values() for name in card.scores)
    lines = [
        "| score | " + " | ".join(f"`{card.name}`" for card in cards.values()) + " |",
        "|---" * (len(cards) + 1) + "|",
    ]
    for name in names:
        cells = (
            f"{card.scores[name]:.4f}" if name in card.scores else NO_SCORE
            for card in cards.values()
        )
        lines.append(f"| `{name}` | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(filled(PAGE.read_text(), MODELS))


if __name__ == "__main__":
    main()
