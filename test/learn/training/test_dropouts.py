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

"""Senses that are taken away while a network is trained."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.training.dropouts import SHORTEST_S, Dropouts
from kpm_ros.models.pianokpm.published import published_card

CARD = published_card(optional=("pose", "keys"))


def runs(row):
    """Lengths of the stretches of samples whose sense is missing."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], row != 0, [0]]).astype(int)))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_so_many_windows_are_without_a_sense(share):
    missing = Dropouts(share, seed=1).missing(CARD, 0, 2000, 96)
    assert missing.any(axis=1).mean() == pytest.approx(share, abs=0.04)


def test_one_sense_at_a_time_is_gone_and_each_as_often():
    missing = Dropouts(1.0, seed=1).missing(CARD, 0, 2000, 200)
    kinds = [set(row[row != 0].tolist()) for row in missing]
    assert all(len(kind) == 1 for kind in kinds)
    assert sum(kind == {CARD.streams.bits("pose")} for kind in kinds) == pytest.approx(
        1000, abs=100
    )
    assert sum(kind == {CARD.streams.bits("keys")} for kind in kinds) == pytest.approx(
        1000, abs=100
    )


def test_a_sense_goes_returns_or_is_away_throughout():
    samples = 1024
    missing = Dropouts(1.0, seed=2).missing(CARD, 0, 2000, samples)
    assert all(len(runs(row)) == 1 for row in missing)
    inside = [runs(row)[0] for row in missing if not row[0] and not row[-1]]
    assert min(inside) >= round(SHORTEST_S * CARD.rate_hz)
    assert sum(bool(row[0] and not row[-1]) for row in missing) > 100
    assert sum(bool(not row[0] and row[-1]) for row in missing) > 100
    assert any(row.all() for row in missing)


def test_the_same_step_of_the_same_seed_is_the_same():
    first = Dropouts(0.5, seed=3).missing(CARD, 7, 40, 96)
    assert np.array_equal(first, Dropouts(0.5, seed=3).missing(CARD, 7, 40, 96))
    assert not np.array_equal(first, Dropouts(0.5, seed=3).missing(CARD, 8, 40, 96))
