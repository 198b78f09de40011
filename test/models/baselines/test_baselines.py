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

"""The baselines that a network has to beat."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.skeletons import Skeleton
from kpm_ros.core.streams import Landmarks, PianoKeys, Streams
from kpm_ros.models.baselines import fitting
from kpm_ros.models.baselines.shapes import moments, reach
from kpm_ros.models.card import CardError
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained
from support.models import Made, listed

POINTS = Landmarks("top", Skeleton("two", ("a", "b")))
PIANO = PianoKeys(count=3)
SMALL = {
    "streams": Streams((POINTS, PIANO)), "muscles": ("a", "b"), "unit": "1", "rate_hz": 1024,
}  # fmt: skip
BASELINES = ("mean", "nearest", "ridge")


def lagging(seed, lag, samples=4096):
    """Effort follows the pose of some samples ago."""
    draw = np.random.default_rng(seed)
    pose = np.cumsum(draw.normal(size=(samples, 4)), axis=0) / 20
    rows = np.concatenate([pose, draw.random((samples, 3))], axis=1).astype(np.float32)
    earlier = np.clip(np.arange(samples) - lag, 0, samples - 1)
    return Made(rows, (pose[earlier, :2] * 0.3 + 3).astype(np.float32))


TRAINING = [lagging(seed, 0) for seed in (1, 2)]


def fit(name, training=TRAINING, choosing=(), seed=0, **fields):
    architecture = find_architecture(name)
    return architecture.fit(architecture.new_card(**{**SMALL, **fields}), training, choosing, seed)


def estimate(name, example, *fitted_to, **fields):
    return Trained(*fit(name, *fitted_to, **fields)).estimate(example.rows)


def rmse(one, other):
    return float(np.sqrt(np.square(one - other).mean()))


def test_the_mean_is_the_same_everywhere():
    other = lagging(9, 0)
    effort = estimate("mean", other)
    assert effort.shape == other.effort.shape
    assert np.ptp(effort, axis=0).max() == 0
    mean = np.concatenate([one.effort for one in TRAINING]).mean(axis=0)
    assert effort[0] == pytest.approx(mean, rel=1e-4)


def test_ridge_finds_a_linear_rule_within_its_reach_only():
    for lag, reachable in ((31, True), (-62, False)):
        test = lagging(3, lag)
        effort = estimate("ridge", test, [lagging(1, lag), lagging(2, lag)], [lagging(4, lag)])
        assert (rmse(effort[100:-100], test.effort[100:-100]) < 0.002) == reachable


def test_ridge_sees_nothing_of_the_future_without_look_ahead():
    model, test = Trained(*fit("ridge", lookahead=0)), lagging(3, 0)
    before = model.estimate(test.rows)
    changed = test.rows.copy()
    changed[1000:] += 1
    after = model.estimate(changed)
    assert np.array_equal(before[:1000], after[:1000])
    assert not np.array_equal(before[1000:], after[1000:])


def test_ridge_learns_nothing_from_what_effort_does_not_follow():
    test = lagging(3, 0)
    keys = [Made(one.rows[:, 4:], one.effort) for one in TRAINING]
    with_pose = rmse(estimate("ridge", test), test.effort)
    seen = Made(test.rows[:, 4:], test.effort)
    without = estimate("ridge", seen, keys, streams=Streams((PIANO,)))
    assert 5 * with_pose < rmse(without, test.effort)


def test_examples_to_choose_by_choose_the_penalty():
    alike, still = lagging(2, 0), lagging(2, 0)
    still.effort[:] = lagging(1, 0).effort.mean(axis=0)
    notes = [fit("ridge", [lagging(1, 0)], [one])[0].notes for one in (alike, still)]
    assert notes[0].startswith(f"penalty {min(fitting.PENALTIES):g} ")
    assert notes[1].startswith(f"penalty {max(fitting.PENALTIES):g} ")


@pytest.mark.parametrize("name", ["ridge", "nearest"])
def test_examples_are_fitted_alike_in_however_large_pieces_they_are_read(name, monkeypatch):
    card, whole = fit(name)
    monkeypatch.setattr("kpm_ros.models.examples.pieces.__defaults__", (997,))
    again, cut = fit(name)
    assert again.notes == card.notes
    test = lagging(3, 0).rows
    one, other = (Trained(card, tensors).estimate(test) for tensors in (whole, cut))
    assert np.abs(one - other).max() < 1e-3


def test_the_nearest_neighbour_of_a_training_instant_is_itself():
    effort = estimate("nearest", TRAINING[0])
    drawn = np.arange(0, len(effort), 16)
    assert effort[drawn] == pytest.approx(TRAINING[0].effort[drawn])


def test_the_nearest_neighbour_searches_no_more_instants_than_stated(monkeypatch):
    monkeypatch.setattr(fitting, "NEIGHBOURS", 50)
    card, tensors = fit("nearest")
    assert 40 < len(tensors["points"]) <= 50
    assert "nearest of 5" in card.notes or "nearest of 4" in card.notes


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_says_that_there_is_nothing_to_learn_from(name):
    with pytest.raises(ValueError, match="no recording to learn from"):
        fit(name, [])


def test_a_look_ahead_beyond_reach_is_refused():
    with pytest.raises(CardError, match=r"63 samples is outside 0\.\.62"):
        fit("ridge", lookahead=63)


@pytest.mark.parametrize(
    ("rate_hz", "around"), [(1024, 62), (2000, 121), (100, 6), (30, 6)], ids=str
)
def test_at_any_rate_seven_different_moments_within_about_60_ms_are_seen(rate_hz, around):
    card = find_architecture("ridge").new_card(
        streams=listed(), muscles=("a",), unit="1", rate_hz=rate_hz
    )
    assert card.lookahead == round(31 / 1024 * rate_hz)
    assert reach(card) == around
    assert len(set(moments(card).tolist())) == 7
    assert moments(card)[-1] == card.lookahead


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_runs_live_in_hops_as_it_estimates_a_recording(name):
    model, test = Trained(*fit(name)), lagging(3, 0).rows[:700]
    assert model.architecture.live
    assert model.estimate_in_hops(test) == pytest.approx(model.estimate(test), abs=1e-5)


def test_ridge_is_a_product_of_the_rows_at_its_moments_with_both_ends_held():
    card, tensors = fit("ridge")
    values = lagging(3, 0).rows[:150]
    places = np.arange(150)[:, None] + moments(card)
    rows = (values - np.float32(card.offset)) / np.float32(card.scale)
    seen = rows[np.clip(places, 0, 149)].reshape(150, -1)
    expected = seen @ tensors["weight"] + tensors["bias"]
    assert Trained(card, tensors).estimate_alone(values) == pytest.approx(expected, abs=1e-4)
