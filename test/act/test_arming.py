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


"""Arming by itself: who may arm, what disarms, and what is told of it."""

from __future__ import annotations

import pytest

from kpm_ros.act.arming import Arming, ArmingRules, Cause, Fault, NotHealthyError
from kpm_ros.act.dead_man import DeadMan
from kpm_ros.act.drive_watch import DriveEcho, DriveWatch
from kpm_ros.core.settings import ConfigurationError
from support.clocks import both

MS = 1_000_000
SILENT = Fault(Cause.EFFORT_STALE, "no effort for 60 ms")
RELEASED = Fault(Cause.DEAD_MAN, "the dead-man switch is released")


def made(**rules: object) -> Arming:
    return Arming(ArmingRules(**rules))  # type: ignore[arg-type]


def test_everything_that_is_missing_is_told_to_who_wants_to_arm() -> None:
    arming = made()
    with pytest.raises(NotHealthyError, match="no effort for 60 ms; the dead-man switch is rel"):
        arming.arm(both(0), "me", [SILENT, RELEASED])
    assert not arming.armed
    assert arming.cause is Cause.NEVER_ARMED


def test_the_first_cause_is_the_one_that_is_told() -> None:
    arming = made()
    arming.arm(both(0), "me", [])
    arming.judge(both(1), [RELEASED])
    arming.disarm(both(2), Cause.OPERATOR, "disarmed by me")
    arming.judge(both(3), [SILENT])
    assert (arming.cause, arming.disarmed) == (Cause.DEAD_MAN, 1)
    assert [str(turn) for turn in arming.turns] == [
        "armed by me",
        "disarmed by dead_man: the dead-man switch is released",
    ]


def test_a_stop_is_told_also_of_what_was_disarmed_already() -> None:
    arming = made()
    arming.disarm(both(0), Cause.STOP, "stopped by exo/stop")
    assert (arming.cause, arming.reason) == (Cause.STOP, "stopped by exo/stop")
    assert arming.disarmed == 0


def test_what_held_it_up_and_was_over_is_told_among_the_rest() -> None:
    arming = made()
    arming.arm(both(0), "me", [])
    assert not arming.judge(both(1), [SILENT])
    assert not arming.judge(both(2), [SILENT])
    assert arming.judge(both(3), [])
    arming.disarm(both(4), Cause.STOP, "stopped")
    assert [str(turn) for turn in arming.trace] == [
        "armed by me",
        "withheld by effort_stale: no effort for 60 ms",
        "went on by itself: effort_stale is over",
        "disarmed by stop: stopped",
    ]


def test_a_fault_that_does_not_heal_disarms_although_another_one_heals() -> None:
    arming = made()
    arming.arm(both(0), "me", [])
    assert not arming.judge(both(1), [SILENT, RELEASED])
    assert not arming.armed


def test_breaks_that_heal_add_up_to_no_long_one() -> None:
    arming = made(heal_within_s=1.0)
    arming.arm(both(0), "me", [])
    for second in range(5):
        at = second * 1000 * MS
        assert not arming.judge(both(at), [SILENT])
        assert not arming.judge(both(at + 900 * MS), [SILENT])
        assert arming.judge(both(at + 950 * MS), [])
    assert arming.armed


@pytest.mark.parametrize("cause", ["dead_man", "stop", "operator", "description", "nothing"])
def test_what_is_somebodys_doing_never_heals(cause: str) -> None:
    with pytest.raises(ConfigurationError, match=f"an entry of heals is '{cause}', but must be"):
        made(heals=[cause])


def test_a_dead_man_switch_is_held_only_by_news() -> None:
    switch = DeadMan(0.05)
    assert switch.fault(both(0)) is not None
    switch.push(True, 0, b"pedal", both(0))
    assert switch.fault(both(50 * MS)) is None
    switch.push(True, 0, b"pedal", both(50 * MS))  # the same again, as by a network that repeats
    fault = switch.fault(both(60 * MS))
    assert fault is not None
    assert fault.reason == "the dead-man switch has been silent for 60 ms"
    switch.push(True, 70 * MS, b"pedal", both(70 * MS))
    switch.push(True, 71 * MS, b"other", both(71 * MS))
    switch.push(True, 72 * MS, b"pedal", both(72 * MS))
    fault = switch.fault(both(72 * MS))
    assert fault is not None
    assert "two publishers" in fault.reason
    switch.push(True, 73 * MS, b"pedal", both(1000 * MS))
    fault = switch.fault(both(1000 * MS))
    assert fault is not None
    assert "told of 927 ms ago" in fault.reason


def test_a_dead_man_switch_that_is_let_go_is_released_at_once() -> None:
    switch = DeadMan(0.05)
    switch.push(True, 0, b"pedal", both(0))
    assert switch.fault(both(0)) is None
    switch.push(False, 10 * MS, b"pedal", both(10 * MS))
    assert switch.fault(both(10 * MS)) == RELEASED


def test_a_dead_man_switch_of_a_time_to_come_is_not_believed() -> None:
    switch = DeadMan(0.05)
    switch.push(True, 100 * MS, b"pedal", both(0))
    fault = switch.fault(both(0))
    assert fault is not None
    assert "told of -100 ms ago" in fault.reason


def echo(sequence: int, following: bool = True, joints: tuple[str, ...] = ("a",)) -> DriveEcho:
    return DriveEcho(5, sequence, following, "" if following else "something", joints)


def test_a_drive_that_says_again_and_again_that_it_does_not_follow_is_not_relied_on() -> None:
    watch = DriveWatch(["a"], 5, 0.1)
    for k in range(4):
        watch.push(echo(k, following=False), both(k * 50 * MS))
    fault = watch.fault(both(150 * MS))
    assert fault is not None
    assert fault.reason == "the drive does not follow: something"


def test_a_drive_is_relied_on_while_it_echoes_what_was_sent() -> None:
    watch = DriveWatch(["a"], 5, 0.1)
    reasons = []

    def look(at_ms: int) -> None:
        fault = watch.fault(both(at_ms * MS))
        reasons.append(fault.reason if fault else "")

    look(0)
    watch.push(echo(0)._replace(session=4), both(0))
    look(1)
    watch.sent(1, both(1 * MS))
    watch.push(echo(1), both(20 * MS))
    look(200)  # nothing was sent since
    watch.sent(2, both(200 * MS))
    look(300)
    look(301)
    watch.push(echo(2, following=False), both(302 * MS))
    look(402)
    look(403)
    watch.push(echo(2, joints=("b",)), both(404 * MS))
    look(404)
    assert reasons == [
        "the drive has not echoed any command",
        "the drive has not echoed a command of ours yet",
        "",
        "",
        "the drive has echoed nothing for 101 ms",
        "",
        "the drive does not follow: something",
        "the drive lacks the joint a; it has b",
    ]
