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

"""The number that says which description a sample of effort belongs to."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from kpm_ros.estimate.effort_info import (
    FIELDS,
    INTERVALS,
    UnusableInfoError,
    described,
    digest_of,
    intervals_of,
    meaning_of,
    new_stream,
    require_usable,
)
from kpm_ros.models.card import ModelCard
from kpm_ros.models.hands import card_of_hand
from kpm_ros.models.pianokpm.published import published_card

CARD = published_card()
PINNED = "e7bcae7e1c8f7b11"


def info(card: ModelCard = CARD, sha256: str = "ab", stream: int = 7) -> SimpleNamespace:
    return SimpleNamespace(**described(card, sha256, stream))


def test_the_digest_is_of_the_contents() -> None:
    made = info()
    assert made.digest == digest_of(made)
    assert vars(made).keys() == {"digest", *FIELDS, *INTERVALS}


def test_the_digest_is_the_same_on_every_machine_and_in_every_version() -> None:
    assert f"{info().digest:016x}" == PINNED


@pytest.mark.parametrize(
    "other",
    [
        info(replace(CARD, muscles=CARD.muscles[::-1])),
        info(replace(CARD, muscles=("ADMPB", *CARD.muscles[2:]))),
        info(replace(CARD, unit="uV")),
        info(replace(CARD, rate_hz=1000)),
        info(sha256="ac"),
    ],
)
def test_another_meaning_has_another_digest(other: SimpleNamespace) -> None:
    assert other.digest != info().digest
    assert meaning_of(other) != meaning_of(info())


def test_two_runs_of_one_model_differ_in_the_digest_and_not_in_the_meaning() -> None:
    first, second = info(stream=new_stream()), info(stream=new_stream())
    assert first.digest != second.digest
    assert meaning_of(first) == meaning_of(second)


TOLD = {name: [0.1, 0.02, 0.5, 0.2] for name in CARD.muscles}


def test_an_info_says_how_wide_intervals_are_and_its_digest_covers_it() -> None:
    made = info(replace(CARD, interval=TOLD))
    require_usable(made)
    assert made.digest != info().digest
    intervals = intervals_of(made)
    assert intervals is not None
    half = intervals(np.float32([[0.0, 0.1, 0.3, 0.5, 0.9, 0.1]]))
    assert half[0] == pytest.approx([0.02, 0.02, 0.11, 0.2, 0.2, 0.02])
    assert intervals_of(info()) is None


def test_an_info_of_before_there_were_intervals_is_still_read() -> None:
    made = info()
    del made.interval_at, made.interval_half
    require_usable(made)
    assert intervals_of(made) is None


@pytest.mark.parametrize(
    "broken",
    [
        {"interval_half": [0.1]},
        {"interval_at": [0.5, 0.1] * 6, "interval_half": [0.1] * 12},
        {"interval_at": [0.1, 0.5] * 6, "interval_half": [-0.1] * 12},
        {"interval_at": [float("nan"), 0.5] * 6, "interval_half": [0.1] * 12},
        {"interval_at": list(range(600)), "interval_half": [0.1] * 600},
    ],
)
def test_intervals_that_are_none_are_refused(broken: dict[str, list[float]]) -> None:
    made = SimpleNamespace(**(vars(info()) | broken))
    made.digest = digest_of(made)
    with pytest.raises(UnusableInfoError, match="intervals"):
        require_usable(made)


def test_both_hands_have_the_intervals_and_levels_of_the_one_that_a_model_was_made_for() -> None:
    levels = {name: [0.01 * place, 0.5] for place, name in enumerate(CARD.muscles)}
    both = card_of_hand(replace(CARD, interval=TOLD, levels=levels), "both")
    assert set(both.interval) == set(both.muscles)
    for side in ("L", "R"):
        assert [both.levels[f"{side}_{name}"] for name in CARD.muscles] == [*levels.values()]
    assert len(both.muscles) == 2 * len(CARD.muscles)
