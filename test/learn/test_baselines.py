"""The rules that a network has to beat."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.baselines import MeanBaseline, RidgeBaseline
from kpm_ros.learn.metrics import rmse
from kpm_ros.simulate.dataset import Rendering


def linear_performance(seed, lag):
    draw = np.random.default_rng(seed)
    pose = np.cumsum(draw.normal(size=(4000, 4)), axis=0).astype(np.float32) / 20
    keys = draw.random((4000, 3)).astype(np.float32)
    earlier = np.clip(np.arange(4000) - lag, 0, 3999)
    effort = pose[earlier, :2] * 0.3 + 0.1
    return Rendering(pose, keys, effort.astype(np.float32))


def test_the_mean_is_the_same_everywhere():
    performance = linear_performance(0, 0)
    estimate = MeanBaseline(np.array([0.2, 0.3])).estimate(performance)
    assert estimate.shape == performance.effort.shape
    assert np.ptp(estimate, axis=0).max() == 0
    assert estimate[0] == pytest.approx([0.2, 0.3])


def test_ridge_finds_a_linear_rule_within_its_window_only():
    zeros, ones = np.zeros(4), np.ones(4)
    for lag, reachable in ((30, True), (-30, False)):
        training = [linear_performance(seed, lag) for seed in (1, 2)]
        ridge = RidgeBaseline(training, zeros, ones, past=30, ahead=0, penalty=1e-6)
        test = linear_performance(3, lag)
        error = rmse(test.effort[100:-100], ridge.estimate(test)[100:-100])
        assert (error < 0.002) == reachable


def test_ridge_sees_only_the_senses_that_the_network_has():
    training, test = [linear_performance(seed, 0) for seed in (1, 2)], linear_performance(3, 0)
    errors = {}
    for senses in (("pose",), ("keys",)):
        ridge = RidgeBaseline(training, np.zeros(4), np.ones(4), past=0, ahead=0, senses=senses)
        errors[senses[0]] = rmse(test.effort, ridge.estimate(test))
    assert errors["pose"] < 0.01 < errors["keys"]
