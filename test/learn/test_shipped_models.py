"""What is said about the shipped models is what their files say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kpm_ros.estimate.weights import load_model, read_card

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted((ROOT / "config" / "models").glob("*.safetensors"))
PAGE = ROOT / "docs" / "models.md"
LARGEST_BYTES = 10_000_000
NO_SCORE = "-"
"""In the table, where a model has no such score."""


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def model(request):
    return request.param


def test_there_are_shipped_models():
    assert MODELS


def test_a_shipped_model_is_whole_small_and_says_where_it_comes_from(model):
    card, _ = load_model(model)
    assert model.stat().st_size < LARGEST_BYTES
    assert card.name == model.stem
    assert card.licence == "Apache-2.0"
    assert card.trained_on.startswith("simulated performances")
    assert "it says nothing about people" in card.trained_on
    assert re.search(r"Command: (kpm train|python -m kpm_ros\.learn\.train) .*--out ", card.notes)


def test_a_shipped_model_has_learnt_something(model):
    scores = read_card(model).scores
    assert scores["rmse"] < 0.65 * scores["baseline_mean_rmse"]
    assert scores["correlation"] > 0.7


def test_the_page_states_the_scores_on_the_card(model):
    scores = read_card(model).scores
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    heads = re.findall(r"^\| score \|(.*)\|$", PAGE.read_text(), re.MULTILINE)
    assert heads, "the page has no table of scores"
    column = [head.strip(" `") for head in heads[0].split("|")].index(model.stem)
    cells = {name: row.split("|")[column].strip() for name, row in rows}
    stated = {name: cell for name, cell in cells.items() if cell != NO_SCORE}
    assert stated == {name: f"{value:.3f}" for name, value in scores.items()}
