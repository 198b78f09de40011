"""What assistance promises whatever happens: finite, bounded, slow, and zero in the end."""

from __future__ import annotations

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kpm_ros.act.assistance import (
    STANDSTILL_COMMANDS,
    Assistance,
    AssistanceCommand,
    AssistanceConfig,
)
from kpm_ros.act.safety import CLOCK_SLACK_NS
from kpm_ros.estimate.card import PIANOKPM_MUSCLES as MUSCLES

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
deed = st.one_of(
    st.tuples(st.just("run"), st.integers(2, 500), st.floats(0.2, 1)),
    st.tuples(st.just("push"), any_batch),
    st.tuples(st.just("pass"), any_time),
    st.tuples(st.just("command"), any_time),
    st.tuples(st.just("linger"), st.integers(1, 130)),
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
        self.assistance = Assistance(BRISK, MUSCLES)
        self.now = NOW
        self.torque = np.zeros(3)
        self.asked: int | None = None
        self.still = 0
        self.moved = False

    def check(self, command: AssistanceCommand) -> None:
        asked = self.now
        passed = 0 if self.asked is None else max(0, asked - self.asked)
        self.asked = asked
        self.still = 0 if passed else self.still + 1
        torque = command.torque_nm
        assert torque.shape == (3,)
        assert np.isfinite(torque).all()
        assert (np.abs(torque) <= BRISK.max_torque_nm).all()
        if self.still >= STANDSTILL_COMMANDS:
            assert not torque.any()
        else:
            reach = BRISK.max_torque_rate_nm_s * passed / 1e9
            assert (np.abs(torque - self.torque) <= reach * (1 + 1e-9) + 1e-9).all()
        self.torque = torque
        self.moved |= bool(torque.any())

    def command_after(self, ns: int) -> None:
        self.now += ns
        self.check(self.assistance.command(self.now))

    def do(self, kind: str, *given: object) -> None:
        if kind == "run":
            length, level = given
            for _ in range(length // 2):
                self.now += 2 * MS
                stamps = self.now - 60 * MS + STEP * np.arange(-3, 1)
                self.assistance.push(stamps, np.full((4, 6), level), [0] * 4, self.now)
                self.command_after(0)
        elif kind == "push":
            (offsets, rows, flags) = given[0]
            self.assistance.push([self.now + each for each in offsets], rows, flags, self.now)
        elif kind == "pass":
            self.now += given[0]
        elif kind == "command":
            self.command_after(given[0])
        elif kind == "linger":
            for _ in range(given[0]):
                self.command_after(0)
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
    # The time is counted on a clock that commands have seen; theirs may be ahead by the slack.
    witness.command_after(0)
    ends = witness.now + round(BRISK.time_to_zero_s * 1e9) + CLOCK_SLACK_NS + 1000
    while witness.now < ends:
        witness.command_after(min(period, ends - witness.now))
    np.testing.assert_allclose(witness.torque, 0, atol=1e-9)


def test_the_witness_sees_torque_at_the_limit() -> None:
    witness = Witness()
    witness.do("enable")
    witness.do("run", 500, 1.0)
    np.testing.assert_allclose(np.abs(witness.torque), [0.3, 0.3, 0.0])
