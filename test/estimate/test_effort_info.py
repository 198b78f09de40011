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

import pytest

from kpm_ros.estimate.effort_info import FIELDS, described, digest_of, meaning_of, new_stream
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card

CARD = published_card()
PINNED = "e7bcae7e1c8f7b11"


def info(card: ModelCard = CARD, sha256: str = "ab", stream: int = 7) -> SimpleNamespace:
    return SimpleNamespace(**described(card, sha256, stream))


def test_the_digest_is_of_the_contents() -> None:
    made = info()
    assert made.digest == digest_of(made)
    assert vars(made).keys() == {"digest", *FIELDS}


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
