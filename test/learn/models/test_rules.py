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

"""The rules that a network has to beat."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kpm_ros.learn.models.zoo import fit, new_card

from kpm_ros.learn.scores.metrics import rmse
from kpm_ros.models.baselines import rules
from kpm_ros.models.baselines.fitting import RULES
from support.performances import make_performance

TRAINING = [make_performance(f"t1_p{i}_a") for i in range(3)]
OTHER = make_performance("t1_p9_a")


class Lagging:
    """Effort follows the pose of some samples ago."""

    def __init__(self, seed, lag):
        draw = np.random.default_rng(seed)
        self._pose = (np.cumsum(draw.normal(size=(4096, 4)), axis=0) / 20).astype(np.float32)
        self.keys = draw.random((4096, 3)).astype(np.float32)
        earlier = np.clip(np.arange(4096) - lag, 0, 4095)
        self.effort = (self._pose[earlier, :2] * 0.3 + 0.1).astype(np.float32)

    def pose(self):
        return self._pose


SMALL = {"views": ("top",), "landmarks": 2, "keys": 3, "muscles": ("a", "b")}


def estimate(name, performance, card=None, training=TRAINING, choosing=()):
    card, tensors = RULES[name].fit(card or new_card(name), training, choosing, 0)
    return RULES[name](card, tensors).estimate(performance.pose(), performance.keys)


def test_the_mean_is_the_same_everywhere():
    effort = estimate("mean", OTHER)
    assert effort.shape == OTHER.effort.shape
    assert np.ptp(effort, axis=0).max() == 0
    mean = np.concatenate([one.effort for one in TRAINING]).mean(axis=0)
    assert effort[0] == pytest.approx(mean, rel=1e-4)


def test_ridge_finds_a_linear_rule_within_its_reach_only():
    for lag, reachable in ((31, True), (-62, False)):
        training = [Lagging(seed, lag) for seed in (1, 2)]
        test = Lagging(3, lag)
        choosing = [Lagging(4, lag)]
        error = rmse(
            test.effort[100:-100],
            estimate("ridge", test, new_card("ridge", **SMALL), training, choosing)[100:-100],
        )
        assert (error < 0.002) == reachable


def test_ridge_sees_nothing_of_the_future_without_look_ahead():
    card, tensors = fit(new_card("ridge", lookahead=0), TRAINING)
    rule = RULES["ridge"](card, tensors)
    before = rule.estimate(OTHER.pose(), OTHER.keys)
    changed = OTHER.pose()
    changed[1000:] += 1
    after = rule.estimate(changed, OTHER.keys)
    assert np.array_equal(before[:1000], after[:1000])
    assert not np.array_equal(before[1000:], after[1000:])


def test_ridge_sees_only_the_senses_of_its_card():
    training, test = [Lagging(seed, 0) for seed in (1, 2)], Lagging(3, 0)
    errors = {}
    for sense in ("pose", "keys"):
        card = new_card("ridge", inputs=(sense,), **SMALL)
        errors[sense] = rmse(test.effort, estimate("ridge", test, card, training))
    assert errors["pose"] < 0.01 < errors["keys"]


def test_validation_data_choose_the_penalty():
    alike, still = Lagging(2, 0), Lagging(2, 0)
    still.effort[:] = Lagging(1, 0).effort.mean(axis=0)
    notes = [
        RULES["ridge"].fit(new_card("ridge", **SMALL), [Lagging(1, 0)], [choosing], 0)[0].notes
        for choosing in (alike, still)
    ]
    assert notes[0].startswith(f"penalty {min(rules.PENALTIES):g} ")
    assert notes[1].startswith(f"penalty {max(rules.PENALTIES):g} ")


def test_the_nearest_neighbour_of_a_training_instant_is_itself():
    effort = estimate("nearest", TRAINING[0])
    drawn = np.arange(0, len(effort), rules.EVERY)
    assert effort[drawn] == pytest.approx(TRAINING[0].effort[drawn])


def test_the_nearest_neighbour_searches_no_more_instants_than_stated(monkeypatch):
    monkeypatch.setattr(rules, "NEIGHBOURS", 50)
    card, tensors = RULES["nearest"].fit(new_card("nearest"), TRAINING, (), 0)
    assert 40 < len(tensors["points"]) <= 50
    assert "nearest of 5" in card.notes or "nearest of 4" in card.notes


@pytest.mark.parametrize("name", RULES)
def test_a_rule_says_what_it_cannot_learn_from(name):
    with pytest.raises(ValueError, match="no performance"):
        fit(new_card(name), [])


@pytest.mark.parametrize("name", ["ridge", "nearest"])
def test_a_rule_says_which_sense_it_misses(name):
    card, tensors = fit(new_card(name), TRAINING)
    with pytest.raises(ValueError, match="needs keys, and none was given"):
        RULES[name](card, tensors).estimate(OTHER.pose(), None)


def test_a_look_ahead_beyond_reach_is_refused():
    card = replace(new_card("ridge"), lookahead=63)
    with pytest.raises(ValueError, match=r"63 samples is outside 0\.\.62"):
        fit(card, TRAINING)
