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

"""Models side by side: what is run, how it is scored, and what the table says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording
from kpm_ros.learn.scores.metrics import mean_correlation, rmse, transport_distance
from kpm_ros.learn.scores.protocols import estimate_in_windows, given
from kpm_ros.learn.scores.score_table import ScoreTable
from kpm_ros.learn.scores.score_table_text import as_markdown, as_text
from kpm_ros.learn.scores.scored_models import ScoredModel, find_scored_model
from kpm_ros.learn.scores.scoring import check_models, choose_splits, compare, score_all
from kpm_ros.models.pianokpm.published import MUSCLES, UNIT, published_card, published_streams
from kpm_ros.models.registry import architecture_of, find_architecture
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained
from kpm_ros.models.weight_files import save_model
from support.performances import MADE, make_performance

SPLITS = ("test", "test_cross_user")


@pytest.fixture(scope="module")
def models():
    return [find_scored_model(word, MADE) for word in ("mean", "linear=ridge")]


@pytest.fixture(scope="module")
def table(models):
    heard = []
    rows = compare(MADE, models, SPLITS, otd_points=100, listener=heard.append)
    # Every model on every performance, and the costs.
    assert len(heard) == 2 * 3 + 1
    return ScoreTable(
        simulated=True,
        data="made up",
        fingerprint="f" * 64,
        split_file="dataset_held_out.json",
        protocol="continuous",
        otd_points=100,
        models=rows,
        cpu="a CPU",
    )


def test_scores_are_those_of_each_recording(models, table):
    one = models[1].model
    made = GridRecording.of(make_performance("t2_p3_a"), one.card)
    effort = one.estimate(made.values())
    score = table.models[1].scores["test_cross_user"][1]
    assert score.performance == "t2_p3_a"
    assert score.seconds == 3
    assert score.rmse == pytest.approx(rmse(made.effort, effort), rel=1e-5)
    assert score.otd == pytest.approx(transport_distance(made.effort, effort, 100), rel=1e-4)
    assert score.correlation == pytest.approx(mean_correlation(made.effort, effort), rel=1e-5)


def test_a_better_model_scores_better(table):
    mean, ridge = table.models
    for split in SPLITS:
        assert ridge.interval(split, "rmse").mean < 0.7 * mean.interval(split, "rmse").mean
        assert ridge.interval(split, "otd").mean < mean.interval(split, "otd").mean
        assert mean.interval(split, "correlation").mean == 0


def test_costs_are_measured_in_turns(table):
    for model in table.models:
        assert 0 <= model.cost.low <= model.cost.mean <= model.cost.high


def test_a_table_comes_back_from_its_file(table):
    assert ScoreTable.from_json(table.to_json()) == table
    assert len(table.to_json().splitlines()) < 30
    for text in ("[]", "{}", "nonsense", '{"models": [{}]}'):
        with pytest.raises(ValueError, match="no table of scores as `kpm evaluate` writes it"):
            ScoreTable.from_json(text)


def test_what_is_not_a_number_survives_the_file(table):
    score = replace(table.models[0].scores["test"][0], correlation=float("nan"))
    model = replace(table.models[0], scores={"test": (score,)})
    text = replace(table, models=(model,)).to_json()
    assert "NaN" not in text
    again = ScoreTable.from_json(text).models[0].scores["test"][0]
    assert np.isnan(again.correlation)


def test_the_table_says_that_it_is_simulated_before_anything_else(table):
    assert as_text(table).startswith("SIMULATED")
    assert as_markdown(table).startswith("**SIMULATED")
    assert "SIMULATED" not in as_text(replace(table, simulated=False))


def test_the_table_has_every_model_and_test_set(table):
    text, markdown = as_text(table), as_markdown(table)
    ridge = table.models[1].interval("test_cross_user", "rmse")
    cell = f"{ridge.mean:.3f} ± {ridge.half_width:.3f}"
    for form in (text, markdown):
        assert cell in form
        # In Markdown, what it takes and costs stands once, and timing begins with the model, too.
        rows = 2 if form is text else 2 + 1 + 2
        assert len(re.findall(r"^\W*linear +[|p]", form, re.MULTILINE)) == rows
        assert "Unseen people (`test_cross_user`, 2 recordings, 0.1 min)" in form
        assert "30 ms" in form
        assert "at most 100 evenly spaced samples" in form
    assert "| linear | pose+keys |" in markdown
    assert "| mean | pose+keys |" in markdown
    for muscle in MUSCLES:
        assert len(re.findall(rf"^\W*{muscle} +0\.\d+, ", text, re.MULTILINE)) == 2
        assert f"| {muscle} | 0." in markdown


def seen_before(name, seen):
    """The mean as a model that has met these."""
    mean = find_scored_model("mean", MADE).model
    card = replace(mean.card, seen=seen.on_card() if seen else {})
    return ScoredModel(name, Trained(card, mean.tensors))


def test_what_a_model_has_met_is_left_out_and_named(table):
    some = seen_before("some", Seen(takes=frozenset({"t2_p3_a"})))
    person = seen_before("person", Seen(people=frozenset({"p3"}), tasks=frozenset({"t1"})))
    tuned = seen_before("tuned", Seen(unknown=frozenset({"base"})))
    nobody_knows = seen_before("nobody_knows", None)
    rows = compare(MADE, [some, person, tuned, nobody_knows], SPLITS, otd_points=100)
    scored = [[one.performance for one in row.scores["test_cross_user"]] for row in rows]
    assert scored == [["t1_p3_a"], [], *[["t1_p3_a", "t2_p3_a"]] * 2]
    # Tasks and people are expected to be known in "test"; takes are not.
    assert all(len(row.scores["test"]) == 1 for row in rows)
    assert rows[0].met == {"test": {}, "test_cross_user": {"t2_p3_a": "take"}}
    table = replace(table, models=rows)
    assert ScoreTable.from_json(table.to_json()) == table
    for text in (as_text(table), as_markdown(table)):
        assert re.search(r"some \(1 new\)[ |]+(pose\+keys|0\.)", text)
        assert re.search(r"person \(seen in training\)[ |]+(pose\+keys[ |]+)?-[ |]+- ", text)
        assert (
            "`some`: seen in training (that very take), so left out of `test_cross_user`: t2_p3"
            in text
        )
        assert "so left out of `test_cross_user`: t1_p3_a, t2_p3_a." in text
        assert "`nobody_knows` (?): what it was trained on is unknown" in text
        assert "`tuned` (?): what it was trained on is unknown before base" in text
        assert "Unseen people (`test_cross_user`, 2 recordings, 0.1 min)" in text


def test_a_baseline_that_is_fitted_here_has_met_what_it_was_fitted_to_and_chosen_by(models):
    seen = Seen.from_card(models[1].model.card.seen)
    assert seen.takes >= {"t1_p1_a", "t2_p1_a", "t1_p2_a", "t2_p2_a"}
    assert seen.people >= {"p1", "p2"}
    assert "p3" not in seen.people


def test_one_recording_has_no_interval(table):
    lines = [line for line in as_text(table).splitlines() if line.strip().startswith("linear")]
    # Of each test set a line of scores and one of timing.
    assert "±" not in lines[0] + lines[1]
    assert "±" in lines[2]
    assert "±" in lines[3]


def shortened(made: Recording, samples: int) -> Recording:
    return replace(made, truth=replace(made.truth, values=made.truth.values[:samples]))


class Spy:
    """Stands in for a trained model and notes what it is given."""

    def __init__(self, card):
        self.card, self.given = card, []
        self.architecture = architecture_of(card)

    def estimate_alone(self, values):
        self.given.append(values)
        return np.full((1024, 6), len(self.given), np.float32)


def test_the_published_protocol_takes_separate_seconds_with_stretched_frames():
    spy, made = Spy(published_card()), make_performance("t1_p1_a")
    effort = estimate_in_windows(spy, GridRecording.of(shortened(made, 2972), spy.card))
    assert [int(x) for x in effort[::1024, 0]] == [1, 2]
    frames = np.hstack([one.values for one in made.series[:2]])
    for second, values in enumerate(spy.given):
        own = slice(second * 1024, (second + 1) * 1024)
        assert np.array_equal(values[:, 84:], made.series[2].values[own])
        assert np.array_equal(values[[0, -1], :84], frames[[second * 60, second * 60 + 59]])


def test_less_than_a_second_cannot_be_cut_into_windows():
    short = shortened(make_performance("t1_p1_a"), 1000)
    with pytest.raises(ValueError, match="t1_p1_a is shorter than a second"):
        estimate_in_windows(Spy(published_card()), GridRecording.of(short, published_card()))


def test_both_protocols_score_the_same_samples_of_whole_seconds(models):
    by_window = score_all(MADE, models[:1], ("test",), "published", 100)
    whole = score_all(MADE, models[:1], ("test",), "continuous", 100)
    errors = [found["mean"]["test"].recordings[0].rmse for found in (by_window, whole)]
    assert errors[0] == pytest.approx(errors[1])


def test_a_model_gets_its_streams_in_its_own_order_and_does_without_what_it_can():
    top, right, keys = published_streams()
    card = published_card(streams=Streams((keys, right, top)), optional=("keys",))
    made = make_performance("t1_p1_a")
    values = given(card, GridRecording.of(made, card))
    whole = GridRecording.of(made, published_card()).values()
    order = [*range(84, 172), *range(42, 84), *range(42)]
    assert np.array_equal(values, whole[:, order])
    without = given(card, GridRecording.of(made, card), without="keys")
    assert (without[:, :88] == -1).all()
    assert np.array_equal(without[:, 88:], values[:, 88:])


def mean_model(**changes):
    described = {"streams": published_streams(), "muscles": MUSCLES, "unit": UNIT, "rate_hz": 1024}
    card = find_architecture("mean").new_card(**{**described, **changes})
    zeros = np.zeros(len(card.muscles), np.float32)
    return ScoredModel("it", Trained(card, {"mean": zeros}))


FORCE = Channels("force", ("thumb",), "N", 100.0)
TIPS = Landmarks("top", find_skeleton("fingertips"))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"muscles": ("APB",)}, "it estimates APB, and the data set has ADM, PB"),
        ({"streams": Streams((FORCE,))}, "it needs the stream 'force', and the data set has top"),
        (
            {"streams": Streams((TIPS,))},
            "has the skeleton 'mediapipe-hand', not 'fingertips'",
        ),
    ],
)
def test_models_that_do_not_fit_the_data_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        check_models(MADE, [mean_model(**changes)])


def test_a_model_of_another_rate_is_scored_at_its_own():
    other = mean_model(rate_hz=500)
    check_models(MADE, [other])
    scores = score_all(MADE, [other, replace(mean_model(), name="usual")], ("test",), otd_points=50)
    own, usual = (scores[name]["test"].recordings[0] for name in ("it", "usual"))
    assert own.seconds == 3
    assert own.rmse == pytest.approx(usual.rmse, rel=1e-2)


def test_two_models_of_one_name_are_refused():
    with pytest.raises(ValueError, match="two models are called 'it'"):
        check_models(MADE, [mean_model(), mean_model()])


def test_a_model_that_breaks_is_named():
    broken = mean_model().model
    broken.estimate = lambda values: np.full((len(values), 6), np.nan, np.float32)
    with pytest.raises(ValueError, match="it put out something that is no number on t1_p1_b"):
        score_all(MADE, [ScoredModel("it", broken)], SPLITS)


def test_test_sets_without_recordings_are_refused_and_left_out():
    assert choose_splits(MADE, []) == ["test", "test_cross_user"]
    assert choose_splits(MADE, ["test_cross_user"]) == ["test_cross_user"]
    with pytest.raises(ValueError, match="'test_cross_task'; it has some in test, test_cross_user"):
        choose_splits(MADE, ["test_cross_task"])


def test_models_are_found_by_file_by_folder_and_under_a_label(tmp_path):
    run = tmp_path / "second run"
    fitted = find_scored_model("mean", MADE).model
    save_model(run / "model.safetensors", fitted.card, fitted.tensors)
    assert find_scored_model(str(run), MADE).name == "second run"
    assert find_scored_model(str(run / "model.safetensors"), MADE).name == "second run"
    assert find_scored_model(f"ours={run}", MADE).name == "ours"
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="it is no finished training"):
        find_scored_model(str(tmp_path / "empty"), MADE)
    with pytest.raises(OSError, match="no model named 'lstm'"):
        find_scored_model("lstm", MADE)
