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

"""What is said about the shipped models is what their files say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import models as models_page
from kpm_ros.core.resources import DEFAULT_MODEL
from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.learn.recordings.simulated_identity import (
    Manifest,
    built_in_task,
    drawn_from,
    simulated_identity,
)
from kpm_ros.models.seen import digest
from kpm_ros.models.weight_files import load_model, read_card
from kpm_ros.simulate.exerciser.exerciser_request import DEFAULT_SEED as EXERCISERS_SEED
from kpm_ros.simulate.exerciser.exerciser_request import USUALLY_HELD_OUT, ExerciserRequest
from kpm_ros.simulate.familiar_rooms import familiar_rooms
from kpm_ros.simulate.release.request import DEFAULT_SEED, plan_request
from kpm_ros.simulate.release.splits import held_out_splits

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted((ROOT / "config" / "models").glob("*.safetensors"))
LARGEST_BYTES = 10_000_000
OF_BODIES = ("bodynet-sim",)
OF_ROOMS = ("touchnet-sim-rooms",)
UNSEEN = ("test_cross_user", "test_cross_task")


@pytest.fixture(params=MODELS, ids=lambda path: path.stem)
def model(request):
    return request.param


def test_the_default_model_is_shipped():
    assert DEFAULT_MODEL in [path.stem for path in MODELS]


def test_a_shipped_model_is_whole_small_and_says_where_it_comes_from(model):
    card, _ = load_model(model)
    assert model.stat().st_size < LARGEST_BYTES
    assert card.name == model.stem
    assert card.licence == "Apache-2.0"
    assert "SIMULATED" in card.trained_on
    assert "it says nothing about people" in card.trained_on
    assert re.search(r"kpm train .*--out ", card.notes)


def test_a_shipped_model_of_hands_says_whom_it_has_met(model):
    """As its card's words say: seed 1, 16 of 20 pianists, five of seven tasks."""
    if model.stem in OF_BODIES + OF_ROOMS:
        pytest.skip("it is of bodies, or of other rooms")
    request = plan_request(pianists=20, tasks=7, hours=2.0, seed=1)
    places = held_out_splits(request)
    met = [*places["train"], *places["val"]]
    known = [simulated_identity(request.seed, name, built_in_task(name.task)) for name in met]
    card = read_card(model)
    assert (
        "simulated: pianists 20; tasks 7; takes 1; seconds per take 51; seed 1" in card.trained_on
    )
    assert card.seen == seen_of(known).on_card()
    assert (len(card.seen["people"]), len(card.seen["tasks"])) == (16, 5)
    assert request.seed != DEFAULT_SEED


@pytest.mark.parametrize("name", OF_ROOMS)
def test_a_shipped_model_of_rooms_says_whom_it_has_met_wherever_they_are_seen(name):
    """Data sets of the published layout show the same pianists and tasks of seed 1."""
    card = read_card(MODELS[0].with_name(f"{name}.safetensors"))
    assert "52 SIMULATED pianists, 7 tasks, 1 takes of 23 s, each in 2 random rooms" in (
        card.trained_on
    )
    request = plan_request(
        pianists=52,
        tasks=7,
        hours=2.33,
        takes=1,
        held_out_pianists=4,
        held_out_tasks=(),
        seed=1,
    )
    places = held_out_splits(request)
    manifest = Manifest(request.seed, [])
    for performance in [*places["train"], *places["val"]]:
        about = drawn_from(manifest, performance)
        assert about.person & set(card.seen["people"])
        assert about.task & set(card.seen["tasks"])
    for performance in places["test_cross_user"]:
        assert not drawn_from(manifest, performance).person & set(card.seen["people"])
    hands = {name: card.familiar[name] for name in ("hand_size", "hand_unsure")}
    assert card.familiar == familiar_rooms() | hands


@pytest.mark.parametrize("name", OF_BODIES)
def test_a_shipped_model_of_bodies_says_whom_it_has_met(name):
    """As its card's words say: seed 1, 13 of 16 exercisers, 12 of 15 exercises."""
    card = read_card(MODELS[0].with_name(f"{name}.safetensors"))
    request = ExerciserRequest(16, seed=1)
    assert "16 exercisers, 15 exercises, 1 takes of 24 s, seed 1" in card.trained_on
    assert request.seed != EXERCISERS_SEED
    people = {digest("known person", request.known_person(number)) for number in range(1, 14)}
    tasks = {
        digest("known task", request.known_exercise(exercise))
        for exercise in set(request.exercises) - set(USUALLY_HELD_OUT)
    }
    assert people <= set(card.seen["people"])
    assert tasks <= set(card.seen["tasks"])
    unseen = digest("known person", request.known_person(14))
    assert unseen not in card.seen["people"]


@pytest.mark.parametrize("split", UNSEEN)
def test_a_shipped_model_has_learnt_something(model, split):
    scores = read_card(model).scores
    if model.stem in OF_ROOMS and split == "test_cross_task":
        assert not any(name.startswith(split) for name in scores), "it was trained on all tasks"
        return
    assert scores[f"{split}_rmse"] < 0.8 * scores[f"{split}_baseline_mean_rmse"]
    assert scores[f"{split}_correlation"] > 0.5


def test_the_page_says_what_the_cards_say():
    page = models_page.PAGE.read_text()
    assert models_page.filled(page, models_page.MODELS) == page
