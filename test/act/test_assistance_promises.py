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

"""What assistance promises whatever happens: finite, bounded, slow, and zero in the end."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kpm_ros.act.assistance import STANDSTILL_S, Assistance, AssistanceCommand
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.safety import Now
from kpm_ros.models.pianokpm.published import MUSCLES

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000

# Anything a broken stream, a broken clock and an impatient hand on the switch can do.
any_float = st.floats(allow_nan=True, allow_infinity=True, width=64)
any_time = st.one_of(
    st.integers(0, 20 * MS), st.integers(-30 * MS, 200 * MS), st.integers(-(10**12), 10**12)
)
any_batch = st.integers(1, 4).flatmap(
    lambda count: st.tuples(
        st.lists(any_time, min_size=count, max_size=count),
        st.lists(
            st.lists(any_float | st.floats(0, 1), min_size=6, max_size=6) | st.just([0.9] * 6),
            min_size=count,
            max_size=count,
        ),
        st.lists(st.sampled_from([0, 0, 0, 2, 128, 132]), min_size=count, max_size=count),
    )
)
any_pace = st.sampled_from([1.0, 1.0, 1.0, 0.0, 1e-6, 0.2, 5.0, 10.0, -1.0])
"""How fast the clock of the stamps goes, beside the steady one."""
deed = st.one_of(
    st.tuples(st.just("run"), st.integers(2, 500), st.floats(0.2, 1)),
    st.tuples(st.just("push"), any_batch),
    st.tuples(st.just("set"), any_time),
    st.tuples(st.just("pace"), any_pace),
    st.tuples(st.just("command"), st.integers(-5 * MS, 300 * MS)),
    st.tuples(st.just("linger"), st.integers(1, 200)),
    st.tuples(st.just("describe"), st.permutations(MUSCLES) | st.just(["nobody's"])),
    st.tuples(st.just("doubt")),
    st.tuples(st.sampled_from(["enable", "disable", "stop"])),
)
BRISK = AssistanceConfig(
    gain={"thumb": {"PB": 90.0, "ADM": -80.0}, "index": {"1DI": -5.0}, "still": {}},
    recover_s=0.02,
    enabled_ramp_s=0.05,
    max_torque_rate_nm_s=10.0,
)


class Witness:
    """Checks every command against the promises that hold whatever happened before it."""

    def __init__(self) -> None:
        self.assistance = Assistance(BRISK)
        self.assistance.describe(MUSCLES, MUSCLES)
        self.clock_ns, self.steady = NOW, 5 * 10**9
        self.pace = 1.0
        self.torque = np.zeros(3)
        self.asked: int | None = None
        self.shown = 0
        self.shown_since = 0
        self.moved = False

    @property
    def now(self) -> Now:
        return Now(self.clock_ns, self.steady)

    def check(self, command: AssistanceCommand) -> None:
        passed = 0 if self.asked is None else max(0, self.steady - self.asked)
        self.asked = self.steady if self.asked is None else max(self.asked, self.steady)
        if self.clock_ns != self.shown:
            self.shown, self.shown_since = self.clock_ns, self.asked
        torque = command.torque_nm
        assert torque.shape == (3,)
        assert np.isfinite(torque).all()
        assert (np.abs(torque) <= BRISK.max_torque_nm).all()
        if self.asked - self.shown_since > STANDSTILL_S * 1e9:
            assert not torque.any()
        else:
            reach = BRISK.max_torque_rate_nm_s * passed / 1e9
            assert (np.abs(torque - self.torque) <= reach * (1 + 1e-9) + 1e-9).all()
        self.torque = torque
        self.moved |= bool(torque.any())

    def pass_time(self, ns: int) -> None:
        self.steady += ns
        self.clock_ns += round(ns * self.pace)

    def command_after(self, ns: int) -> None:
        self.pass_time(ns)
        self.check(self.assistance.command(self.now))

    def do(self, kind: str, *given: object) -> None:
        if kind == "run":
            length, level = given
            for _ in range(length // 2):
                self.pass_time(2 * MS)
                stamps = self.clock_ns - 60 * MS + STEP * np.arange(-3, 1)
                self.assistance.push_effort(stamps, np.full((4, 6), level), [0] * 4, self.now)
                self.command_after(0)
        elif kind == "push":
            (offsets, rows, flags) = given[0]
            self.assistance.push_effort(
                [self.clock_ns + each for each in offsets], rows, flags, self.now
            )
        elif kind == "set":
            self.clock_ns += given[0]
        elif kind == "pace":
            self.pace = given[0]
        elif kind == "command":
            self.command_after(given[0])
        elif kind == "linger":
            for _ in range(given[0]):
                self.command_after(2 * MS)
        elif kind == "describe":
            with suppress(ValueError):
                self.assistance.describe(given[0], tuple(given[0]))
        elif kind == "doubt":
            self.assistance.inhibit("something", self.now)
        elif kind == "stop":
            self.torque = self.assistance.stop().torque_nm
            assert not self.torque.any()
        else:
            self.check(getattr(self.assistance, kind)(self.now))


@settings(max_examples=150, deadline=None)
@given(deeds=st.lists(deed, max_size=25), period=st.integers(MS, 60 * MS))
def test_whatever_comes_torque_is_finite_bounded_slow_and_ends_in_zero(
    deeds: list[tuple], period: int
) -> None:
    witness = Witness()
    witness.do("enable")
    for each in deeds:
        witness.do(*each)
    event(f"torque was given: {witness.moved}")
    # From here on nothing comes, and the clock of the stamps still goes as it likes.
    witness.steady = max(witness.steady, witness.asked or 0)
    witness.command_after(0)
    ends = witness.steady + round(BRISK.time_to_zero_s * 1e9) + 1000
    while witness.steady < ends:
        witness.command_after(min(period, ends - witness.steady))
    np.testing.assert_allclose(witness.torque, 0, atol=1e-9)


def test_the_witness_sees_torque_at_the_limit() -> None:
    witness = Witness()
    witness.do("enable")
    witness.do("run", 500, 1.0)
    np.testing.assert_allclose(np.abs(witness.torque), [0.3, 0.3, 0.0])
