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

"""Recipes and what they refuse."""

from __future__ import annotations

import math

import pytest

from kpm_ros.learn.training.schedule import learning_rate_factor
from kpm_ros.learn.training.training_settings import for_windowed, make_settings


def test_the_published_recipe_is_the_published_one():
    settings = make_settings("published")
    assert (settings.window, settings.overlap) == (1024, 256)
    assert (settings.learning_rate, settings.batch, settings.epochs) == (1e-4, 64, 200)
    assert (settings.sinkhorn, settings.sinkhorn_points) == (1.0, 0)
    assert settings.pose_timing == "window"
    assert settings.whole_windows
    assert settings.gradient_limit == 0


def test_the_published_learning_rate_is_halved_every_twenty_epochs():
    settings = make_settings("published")
    factors = [learning_rate_factor(settings, 10 * epoch, 2000, 10, 0.0) for epoch in range(200)]
    assert factors == [0.5 ** (epoch // 20) for epoch in range(200)]


def test_the_quick_learning_rate_rises_and_falls_to_nothing():
    settings = make_settings("quick", warm_up_steps=10)
    factors = [learning_rate_factor(settings, step, 100, 10, 0.0) for step in range(101)]
    assert factors[0] == pytest.approx(0.1, rel=0.01)
    assert factors[50] == pytest.approx(0.5)
    assert factors[100] == 0
    assert factors.index(max(factors)) == 9


def test_a_time_limit_bends_the_fall_of_the_learning_rate():
    settings = make_settings("quick", warm_up_steps=0, time_limit_min=10.0)
    assert learning_rate_factor(settings, 1, 10_000, 10, 300.0) == pytest.approx(0.5)
    assert learning_rate_factor(settings, 1, 10_000, 10, 600.0) == 0


def test_every_ingredient_can_be_had_in_any_recipe():
    settings = make_settings("published", schedule="cosine", window=512, sinkhorn=0.0)
    assert (settings.schedule, settings.window, settings.sinkhorn) == ("cosine", 512, 0)
    assert settings.batch == 64


def test_a_model_that_sees_whole_windows_gets_them():
    settings = for_windowed(make_settings("quick"), 1024)
    assert (settings.window, settings.whole_windows) == (1024, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"epochs": 0.0}, "epochs must be above 0, not 0.0"),
        ({"batch": 0}, "batch must be at least 1, not 0"),
        ({"drop_senses": 1.5}, "drop-senses must be from 0 to 1, not 1.5"),
        ({"overlap": 1024}, "overlap must be from 0 to below the window, not 1024"),
        ({"average": 1.0}, "average must be from 0 to below 1"),
        ({"pose_timing": "late"}, "pose-timing must be window or stamps or newest, not late"),
        ({"time_limit_min": math.nan}, "time-limit-min must be above 0, not nan"),
        ({"drop_senses": 0.5, "inputs": ("keys",)}, "the inputs are keys alone"),
        ({"shifted": True}, "shifted windows do not begin with a frame"),
        ({"speed": 3}, "there is no setting 'speed'"),
    ],
)
def test_settings_that_cannot_be_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        make_settings("published", **given)


def test_an_unknown_recipe_is_refused():
    with pytest.raises(ValueError, match="choose from published, quick"):
        make_settings("slow")


def test_what_is_given_overrides_what_suits_a_kind_of_model():
    assert make_settings("quick", model="touchnet").window == 1024
    assert make_settings("quick", model="touchnet", window=512).window == 512
    assert make_settings("quick", model="pianokpm").window == 256
    assert make_settings("published", model="touchnet").learning_rate == 1e-4
