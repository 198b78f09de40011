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


"""What the relay at a drive promises, whatever comes: fresh, in order, of one sender, or zero."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kpm_ros.act.relay import Relay, RelayRules, TimedCommand
from kpm_ros.act.safety import Now
from kpm_ros.core.settings import ConfigurationError

MS = 1_000_000
RULES = RelayRules(joints=["index", "thumb"])
ONE, OTHER = (b"one", 1), (b"two", 2)


def command(sequence: int, torque: float, at_ms: float, **changes: object) -> TimedCommand:
    made = TimedCommand(
        ONE, sequence, round(at_ms * MS), 0.05, False, ["thumb", "index"], [torque, -torque]
    )
    return made._replace(**changes)


def at(ms: float) -> Now:
    return Now(round(ms * MS), round(ms * MS))


def moved() -> Relay:
    """One that hands torque on at 4 ms."""
    relay = Relay(RULES)
    relay.push(command(1, 0.0, 0), at(0))
    relay.push(command(2, 0.2, 4), at(4))
    assert relay.output(at(4)) == [-0.2, 0.2]
    return relay


def test_silence_ends_in_zero_and_only_a_command_of_zero_ends_that() -> None:
    relay = moved()
    assert relay.output(at(54)) == [-0.2, 0.2]
    assert relay.output(at(55)) == [0.0, 0.0]
    assert relay.reason == "no command for 51 ms"
    relay.push(command(3, 0.2, 60), at(60))
    assert relay.output(at(60)) == [0.0, 0.0]
    relay.push(command(4, 0.0, 62), at(62))
    relay.push(command(5, 0.1, 64), at(64))
    assert relay.output(at(64)) == [-0.1, 0.1]


def test_what_comes_twice_or_late_is_dropped_and_keeps_nothing_alive() -> None:
    relay = moved()
    for ms in range(6, 60, 2):
        relay.push(command(2, 0.2, ms), at(ms))
        relay.push(command(1, 0.3, ms), at(ms))
    assert relay.late == 54
    assert relay.output(at(60)) == [0.0, 0.0]


def test_no_command_holds_for_longer_than_the_drive_allows_whatever_it_says() -> None:
    relay = moved()
    relay.push(command(3, 0.2, 6, valid_s=5.0), at(6))
    assert relay.output(at(106)) == [-0.2, 0.2]
    assert relay.output(at(107)) == [0.0, 0.0]


def test_another_sender_is_followed_from_its_first_command_of_zero_on() -> None:
    relay = moved()
    relay.push(command(1, 0.2, 1100, sender=OTHER), at(1100))
    assert relay.output(at(1100)) == [0.0, 0.0]
    assert relay.reason == "another sender's first command must be zero"
    relay.push(command(2, 0.0, 1102, sender=OTHER), at(1102))
    relay.push(command(3, 0.1, 1104, sender=OTHER), at(1104))
    assert relay.output(at(1104)) == [-0.1, 0.1]


def test_of_two_senders_neither_is_followed_until_one_is_silent() -> None:
    relay = moved()
    relay.push(command(1, 0.0, 5, sender=OTHER), at(5))
    assert relay.reason == "a second publisher sends commands"
    for ms in range(6, 500, 2):
        relay.push(command(ms, 0.0, ms), at(ms))
        assert relay.output(at(ms)) == [0.0, 0.0]
        assert not relay.following
    relay.push(command(506, 0.0, 506), at(506))
    assert relay.following
    for ms in range(1100, 1110, 2):  # the first has been silent: the second may take over
        relay.push(command(ms, 0.0, ms, sender=OTHER), at(ms))
    assert relay.following
    assert relay.sender == OTHER


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"joints": ["wrist", "index"]}, "the drive lacks the joint wrist; it has index, thumb"),
        ({"torque_nm": [0.1]}, "1 torques came for thumb, index"),
        ({"joints": ["index", "index"]}, "2 torques came for index, index"),
        ({"torque_nm": [0.31, 0.0]}, "thumb would get 0.31 Nm, beyond 0.3"),
        ({"torque_nm": [float("nan"), 0.0]}, "thumb would get nan Nm, beyond 0.3"),
        ({"valid_s": 0.0}, "a command is valid for 0 s"),
        ({"valid_s": float("inf")}, "a command is valid for inf s"),
        ({"simulated_time": True}, "commands are decided by /clock: a replay moves no machine"),
        ({"stamp_ns": -100 * MS}, "a command was decided 0.106 s ago"),
        ({"stamp_ns": 200 * MS}, "a command was decided -0.194 s ago"),
    ],
)
def test_a_command_that_no_drive_may_get_ends_in_zero_and_says_why(changes, reason) -> None:
    relay = moved()
    relay.push(command(3, 0.1, 6, **changes), at(6))
    assert relay.output(at(6)) == [0.0, 0.0]
    assert (relay.reason, relay.refused) == (reason, 1)


def test_a_sender_whose_clock_is_another_is_followed_where_its_age_is_not_looked_at() -> None:
    relay = Relay(RelayRules(joints=RULES.joints, max_age_s=0.0))
    relay.push(command(1, 0.0, -10_000), at(0))
    relay.push(command(2, 0.2, -9_998), at(2))
    assert relay.output(at(2)) == [-0.2, 0.2]


def test_joints_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="index is given more than once"):
        RelayRules(joints=["index", "index"])


deed = st.tuples(
    st.integers(0, 60),
    st.sampled_from([ONE, ONE, ONE, OTHER]),
    st.integers(-2, 3),
    st.sampled_from([0.0, 0.1, 0.3, 0.4, float("nan")]),
    st.sampled_from([0.05, 0.01, 5.0]),
    st.integers(-150, 20),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(deed, max_size=60))
def test_whatever_comes_torque_is_within_the_limit_and_of_a_fresh_command_of_one_sender(deeds):
    relay, ms, sequence, holds_until_ms = Relay(RULES), 0.0, 10, 0.0
    for wait_ms, sender, step, torque, valid_s, age_ms in deeds:
        ms += wait_ms
        before = relay.output(at(ms))
        assert ms <= holds_until_ms + 1e-6 or not any(before)
        followed = relay.sender if relay.following else None
        newest, sequence = relay.sequence, sequence + step
        relay.push(command(sequence, torque, ms + age_ms, sender=sender, valid_s=valid_s), at(ms))
        after = relay.output(at(ms))
        assert all(abs(each) <= RULES.max_torque_nm for each in after)
        if any(after) and after != before:
            assert followed == sender
            assert sequence > newest
        if relay.following and relay.sequence == sequence:
            holds_until_ms = ms + min(valid_s, RULES.longest_valid_s) * 1000
    event(f"a sender was followed: {holds_until_ms > 0}")
    ends = ms + RULES.longest_valid_s * 1000 + 1
    assert not any(relay.output(at(ends)))
