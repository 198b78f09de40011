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

"""`kpm info`: what a weights file says of itself."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.core.foreign_files import MODEL_BYTES, digest, printable
from kpm_ros.core.text_tables import text_table
from kpm_ros.models.card import ModelCard
from kpm_ros.models.seen import Seen
from kpm_ros.operate.errors import user_errors

if TYPE_CHECKING:
    from kpm_ros.models.pianomotion.motion_card import MotionCard

NAME = "info"
PURPOSE = "show a model's card: its inputs, muscles, training data, scores"
EXAMPLES = """\
examples:
  kpm info touchnet-sim
  kpm info my_model.safetensors
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Ask for the model."""
    parser.add_argument("model", help="a shipped model's name or a .safetensors path")


def run(arguments: argparse.Namespace) -> int:
    """Print the card."""
    from kpm_ros.core.resources import find_model
    from kpm_ros.models.pianomotion.motion_card import MotionCard
    from kpm_ros.models.weight_files import read_card, read_metadata

    with user_errors():
        path = find_model(arguments.model)
        metadata = read_metadata(path)
        if MotionCard.is_in(metadata):
            print(_describe_motion(MotionCard.from_metadata(metadata), path), end="")
        else:
            print(describe(read_card(path), path), end="")
    return 0


def describe(card: ModelCard, path: Path) -> str:
    """Write a card as text, one fact a line."""
    facts = {
        **_file(card.name, path),
        "architecture": card.architecture,
        **{f"stream {stream.name}": stream.description for stream in card.streams},
        "can do without": ", ".join(card.optional),
        "muscles": ", ".join(card.muscles),
        "unit": card.unit,
        "native rate": f"{card.rate_hz} Hz",
        "look-ahead": f"{card.lookahead} samples ({card.lookahead_s * 1e3:.1f} ms)",
        "inputs": "normalised" if card.offset or card.scale else "as they come",
        "trained on": card.trained_on,
        "has met": _met(card),
        "scores": _scores(card.scores),
        "intervals": "of 90 %" if card.interval else "not known",
        "licence": card.licence or "not stated",
        "notes": card.notes,
    }
    return _table(facts)


def _describe_motion(card: MotionCard, path: Path) -> str:
    """Write the card of a model that makes the movement of two hands."""
    return _table(
        {
            **_file(card.name, path),
            "stage": f"{card.stage}, {card.size}, {card.sequence}",
            "music by": card.features,
            "places": f"in the {card.frame}'s frame",
            "simulated": "SIMULATED hands" if card.simulated else "",
            "trained on": card.trained_on,
            "scores": _scores(card.scores),
            "licence": card.licence or "not stated",
            "notes": card.notes,
        }
    )


def _file(name: str, path: Path) -> dict[str, str]:
    return {
        "model": name,
        "file": f"{path} ({path.stat().st_size / 1e6:.1f} MB)",
        "sha256": digest(path, MODEL_BYTES),
    }


def _scores(scores: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in sorted(scores.items())) or "none"


def _table(facts: Mapping[str, str]) -> str:
    return text_table((name, printable(text)) for name, text in facts.items() if text) + "\n"


def _met(card: ModelCard) -> str:
    """Say how much is known of whom and what a model was trained on."""
    seen = Seen.from_card(card.seen)
    if seen is None:
        return "not noted: `kpm evaluate` cannot tell what is new to it"
    before = f"; nothing is noted of {', '.join(sorted(seen.unknown))}" if seen.unknown else ""
    counts = f"{len(seen.people)} people, {len(seen.tasks)} tasks, {len(seen.takes)} takes"
    return f"digests of {counts}{before}"
