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

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kpm_ros.act.assistance import STANDSTILL_S, Assistance, AssistanceCommand
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.muscle_weights import parse_weights
from kpm_ros.act.safety import Now
from kpm_ros.core.settings import make_settings
from kpm_ros.core.subjects import find_subject
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.nodes.effort_settings import ExoSettings
from support.bodies import EIGHT

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000

# Anything a broken stream, a broken clock and an impatient hand on the switch can do.
any_float = st.floats(allow_nan=True, allow_infinity=True, width=64)
any_time = st.one_of(
    st.integers(0, 20 * MS), st.integers(-30 * MS, 200 * MS), st.integers(-(10**12), 10**12)
)


def any_batch(muscles: int) -> st.SearchStrategy:
    any_row = st.lists(any_float | st.floats(0, 1), min_size=muscles, max_size=muscles)
    flags = st.sampled_from([0, 0, 0, 2, 128, 132, 384])
    return st.integers(1, 4).flatmap(
        lambda count: st.tuples(
            st.lists(any_time, min_size=count, max_size=count),
            st.lists(any_row | st.just([0.9] * muscles), min_size=count, max_size=count),
            st.lists(flags, min_size=count, max_size=count),
        )
    )


any_pace = st.sampled_from([1.0, 1.0, 1.0, 0.0, 1e-6, 0.2, 5.0, 10.0, -1.0])
"""How fast the clock of the stamps goes, beside the steady one."""


def deed(muscles: Sequence[str]) -> st.SearchStrategy:
    return st.one_of(
        st.tuples(st.just("run"), st.integers(2, 500), st.floats(0.2, 1)),
        st.tuples(st.just("push"), any_batch(len(muscles))),
        st.tuples(st.just("set"), any_time),
        st.tuples(st.just("pace"), any_pace),
        st.tuples(st.just("command"), st.integers(-5 * MS, 300 * MS)),
        st.tuples(st.just("linger"), st.integers(1, 200)),
        st.tuples(st.just("describe"), st.permutations(muscles) | st.just(["nobody's"])),
        st.tuples(st.just("doubt")),
        st.tuples(st.sampled_from(["enable", "disable", "stop"])),
    )


BRISK = AssistanceConfig(
    gain={"thumb": {"PB": 90.0, "ADM": -80.0}, "index": {"1DI": -5.0}, "still": {}},
    recover_s=0.02,
    enabled_ramp_s=0.05,
    max_torque_rate_nm_s=10.0,
)
SUITS_A_BODY = make_settings("exo", ExoSettings, find_subject("body").parameters["exo"])
BODY = replace(
    SUITS_A_BODY.assistance,
    gain=parse_weights("gains", SUITS_A_BODY.gains, ""),
    recover_s=0.02,
    enabled_ramp_s=0.05,
)
wearers = pytest.mark.parametrize(
    ("config", "muscles"), [(BRISK, MUSCLES), (BODY, EIGHT)], ids=["hand", "body"]
)


class Witness:
    """Checks every command against the promises that hold whatever happened before it."""

    def __init__(self, config: AssistanceConfig, muscles: Sequence[str]) -> None:
        self.config, self.muscles = config, muscles
        self.assistance = Assistance(config)
        self.assistance.describe(muscles, tuple(muscles))
        self.clock_ns, self.steady = NOW, 5 * 10**9
        self.pace = 1.0
        self.torque = np.zeros(len(config.joints))
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
        assert torque.shape == self.torque.shape
        assert np.isfinite(torque).all()
        assert (np.abs(torque) <= self.config.max_torque_nm).all()
        if self.asked - self.shown_since > STANDSTILL_S * 1e9:
            assert not torque.any()
        else:
            reach = self.config.max_torque_rate_nm_s * passed / 1e9
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
                self.assistance.push_effort(
                    stamps, np.full((4, len(self.muscles)), level), [0] * 4, self.now
                )
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


@wearers
@settings(max_examples=100, deadline=None)
@given(data=st.data(), period=st.integers(MS, 60 * MS))
def test_whatever_comes_torque_is_finite_bounded_slow_and_ends_in_zero(
    config: AssistanceConfig, muscles: Sequence[str], data: st.DataObject, period: int
) -> None:
    witness = Witness(config, muscles)
    witness.do("enable")
    for each in data.draw(st.lists(deed(muscles), max_size=25)):
        witness.do(*each)
    event(f"torque was given: {witness.moved}")
    # From here on nothing comes, and the clock of the stamps still goes as it likes.
    witness.steady = max(witness.steady, witness.asked or 0)
    witness.command_after(0)
    ends = witness.steady + round(config.time_to_zero_s * 1e9) + 1000
    while witness.steady < ends:
        witness.command_after(min(period, ends - witness.steady))
    np.testing.assert_allclose(witness.torque, 0, atol=1e-9)


def test_the_witness_sees_torque_at_the_limit() -> None:
    witness = Witness(BRISK, MUSCLES)
    witness.do("enable")
    witness.do("run", 500, 1.0)
    np.testing.assert_allclose(np.abs(witness.torque), [0.3, 0.3, 0.0])


def test_a_body_is_assisted_once_enabled_and_not_before() -> None:
    assert not SUITS_A_BODY.enabled
    witness = Witness(BODY, EIGHT)
    witness.do("run", 300, 0.9)
    assert not witness.moved
    witness.do("enable")
    for _ in range(150):
        witness.pass_time(2 * MS)
        stamps = witness.clock_ns - 60 * MS + STEP * np.arange(-3, 1)
        effort = np.tile(np.eye(len(EIGHT))[EIGHT.index("RQuad")], (4, 1))
        witness.assistance.push_effort(stamps, effort, [0] * 4, witness.now)
        witness.command_after(0)
    given = dict(zip(BODY.joints, witness.torque, strict=True))
    assert given.pop("right_knee") == BODY.max_torque_nm
    assert set(given.values()) == {0.0}
