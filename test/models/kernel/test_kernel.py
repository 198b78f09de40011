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

"""Kernel regression on movement: what it sees, of whom it learns, and how far off it says to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.learn.adaptation.steps import to_movement
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.scores.metrics import muscle_correlation
from kpm_ros.models.card import CardError
from kpm_ros.models.intervals import Checked, Intervals, calibrate, coverage
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained
from support.models import Made
from support.people import CARD, RATE_HZ, few_features, made_take

KERNEL = find_architecture("kernel")
NEW = 20


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with few_features():
        yield


OWN = 0.15
"""People who are rather alike, so that a few teach what there is to know."""


def on_grid(person, take=1, seconds=60.0):
    return GridRecording.of(made_take(person, take, seconds, OWN), KERNEL.new_card(**CARD))


def fit(examples, **fields):
    return Trained(*KERNEL.fit(KERNEL.new_card(**{**CARD, **fields}), examples))


def rmse(model, example):
    return float(np.sqrt(np.square(model.estimate(example.values()) - example.effort).mean()))


@pytest.fixture(scope="module")
def people():
    return [on_grid(person) for person in range(1, 9)]


@pytest.fixture(scope="module")
def model(people):
    return fit(people)


def test_it_estimates_somebody_new_better_than_the_mean_does(model):
    new = on_grid(NEW)
    mean = float(np.sqrt(np.square(new.effort - new.effort.mean(axis=0)).mean()))
    assert rmse(to_movement(model, [new]), new) < 0.6 * mean


def test_a_person_who_moves_twice_as_far_in_another_posture_is_estimated_alike(model):
    new = on_grid(NEW)
    larger = Made(new.values() * 2 + 50, new.effort)
    estimates = [to_movement(model, [one]).estimate(one.values()) for one in (new, larger)]
    assert np.abs(estimates[0] - estimates[1]).max() < 1e-3


def test_who_has_moved_for_a_moment_only_is_taken_to_move_nearly_as_usual(model):
    moment = on_grid(NEW, seconds=1.2)
    scaled = to_movement(model, [moment]).card
    share = np.array(scaled.offset) - np.array(model.card.offset)
    own = moment.values().mean(axis=0) - np.array(model.card.offset)
    assert share == pytest.approx(0.02 * own, rel=0.05, abs=1e-3)


def test_it_runs_live_in_hops_as_it_estimates_a_recording(model):
    rows = on_grid(NEW).values()
    assert model.estimate_in_hops(rows) == pytest.approx(model.estimate(rows), abs=1e-5)


def test_nothing_beyond_its_look_ahead_or_4_s_ago_changes_its_effort(model):
    rows = on_grid(NEW).values()
    changed, at = rows.copy(), 700
    changed[at] += 30
    moved = np.flatnonzero((model.estimate(rows) != model.estimate(changed)).any(axis=1))
    span = KERNEL.span(model.card)
    assert at - model.card.lookahead <= moved[0]
    assert moved[-1] <= at + span.settling
    assert span.settling < 4.5 * RATE_HZ


def test_a_muscle_that_is_unknown_in_some_people_is_learnt_from_the_others(people):
    partly = []
    for one in people:
        effort = np.array(one.effort)
        if one.person in ("p1", "p2"):
            effort[:, 1] = np.nan
        effort[100:200, 0] = np.nan
        partly.append(Made(one.values(), effort, one.person))
    new = on_grid(NEW)
    known = to_movement(fit(partly), [new]).estimate(new.values())
    assert (muscle_correlation(new.effort, known) > 0.5).all()


def test_nine_tenths_of_the_truth_of_people_it_has_not_met_lie_within_its_intervals(model):
    intervals = Intervals.of(model.card)
    shares = []
    for person in range(NEW, NEW + 10):
        new = on_grid(person)
        said = to_movement(model, [new]).estimate(new.values())
        shares.append(coverage(intervals, Checked(new.person, said, new.effort)))
    assert 0.84 < np.mean(shares) < 0.96


def test_intervals_are_wider_where_more_is_estimated_and_errs_more():
    random = np.random.default_rng(1)
    said = random.uniform(0, 1, (4000, 1)).astype(np.float32)
    truth = said + said * random.normal(0, 0.3, said.shape).astype(np.float32)
    intervals = calibrate([Checked("a", said, truth)])
    halves = intervals(np.float32([[0.05], [0.9]]))
    assert halves[1] > 3 * halves[0]
    # Of one person alone, so much more lies within that the next one may differ.
    assert coverage(intervals, Checked("a", said, truth)) == pytest.approx(0.95, abs=0.01)


def test_a_long_recording_of_one_person_does_not_outweigh_others_in_intervals():
    said = np.zeros((1000, 1), np.float32)
    calm, wild = said + np.float32(0.1), said + np.float32(1.0)
    long_calm = np.repeat(calm, 9, axis=0)
    intervals = calibrate(
        [Checked("a", np.repeat(said, 9, axis=0), long_calm), Checked("b", said, wild)]
    )
    assert intervals(said[:1])[0, 0] >= 1.0


def test_a_card_keeps_its_intervals_and_levels_and_refuses_others(model):
    card = replace(model.card, levels={name: [0.0, 1.0] for name in model.card.muscles})
    again = type(card).from_metadata(card.to_metadata())
    assert (again.interval, again.levels) == (card.interval, card.levels)
    for wrong in ({"FDS": [0.0, 1.0]}, {"FDS": [0.0, 1.0], "EDC": [1.0, 1.0, 0.0, 1.0]}):
        with pytest.raises(CardError, match="interval"):
            replace(card, interval=wrong)
    with pytest.raises(CardError, match="levels of 'FDS'"):
        replace(card, levels={"FDS": [1.0, 0.0], "EDC": [0.0, 1.0]})
