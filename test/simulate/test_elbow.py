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


"""A hand in an exoskeleton: muscles give what is left, and what nobody expected moves fingers."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.worn_joint import Assist, stable_up_to

pytest.importorskip("mujoco", reason="MuJoCo is not installed")

from kpm_ros.simulate.elbow import AssistedElbow

USUAL = Assist(12.0, 0.19, 0.03)


@pytest.fixture(scope="module")
def elbow() -> AssistedElbow:
    return AssistedElbow(ExercisingPerson())


def test_who_bends_the_elbow_with_help_does_less_by_the_muscles_that_bend_it(
    elbow: AssistedElbow,
) -> None:
    alone, helped = elbow.alone, elbow.worked(np.full((elbow.samples, 1), elbow.most_nm))
    assert alone.effort.shape == (elbow.samples, 1)
    bicep = elbow.muscles.index("RBicep")
    assert helped.effort[:, bicep].mean() < 0.9 * alone.effort[:, bicep].mean()
    bends = [elbow.all_muscles.index(name) for name in ("BIClong", "BICshort", "BRA")]
    less = 1 - helped.all_effort.mean(axis=0) / alone.all_effort.mean(axis=0)
    assert (less[bends] > 0.05).all()
    against = elbow.worked(np.full((elbow.samples, 1), -elbow.most_nm))
    assert against.effort[:, bicep].mean() > alone.effort[:, bicep].mean()


def test_an_exoskeleton_that_gives_nothing_is_a_burden(elbow: AssistedElbow) -> None:
    """Its part on the forearm weighs 0.8 kg, near the elbow."""
    carried = elbow.worked(np.zeros((elbow.samples, 1)))
    assert 1 < carried.all_effort.sum() / elbow.alone.all_effort.sum() < 1.1


def test_lifts_come_out_as_meant_but_for_what_was_not_expected(elbow: AssistedElbow) -> None:
    push = np.full((elbow.samples, 1), 0.3)
    none, some, more = (elbow.missed(k * push, USUAL) for k in (0, 1, 2))
    assert len(some) == len(elbow.lifts)
    assert {each.shift_ms for each in none} == {each.change for each in none} == {0.0}
    for one, two in zip(some, more, strict=True):
        assert 0 < one.shift_ms < two.shift_ms
        assert 0 < one.change < two.change


def test_a_late_gain_has_a_limit_that_grows_with_the_strength_it_is_compared_to(
    elbow: AssistedElbow,
) -> None:
    stronger = AssistedElbow(ExercisingPerson(strength=1.3))
    assert stronger.joint.nm_per_effort == pytest.approx(1.3 * elbow.joint.nm_per_effort)
    assert 1 < stable_up_to(elbow.joint, USUAL) < stable_up_to(stronger.joint, USUAL)
