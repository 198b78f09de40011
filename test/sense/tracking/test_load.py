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

"""Whether a tracker keeps up, and which model would."""

from __future__ import annotations

import pytest

from kpm_ros.sense.tracking.load import (
    PATIENCE_S,
    UNLOADED,
    WINDOW,
    ModelChoice,
    Tracked,
    advice,
    load_of,
)

MS = 1_000_000
GAP_MS = 33


def pictures(count: int, spent_ms: float, cpu_ms: float, stride: int = 1, first: int = 0):
    """Pictures of a camera of 30 a second, of which every so-manieth is looked at."""
    return [
        Tracked(index * GAP_MS * MS, index, spent_ms / 1e3, place * cpu_ms / 1e3)
        for place, index in enumerate(range(first, first + count * stride, stride))
    ]


def chosen(cores: int, spent_ms: float, cpu_ms: float, stride: int = 1) -> ModelChoice:
    choice = ModelChoice(cores)
    for one in pictures(
        round(1.2 * PATIENCE_S * 1e3 / GAP_MS / stride) + 20, spent_ms, cpu_ms, stride
    ):
        choice.add(one)
    return choice


def test_the_load_is_told_by_the_cameras_own_numbering() -> None:
    load = load_of(pictures(11, 60, 25, stride=3))
    assert load is not None
    assert load.gap_s == pytest.approx(0.033)
    assert load.spent_s == pytest.approx(0.06)
    assert load.cpu_s == pytest.approx(0.025)
    assert load.skipped == pytest.approx(2 / 3)
    assert not load.keeps_up


def test_too_few_pictures_or_a_numbering_that_stands_still_say_nothing() -> None:
    assert load_of([]) is None
    assert load_of(pictures(2, 9, 9)) is None
    assert load_of([Tracked(i * MS, 7, 0.01, 0.0) for i in range(9)]) is None
    assert load_of(list(reversed(pictures(9, 9, 9)))) is None


@pytest.mark.parametrize(
    ("cores", "spent_ms", "cpu_ms", "stride", "model"),
    [
        (16, 12, 15, 1, "full"),
        (2, 22, 18, 1, "full"),
        (2, 22, 25, 1, "lite"),  # two such cameras take three quarters of the machine
        (16, 60, 25, 1, "lite"),  # each picture takes longer than there is time
        (16, 12, 15, 2, "lite"),  # whatever the reason, half of the pictures are skipped
    ],
)
def test_the_model_is_chosen_by_what_the_full_one_costs(
    cores: int, spent_ms: float, cpu_ms: float, stride: int, model: str
) -> None:
    choice = chosen(cores, spent_ms, cpu_ms, stride)
    assert choice.model == model
    for fact in (f"the {model} model", f"{spent_ms:g} ms", "33 ms", f"{cores} cores"):
        assert fact in choice.reason


def test_a_slow_start_is_not_held_against_the_full_model() -> None:
    choice = ModelChoice(4)
    slow = pictures(150, 80, 40)
    assert not any(choice.add(one) for one in slow)
    quick = pictures(2 * WINDOW, 12, 15, first=150)
    decided = [choice.add(one) for one in quick]
    assert decided.count(True) == 1
    assert choice.model == "full"


def test_it_is_decided_once_and_what_loads_the_models_does_not_count() -> None:
    choice = ModelChoice(4)
    loading = [Tracked(i * GAP_MS * MS, i, 3.0, 0.0) for i in range(UNLOADED)]
    rest = pictures(WINDOW, 12, 15, first=UNLOADED)
    assert [choice.add(one) for one in [*loading, *rest]].count(True) == 1
    assert choice.model == "full"
    assert not any(choice.add(one) for one in pictures(500, 80, 80, first=100))
    assert choice.model == "full"


def test_advice_names_only_what_is_left_to_try() -> None:
    load = load_of(pictures(11, 60, 25, stride=3))
    assert load is not None
    cheaper = ["the lite model (model: lite)", "following one hand (hands: 1)"]
    everything = advice(load, cheaper, (1920, 1080))
    assert everything.startswith("67% of the pictures are skipped: tracking takes 60 ms (25 ms of")
    for help_ in ("model: lite", "hands: 1", "width, height", "fps"):
        assert help_ in everything
    little = advice(load, [], (640, 360))
    for help_ in ("model: lite", "hands: 1", "width, height"):
        assert help_ not in little
    assert "fewer pictures (fps)" in little
