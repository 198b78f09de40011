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

"""Simulated hands teach shapes that other simulated hands' shapes are told by."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.act.gestures.gesture_model import GestureModel
from kpm_ros.core.resources import find_gesture_model
from kpm_ros.learn.gestures.gesture_scores import hear, outcomes, scores
from kpm_ros.learn.gestures.simulated_shapes import SHAPES, simulated_shapes


@pytest.fixture(scope="module")
def others():
    """Nobody whom the shipped model has met."""
    return simulated_shapes(people=6, repetitions=1, seed=9)


def test_the_shipped_model_says_that_it_is_simulated_and_tells_shapes_of_others(others):
    model = GestureModel.load(find_gesture_model("default"))
    assert model.card.simulated
    assert model.card.trained_on == "simulated hands"
    assert set(model.card.gestures) == set(SHAPES)
    found = scores(outcomes(model, hear(model, others)))
    assert found.execution_accuracy > 0.7
    assert found.active_error < 0.1


def test_the_same_seed_is_the_same_people(others):
    again = simulated_shapes(people=1, repetitions=1, seed=9)
    for one, other in zip(again.executions, others.executions, strict=False):
        assert one.gesture == other.gesture
        np.testing.assert_array_equal(
            one.signals["landmarks"].samples, other.signals["landmarks"].samples
        )
    assert others.simulated
