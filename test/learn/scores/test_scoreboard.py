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
from kpm_ros.learn.models.zoo import fit, new_card, save

from kpm_ros.learn.recordings.drawing import pinned
from kpm_ros.learn.scores.board import Board
from kpm_ros.learn.scores.board_text import as_markdown, as_text
from kpm_ros.learn.scores.contestants import find_contestant
from kpm_ros.learn.scores.metrics import mean_correlation, rmse, transport_distance
from kpm_ros.learn.scores.protocols import estimate_published, pose_of_views
from kpm_ros.learn.scores.scoreboard import (
    Contestant,
    check_contestants,
    choose_splits,
    compare,
    describe_data,
    score_all,
)
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained
from support.performances import MadeRelease, make_performance

RELEASE = MadeRelease()
SPLITS = ("test", "test_cross_user")


@pytest.fixture(scope="module")
def contestants():
    return [find_contestant(word, RELEASE) for word in ("mean", "linear=ridge")]


@pytest.fixture(scope="module")
def board(contestants):
    heard = []
    rows = compare(RELEASE, contestants, SPLITS, otd_points=100, listener=heard.append)
    # Every model on every performance, and the costs.
    assert len(heard) == 2 * 3 + 1
    return Board(
        simulated=True,
        data="made up",
        fingerprint="f" * 64,
        split_file="dataset_held_out.json",
        protocol="continuous",
        otd_points=100,
        models=rows,
        cpu="a CPU",
    )


def test_scores_are_those_of_each_performance(contestants, board):
    made = make_performance("t2_p3_a")
    effort = contestants[1].model.estimate(made.pose(), made.keys)
    score = board.models[1].scores["test_cross_user"][1]
    assert score.performance == "t2_p3_a"
    assert score.seconds == 3
    assert score.rmse == pytest.approx(rmse(made.effort, effort), rel=1e-5)
    assert score.otd == pytest.approx(transport_distance(made.effort, effort, 100), rel=1e-4)
    assert score.correlation == pytest.approx(mean_correlation(made.effort, effort), rel=1e-5)


def test_a_better_model_scores_better(board):
    mean, ridge = board.models
    for split in SPLITS:
        assert ridge.interval(split, "rmse").mean < 0.7 * mean.interval(split, "rmse").mean
        assert ridge.interval(split, "otd").mean < mean.interval(split, "otd").mean
        assert mean.interval(split, "correlation").mean == 0


def test_costs_are_measured_in_turns(board):
    for model in board.models:
        assert 0 <= model.cost.low <= model.cost.mean <= model.cost.high


def test_a_scoreboard_comes_back_from_its_file(board):
    assert Board.from_json(board.to_json()) == board
    assert len(board.to_json().splitlines()) < 30
    for text in ("[]", "{}", "nonsense", '{"models": [{}]}'):
        with pytest.raises(ValueError, match="no scoreboard as `kpm evaluate` writes it"):
            Board.from_json(text)


def test_what_is_not_a_number_survives_the_file(board):
    score = replace(board.models[0].scores["test"][0], correlation=float("nan"))
    model = replace(board.models[0], scores={"test": (score,)})
    text = replace(board, models=(model,)).to_json()
    assert "NaN" not in text
    again = Board.from_json(text).models[0].scores["test"][0]
    assert np.isnan(again.correlation)


def test_the_table_says_that_it_is_simulated_before_anything_else(board):
    assert as_text(board).startswith("SIMULATED")
    assert as_markdown(board).startswith("**SIMULATED")
    assert "SIMULATED" not in as_text(replace(board, simulated=False))


def test_the_table_has_every_model_and_test_set(board):
    text, markdown = as_text(board), as_markdown(board)
    ridge = board.models[1].interval("test_cross_user", "rmse")
    cell = f"{ridge.mean:.3f} ± {ridge.half_width:.3f}"
    for form in (text, markdown):
        assert cell in form
        assert len(re.findall(r"^\W*linear +[|p]", form, re.MULTILINE)) == 2
        assert "Unseen pianists (`test_cross_user`, 2 performances, 0.1 min)" in form
        assert "30 ms" in form
        assert "at most 100 evenly spaced samples" in form
    assert "| linear | pose+keys |" in markdown
    assert "| mean | - |" in markdown


