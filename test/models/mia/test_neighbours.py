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

"""The baselines of Muscles in Action: the nearest training window, and any."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.streams import Streams
from kpm_ros.models.mia.published import MUSCLES, PERSONS, joints
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.trained import Trained
from support.models import Made

WINDOWS = 12


def fitted(name: str, streams: Streams) -> tuple[Trained, list[Made]]:
    """Fit to windows of two persons, each beside its own effort."""
    one = find_architecture(name)
    card = one.new_card(streams=streams, muscles=MUSCLES, unit="1", rate_hz=10)
    random = np.random.default_rng(0)
    examples = []
    for number in range(WINDOWS):
        rows = random.normal(size=(30, card.streams.width)).astype(np.float32)
        if "person" in streams.names:
            rows[:, -1] = 1.0 if number % 2 else 0.9
        examples.append(Made(rows, np.full((30, 8), float(number), np.float32)))
    return Trained(*one.fit(card, examples)), examples


def test_the_nearest_window_is_that_of_least_distance_over_all_of_it() -> None:
    model, examples = fitted("nearest-window", Streams((joints(3),)))
    for number, example in enumerate(examples):
        near = 0.7 * example.rows + 0.3 * examples[number - 1].rows
        distances = [np.linalg.norm(near - other.rows) for other in examples]
        assert int(np.argmin(distances)) == number
        assert np.array_equal(model.estimate_alone(near), example.effort)


def test_where_the_person_is_told_only_that_persons_windows_are_looked_among() -> None:
    model, examples = fitted("nearest-window", Streams((joints(3), PERSONS)))
    asked = examples[4].rows.copy()
    assert model.estimate_alone(asked)[0, 0] == 4
    asked[:, -1] = 1.0
    assert model.estimate_alone(asked)[0, 0] % 2 == 1
    asked[:, -1] = 0.0  # nobody in particular
    assert model.estimate_alone(asked)[0, 0] == 4


def test_a_random_window_is_one_of_the_training_data_and_the_same_each_time() -> None:
    model, _ = fitted("random", Streams((joints(2),)))
    random = np.random.default_rng(3)
    asked = [random.normal(size=(30, 50)).astype(np.float32) for _ in range(60)]
    found = [model.estimate_alone(one)[0, 0] for one in asked]
    assert found == [model.estimate_alone(one)[0, 0] for one in asked]
    assert set(found) <= set(range(WINDOWS))
    assert len(set(found)) > WINDOWS / 2


@pytest.mark.parametrize("name", ["nearest-window", "random"])
def test_shorter_windows_are_compared_by_what_there_is(name: str) -> None:
    model, examples = fitted(name, Streams((joints(3),)))
    effort = model.estimate_alone(examples[7].rows[-10:])
    assert effort.shape == (10, 8)
    if name == "nearest-window":
        assert effort[0, 0] == 7


def test_nothing_to_learn_from_is_said() -> None:
    one = find_architecture("random")
    card = one.new_card(streams=Streams((joints(3),)), muscles=MUSCLES, unit="1", rate_hz=10)
    short = Made(np.zeros((29, 75), np.float32), np.zeros((29, 8), np.float32))
    with pytest.raises(ValueError, match="none is as long as a window of 30 samples"):
        one.fit(card, [short])
