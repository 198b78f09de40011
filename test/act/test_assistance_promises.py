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

from kpm_ros.act.arming import HEALING, Arming, ArmingRules, Cause, Fault, NotHealthyError
from kpm_ros.act.assistance import STANDSTILL_S, Assistance
from kpm_ros.act.assistance_command import AssistanceCommand, AssistanceState
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


BESIDE = (
    Fault(Cause.DEAD_MAN, "the dead-man switch is released"),
    Fault(Cause.DRIVE, "the drive does not follow"),
)
"""What may be at fault beside effort."""

any_pace = st.sampled_from([1.0, 1.0, 1.0, 0.0, 1e-6, 0.2, 5.0, 10.0, -1.0])
"""How fast the clock of the stamps goes, beside the steady one."""


def deed(muscles: Sequence[str]) -> st.SearchStrategy:
    return st.one_of(
        st.tuples(st.just("run"), st.integers(2, 500), st.floats(0.2, 1)),
        st.tuples(st.just("push"), any_batch(len(muscles))),
        st.tuples(st.just("set"), any_time),
        st.tuples(st.just("hurry"), any_pace),
        st.tuples(st.just("command"), st.integers(-5 * MS, 300 * MS)),
        st.tuples(st.just("linger"), st.integers(1, 200)),
        st.tuples(st.just("describe"), st.permutations(muscles) | st.just(["nobody's"])),
        st.tuples(st.just("doubt")),
        st.tuples(st.just("switch"), st.sampled_from([None, *BESIDE])),
        st.tuples(st.sampled_from(["arm", "arm", "arm", "disarm", "stop"])),
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


HEALS = ArmingRules()


class Witness:
    """Checks every command against the promises that hold whatever happened before it."""

    def __init__(
        self, config: AssistanceConfig, muscles: Sequence[str], rules: ArmingRules = HEALS
    ) -> None:
        self.config, self.muscles = config, muscles
        self.assistance = Assistance(config, Arming(rules))
        self.beside: list[Fault] = []
        self.disarmed_ns: int | None = 0
        """Since when, by the steady clock, it has been disarmed."""
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
        armed = self.assistance.armed
        assert (command.state is AssistanceState.DISARMED) is not armed
        if armed:
            self.disarmed_ns = None
        elif self.disarmed_ns is None:
            self.disarmed_ns = self.asked - passed
        elif self.asked - self.disarmed_ns >= self.config.ramp_down_s * 1e9:
            assert not torque.any()
        assert not (armed and self.beside), "armed beside a fault that does not heal"
        assert torque.shape == self.torque.shape
        assert np.isfinite(torque).all()
        assert (np.abs(torque) <= self.config.max_torque_nm).all()
        if self.asked - self.shown_since > STANDSTILL_S * 1e9:
            assert not torque.any()
        elif passed > self.config.valid_s * 1e9:
            assert not torque.any()  # the drive has gone to zero, and has done so at once
        else:
            acts = command.state in (AssistanceState.RAMPING, AssistanceState.ACTIVE)
            down = self.config.max_torque_nm / self.config.ramp_down_s
            rate = self.config.max_torque_rate_nm_s if acts else down
            reach = rate * passed / 1e9
            assert (np.abs(torque - self.torque) <= reach * (1 + 1e-9) + 1e-9).all()
            assert acts or (np.abs(torque) <= np.abs(self.torque)).all()
        self.torque = torque
        self.moved |= bool(torque.any())

    def pass_time(self, ns: int) -> None:
        self.steady += ns
        self.clock_ns += round(ns * self.pace)

    def command_after(self, ns: int) -> None:
        self.pass_time(ns)
        self.check(self.assistance.command(self.now, self.beside))

    def arm(self) -> None:
        if self.assistance.armed:
            return
        missing = self.assistance.missing(self.now, self.beside)
        with suppress(NotHealthyError):
            self.assistance.arm(self.now, "somebody", self.beside)
        assert self.assistance.armed is not bool(missing)

    def do(self, kind: str, *given: object) -> None:
        getattr(self, kind)(*given)
        if kind in ("switch", "stop", "disarm", "arm"):
            self.command_after(0)

    def run(self, length: int, level: float) -> None:
        for _ in range(length // 2):
            self.pass_time(2 * MS)
            stamps = self.clock_ns - 60 * MS + STEP * np.arange(-3, 1)
            self.assistance.push_effort(
                stamps, np.full((4, len(self.muscles)), level), [0] * 4, self.now
            )
            self.command_after(0)

    def push(self, batch: tuple[list[int], list[list[float]], list[int]]) -> None:
        offsets, rows, flags = batch
        stamps = [self.clock_ns + each for each in offsets]
        self.assistance.push_effort(stamps, rows, flags, self.now)

    def set(self, ns: int) -> None:
        self.clock_ns += ns

    def hurry(self, pace: float) -> None:
        self.pace = pace

    def command(self, ns: int) -> None:
        self.command_after(ns)

    def linger(self, steps: int) -> None:
        for _ in range(steps):
            self.command_after(2 * MS)

    def describe(self, muscles: list[str]) -> None:
        with suppress(ValueError):
            self.assistance.describe(muscles, tuple(muscles))

    def doubt(self) -> None:
        self.assistance.inhibit("something", self.now)

    def switch(self, fault: Fault | None) -> None:
        self.beside = [fault] if fault else []

    def stop(self) -> None:
        self.assistance.stop(self.now)
        self.torque = np.zeros(len(self.config.joints))

    def disarm(self) -> None:
        self.assistance.disarm(self.now, "somebody")


@wearers
@settings(max_examples=100, deadline=None)
@given(
    data=st.data(),
    period=st.integers(MS, 60 * MS),
    heals=st.lists(st.sampled_from([each.value for each in HEALING if each != "drive"])),
)
def test_whatever_comes_torque_is_finite_bounded_slow_and_ends_in_zero(
    config: AssistanceConfig,
    muscles: Sequence[str],
    data: st.DataObject,
    period: int,
    heals: list[str],
) -> None:
    witness = Witness(config, muscles, ArmingRules(heals))
    witness.do("run", 100, 0.9)
    witness.do("arm")
    for each in data.draw(st.lists(deed(muscles), max_size=25)):
        witness.do(*each)
    event(f"torque was given: {witness.moved}")
    # From here on nothing comes, and the clock of the stamps still goes as it likes.
    witness.steady = max(witness.steady, witness.asked or 0)
    witness.command_after(0)
    ends = witness.steady + round(config.time_to_zero_s * 1e9) + 1000
    while witness.steady < ends:
        witness.command_after(min(period, ends - witness.steady))
    assert not witness.torque.any()


def test_the_witness_sees_torque_at_the_limit() -> None:
    witness = Witness(BRISK, MUSCLES)
    witness.do("run", 100, 1.0)
    witness.do("arm")
    witness.do("run", 500, 1.0)
    np.testing.assert_allclose(np.abs(witness.torque), [0.3, 0.3, 0.0])


def test_a_body_is_assisted_once_armed_and_not_before() -> None:
    assert not SUITS_A_BODY.enabled
    witness = Witness(BODY, EIGHT)
    witness.do("run", 300, 0.9)
    assert not witness.moved
    witness.do("arm")
    for _ in range(150):
        witness.pass_time(2 * MS)
        stamps = witness.clock_ns - 60 * MS + STEP * np.arange(-3, 1)
        effort = np.tile(np.eye(len(EIGHT))[EIGHT.index("RQuad")], (4, 1))
        witness.assistance.push_effort(stamps, effort, [0] * 4, witness.now)
        witness.command_after(0)
    given = dict(zip(BODY.joints, witness.torque, strict=True))
    assert given.pop("right_knee") == BODY.max_torque_nm
    assert set(given.values()) == {0.0}