def seen_before(name, seen):
    """The mean as a model that has met these."""
    mean = find_contestant("mean", RELEASE).model
    card = replace(mean.card, seen=seen.on_card() if seen else {})
    return Contestant(name, Trained(card, mean.tensors))


def test_what_a_model_has_met_is_left_out_and_named(board):
    some = seen_before("some", Seen(takes=frozenset({"t2_p3_a"})))
    person = seen_before("person", Seen(people=frozenset({"p3"}), tasks=frozenset({"t1"})))
    tuned = seen_before("tuned", Seen(unknown=frozenset({"base"})))
    nobody_knows = seen_before("nobody_knows", None)
    rows = compare(RELEASE, [some, person, tuned, nobody_knows], SPLITS, otd_points=100)
    scored = [[one.performance for one in row.scores["test_cross_user"]] for row in rows]
    assert scored == [["t1_p3_a"], [], *[["t1_p3_a", "t2_p3_a"]] * 2]
    # Tasks and people are expected to be known in "test"; takes are not.
    assert all(len(row.scores["test"]) == 1 for row in rows)
    assert rows[0].met == {"test": {}, "test_cross_user": {"t2_p3_a": "take"}}
    table = replace(board, models=rows)
    assert Board.from_json(table.to_json()) == table
    for text in (as_text(table), as_markdown(table)):
        assert re.search(r"some \(1 new\)[ |]+- ", text)
        assert re.search(r"person \(seen in training\)[ |]+-[ |]+-[ |]+- ", text)
        assert (
            "`some`: seen in training (that very take), so left out of `test_cross_user`: t2_p3"
            in text
        )
        assert "so left out of `test_cross_user`: t1_p3_a, t2_p3_a." in text
        assert "`nobody_knows` (?): what it was trained on is unknown" in text
        assert "`tuned` (?): what it was trained on is unknown before base" in text
        assert "Unseen pianists (`test_cross_user`, 2 performances, 0.1 min)" in text


def test_a_rule_that_is_fitted_here_has_met_what_it_was_fitted_to_and_chosen_by(contestants):
    seen = Seen.from_card(contestants[1].model.card.seen)
    assert seen.takes == {"t1_p1_a", "t2_p1_a", "t1_p2_a", "t2_p2_a"}
    assert seen.people == {"p1", "p2"}


def test_one_performance_has_no_interval(board):
    lines = [line for line in as_text(board).splitlines() if line.strip().startswith("linear")]
    assert "±" not in lines[0]
    assert "±" in lines[1]


class Spy:
    """Stands in for a trained model and notes what it is given."""

    def __init__(self, card):
        self.card, self.given = card, []

    def estimate_alone(self, pose, keys):
        self.given.append((pose, keys))
        return np.full((1024, 6), len(self.given), np.float32)


def test_the_published_protocol_takes_separate_seconds_with_pinned_ends():
    spy, made = Spy(new_card("pianokpm")), make_performance("t1_p1_a")
    cut = replace(made, keys=made.keys[:-100], effort=made.effort[:-100])
    effort = estimate_published(spy, cut, ("top", "right"))
    assert [int(x) for x in effort[::1024, 0]] == [1, 2]
    for second, (pose, keys) in enumerate(spy.given):
        assert pose.shape == (1024, 84)
        assert np.array_equal(keys, made.keys[second * 1024 : (second + 1) * 1024])
        assert pose[0] == pytest.approx(made.frames[second * 60])
        assert pose[-1] == pytest.approx(made.frames[second * 60 + 59])


def test_less_than_a_second_cannot_be_cut_into_windows():
    made = make_performance("t1_p1_a")
    short = replace(made, keys=made.keys[:1000], effort=made.effort[:1000])
    with pytest.raises(ValueError, match="t1_p1_a is shorter than a second"):
        estimate_published(Spy(new_card("pianokpm")), short, ("top", "right"))


