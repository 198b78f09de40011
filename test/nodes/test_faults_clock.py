"""The clock is set while the real graph runs."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from support.stage import Stage, namespaces
from support.waiting import wait_for

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
