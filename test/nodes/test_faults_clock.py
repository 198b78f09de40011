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

"""The clock is set while the real graph runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from support.stage import Stage, namespaces
from support.waiting import wait_for
from support.witness import time_to_zero_ms

S = 1_000_000_000


@pytest.fixture(scope="module")
def running_stage(context) -> Iterator[Stage]:
    with Stage(context, next(namespaces("clock")), settable=True) as made:
        yield made


def clock_steps(witness):
    return int(witness.values("synchronizer").get("clock_steps", 0))


@pytest.mark.parametrize("step_s", [1, -1])
def test_after_a_step_of_the_clock_effort_is_of_the_new_time(stage, record_property, step_s):
    """Assistance stops meanwhile."""
    witness = stage.witness
    stage.wait_for_torque()
    place = witness.taken - 1
    counted = clock_steps(witness)
    set_ns = time.time_ns()
    stage.clock.ahead_ns += step_s * S
    stage.wait_for_no_torque()

    def steps():
        return np.diff(witness.since(place).stamps_ns) // 1_000_000

    wait_for(lambda: (np.abs(steps()) > 500).any(), "stamps of the new time")
    place = witness.taken
    well_ns = witness.wait_until_well()
    record_property("recovery_ms", round((well_ns - set_ns) / 1e6, 1))
    newest_ns = int(witness.since(place).stamps_ns[-1])
    assert abs(newest_ns - stage.clock.now_ns()) < S / 2
    stage.wait_for_torque()
    wait_for(lambda: clock_steps(witness) > counted, "the step to be counted")


def recovered(stage, record):
    """Measure how long effort of the clock's present takes to be well, now that it goes on."""
    ended_ns, now_ns = time.time_ns(), stage.clock.now_ns()
    well_ns = stage.witness.wait_until_well(now_ns)
    record("recovery_ms", round((well_ns - ended_ns) / 1e6, 1))
    stage.wait_for_torque()


def test_a_clock_that_creeps_does_not_hold_torque_up(stage, record_property):
    """No effort comes meanwhile, and by the clock's own time hardly any is missing."""
    witness = stage.witness
    stage.wait_for_torque()
    with stage.stopped("inference"), stage.clock.going(1e-6) as began_ns:
        moved_ns = time_to_zero_ms(record_property, witness, began_ns)
        witness.wait_for_news("exo")
        assert witness.moved_ns == moved_ns
        assert "no effort for" in witness.values("exo")["reason"]
    recovered(stage, record_property)


def test_a_clock_that_stands_still_ends_in_zero(stage, record_property):
    """Devices and estimator go on as far as they can."""
    witness = stage.witness
    stage.wait_for_torque()
    with stage.clock.going(0.0) as began_ns:
        moved_ns = time_to_zero_ms(record_property, witness, began_ns)
        witness.wait_for_news("exo")
        assert witness.moved_ns == moved_ns
    recovered(stage, record_property)


def test_a_clock_that_hurries_is_survived(stage, record_property):
    """How fast torque changes meanwhile is measured here, and held by `test/act`."""
    witness = stage.witness
    stage.wait_for_torque()
    with stage.clock.going(10.0):
        witness.fastest_nm_s = 0.0
        witness.wait_for_news("exo")
        record_property("fastest_nm_s", round(witness.fastest_nm_s, 3))
    recovered(stage, record_property)