def test_a_single_frame_is_held():
    assert np.array_equal(pinned(np.ones((1, 2), np.float32), 4), np.ones((4, 2)))


def test_both_protocols_score_the_same_samples_of_whole_seconds(contestants):
    by_window = score_all(RELEASE, contestants[:1], ("test",), "published", 100)
    whole = score_all(RELEASE, contestants[:1], ("test",), "continuous", 100)
    assert by_window["mean"]["test"][0].rmse == pytest.approx(whole["mean"]["test"][0].rmse)


def test_a_model_gets_its_views_in_its_own_order():
    pose = np.arange(8, dtype=np.float32)[None]
    assert pose_of_views(pose, ("top", "right"), ("right",)).tolist() == [[4, 5, 6, 7]]
    swapped = pose_of_views(pose, ("top", "right"), ("right", "top"))
    assert swapped.tolist() == [[4, 5, 6, 7, 0, 1, 2, 3]]


def contestant(**changes):
    card = new_card("mean", **changes)
    return Contestant("it", Trained(card, {"mean": np.zeros(len(card.muscles), np.float32)}))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"muscles": ("APB",)}, "it estimates APB, and the data set has ADM, PB"),
        ({"rate_hz": 2000}, "it runs at 2000 samples a second"),
    ],
)
def test_models_that_do_not_fit_the_data_are_refused(changes, says):
    with pytest.raises(ValueError, match=says):
        check_contestants(RELEASE, [contestant(**changes)])


def test_a_model_of_other_views_and_two_of_one_name_are_refused():
    card, tensors = fit(new_card("ridge", views=("left", "top")), [make_performance("t1_p1_a")])
    with pytest.raises(ValueError, match="needs the view 'left', and the data set has top"):
        check_contestants(RELEASE, [Contestant("it", Trained(card, tensors))])
    with pytest.raises(ValueError, match="two models are called 'it'"):
        check_contestants(RELEASE, [contestant(), contestant()])


def test_a_model_that_breaks_is_named():
    broken = Trained(contestant().model.card, {"mean": np.full(6, np.nan, np.float32)})
    with pytest.raises(ValueError, match="it put out something that is no number on t1_p1_b"):
        score_all(RELEASE, [Contestant("it", broken)], SPLITS)


def test_test_sets_without_performances_are_refused_and_left_out():
    assert choose_splits(RELEASE, []) == ["test", "test_cross_user"]
    assert choose_splits(RELEASE, ["test_cross_user"]) == ["test_cross_user"]
    with pytest.raises(ValueError, match="'test_cross_task'; it has some in test, test_cross_user"):
        choose_splits(RELEASE, ["test_cross_task"])


def test_models_are_found_by_file_by_folder_and_under_a_label(tmp_path):
    run = tmp_path / "second run"
    save(run / "model.safetensors", *fit(new_card("mean"), RELEASE))
    assert find_contestant(str(run), RELEASE).name == "second run"
    assert find_contestant(str(run / "model.safetensors"), RELEASE).name == "second run"
    assert find_contestant(f"ours={run}", RELEASE).name == "ours"
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="it is no finished training"):
        find_contestant(str(tmp_path / "empty"), RELEASE)
    with pytest.raises(OSError, match="no model named 'lstm'"):
        find_contestant("lstm", RELEASE)


def test_a_data_set_says_how_it_was_made(tmp_path):
    assert "recorded" in describe_data(tmp_path)
    manifest = tmp_path / "simulated" / "dataset.json"
    manifest.parent.mkdir()
    manifest.write_text('{"request": {"pianists": 8, "held_out_tasks": [5, 7], "midi": []}}')
    words = "simulated: pianists 8; held out tasks 5, 7; midi none"
    assert describe_data(tmp_path) == words
    manifest.write_text("[]")
    with pytest.raises(ValueError, match="is no manifest of a simulated data set"):
        describe_data(tmp_path)
