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

"""Effort to torque: bounded, slow enough, and zero when in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.act.arming import Arming, ArmingRules, Cause, NotHealthyError
from kpm_ros.act.assistance import INHIBIT_S, STANDSTILL_S, Assistance
from kpm_ros.act.assistance_command import AssistanceCommand, AssistanceState
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.safety import Now
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.models.intervals import Intervals
from kpm_ros.models.pianokpm.published import MUSCLES
from support.clocks import both

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000
S = 1_000_000_000
CONFIG = AssistanceConfig(
    gain={
        "thumb_abduction": {"PB": 0.25},
        "index_abduction": {"1DI": 0.2},
        "middle_abduction": {"2DI": 0.15, "3DI": -0.15},
        "ring_abduction": {"4DI": 0.15},
        "little_abduction": {"ADM": 0.15},
    },
    deadband=0.08,
)
STRONG = [0.9, 0.8, 0.7, 0.6, 0.1, 0.9]


def made(config: AssistanceConfig, muscles: Sequence[str] = MUSCLES) -> Assistance:
    """Assistance that has been told what effort means."""
    assistance = Assistance(config)
    assistance.describe(muscles, "a model")
    return assistance


class Drive:
    """Feeds an assistance 4 samples every 2 ms and asks for a command each time."""

    def __init__(self, config: AssistanceConfig = CONFIG) -> None:
        self.config = config
        if not config.caution:
            self.assistance = made(config)
        self.now = NOW
        """By the clock of the stamps."""
        self.steady = 5 * S

    @property
    def at(self) -> Now:
        return Now(self.now, self.steady)

    def pass_time(self, ms: int) -> None:
        self.now += ms * MS
        self.steady += ms * MS

    def run(self, ms: int, row: list[float] | None = None, flags: int = 0) -> AssistanceCommand:
        for _ in range(ms // 2):
            self.pass_time(2)
            stamps = self.now - 60 * MS + STEP * np.arange(-3, 1)
            effort = np.tile(STRONG if row is None else row, (4, 1)).astype(np.float32)
            self.assistance.push_effort(stamps, effort, np.full(4, flags, FlagBits), self.at)
            command = self.assistance.command(self.at)
        return command

    def torque_told(self, intervals: Intervals) -> np.ndarray:
        """Torque once effort has been said to be so far off."""
        self.assistance = Assistance(self.config)
        self.assistance.describe(MUSCLES, "a model", intervals)
        return self.assisting().torque_nm

    def starve(self, ms: int) -> AssistanceCommand:
        for _ in range(ms // 2):
            self.pass_time(2)
            command = self.assistance.command(self.at)
        return command

    def arm(self) -> None:
        """Arm, as somebody may once effort has been good for long enough."""
        self.run(round(1000 * self.config.recover_s) + 10)
        self.assistance.arm(self.at, "the test")

    def assisting(self) -> AssistanceCommand:
        self.arm()
        return self.run(1600)


def test_it_gives_nothing_until_it_is_armed() -> None:
    drive = Drive()
    command = drive.run(1000)
    assert command.state is AssistanceState.DISARMED
    assert drive.assistance.arming.cause is Cause.NEVER_ARMED
    assert not command.torque_nm.any()


def test_effort_becomes_the_torque_that_the_gains_say() -> None:
    drive = Drive()
    command = drive.assisting()
    assert command.state is AssistanceState.ACTIVE
    assert drive.config.joints == (
        "thumb_abduction",
        "index_abduction",
        "middle_abduction",
        "ring_abduction",
        "little_abduction",
    )
    felt = dict(zip(MUSCLES, np.array(STRONG) - drive.config.deadband, strict=True))
    middle = 0.15 * (felt["2DI"] - felt["3DI"])
    expected = [0.25 * felt["PB"], 0.2 * felt["1DI"], middle, 0.15 * felt["4DI"]]
    np.testing.assert_allclose(command.torque_nm, [*expected, 0.15 * felt["ADM"]], atol=1e-6)


def test_effort_within_the_deadband_or_below_zero_moves_nothing() -> None:
    drive = Drive()
    drive.arm()
    assert not drive.run(1600, [0.08, 0.05, -0.5, 0.0, -2.0, 0.079]).torque_nm.any()


def test_torque_saturates_at_its_limit() -> None:
    gain = {"thumb": {"PB": 50.0}, "index": {"1DI": -50.0}}
    drive = Drive(replace(CONFIG, gain=gain, joint_order=("index", "thumb")))
    np.testing.assert_allclose(drive.assisting().torque_nm, [-0.3, 0.3])


def test_arming_ramps_up_over_the_stated_time() -> None:
    drive = Drive(replace(CONFIG, enabled_ramp_s=1.0, recover_s=0.1, deadband=0.0))
    full = drive.assisting().torque_nm
    drive.assistance.disarm(drive.at, "the test")
    drive.run(200)
    drive.assistance.arm(drive.at, "the test")
    half = drive.run(500)
    assert half.state is AssistanceState.RAMPING
    np.testing.assert_allclose(half.torque_nm, full / 2, rtol=0.02)
    assert drive.run(520).state is AssistanceState.ACTIVE


def test_disarming_goes_down_in_the_stated_time_and_not_at_once() -> None:
    drive = Drive()
    before = drive.assisting().torque_nm
    drive.assistance.disarm(drive.at, "the test")
    command = drive.assistance.command(drive.at)
    np.testing.assert_array_equal(command.torque_nm, before)
    ramp_ms = round(drive.config.ramp_down_s * 1000)
    np.testing.assert_allclose(drive.run(ramp_ms - 4).torque_nm, before * 4 / ramp_ms)
    command = drive.run(4)
    assert (command.state, command.reason) == (AssistanceState.DISARMED, "disarmed by the test")
    assert not command.torque_nm.any()


def test_stopping_is_at_once_and_lasts_until_armed_again() -> None:
    drive = Drive()
    assert drive.assisting().torque_nm.any()
    drive.assistance.stop(drive.at)
    assert not drive.assistance.command(drive.at).torque_nm.any()
    assert drive.run(500).state is AssistanceState.DISARMED
    drive.assistance.disarm(drive.at, "the test")
    assert drive.assistance.arming.cause is Cause.STOP
    assert not drive.run(500).torque_nm.any()
    assert drive.assisting().torque_nm.any()


def test_silence_leads_to_zero_within_the_stated_time_by_the_stated_ramp() -> None:
    drive = Drive(replace(CONFIG, gain={"thumb": {"PB": 50.0}}))
    assert drive.assisting().torque_nm == pytest.approx(0.3)
    ended = drive.now
    while drive.now < ended + 50 * MS:
        assert drive.starve(2).torque_nm == pytest.approx(0.3)
    assert drive.starve(18).torque_nm > 0
    last = drive.starve(2)
    assert drive.now - ended == pytest.approx(drive.config.time_to_zero_s * 1e9)
    assert last.torque_nm == 0
    assert (last.state, last.reason) == (AssistanceState.WITHHELD, "no effort for 70 ms")


@pytest.mark.parametrize(
    ("row", "flags", "reason"),
    [
        ([np.nan] * 6, 0, "non-finite effort"),
        ([0.1, 0.1, 0.1, 0.1, 0.1, np.inf], 0, "non-finite effort"),
        ([1e30] * 6, 0, "effort of 1e+30, beyond +-10"),
        ([0.9] * 6, Flag.INVALID | Flag.POSE_LOST, "effort marked invalid: pose lost"),
    ],
)
def test_bad_effort_leads_to_zero_by_the_ramp_and_says_why(
    row: list[float], flags: int, reason: str
) -> None:
    drive = Drive()
    drive.assisting()
    assert drive.run(2, row, flags).torque_nm.any()
    command = drive.run(round(drive.config.ramp_down_s * 1000), row, flags)
    assert (command.state, command.reason) == (AssistanceState.WITHHELD, reason)
    assert not command.torque_nm.any()


def test_one_bad_sample_is_enough_to_begin_the_way_down() -> None:
    drive = Drive()
    before = drive.assisting().torque_nm
    drive.run(2, [np.nan] * 6)
    command = drive.run(30)
    assert command.state is AssistanceState.RECOVERING
    assert not command.torque_nm.any()
    assert before.any()


def test_effort_from_before_a_bad_sample_is_not_remembered() -> None:
    config = replace(CONFIG, recover_s=0.0, enabled_ramp_s=0.0, smoothing_s=0.5, deadband=0.0)
    drive = Drive(replace(config, max_torque_rate_nm_s=1000.0))
    before = drive.assisting().torque_nm
    drive.run(2, [np.nan] * 6)
    after = drive.run(10)
    assert after.state is AssistanceState.ACTIVE
    assert (after.torque_nm < 0.05 * before).all()


def test_it_recovers_only_after_good_effort_without_a_break() -> None:
    drive = Drive(replace(CONFIG, recover_s=0.25))
    drive.assisting()
    drive.starve(400)
    assert drive.run(200).state is AssistanceState.RECOVERING
    drive.run(2, [np.nan] * 6)
    command = drive.run(250)
    assert command.state is AssistanceState.RECOVERING
    assert not command.torque_nm.any()
    assert drive.run(20).state is AssistanceState.RAMPING
    assert drive.run(1100).torque_nm.any()


def test_a_clock_that_stands_still_ends_in_zero() -> None:
    # At once, though the usual way down would take a second.
    drive = Drive(replace(CONFIG, ramp_down_s=1.0))
    assert drive.assisting().torque_nm.any()
    for _ in range(round(STANDSTILL_S * 500) + 1):
        drive.steady += 2 * MS
        command = drive.assistance.command(drive.at)
    assert command.state is AssistanceState.DISARMED
    assert "the clock has stood still" in command.reason
    assert not command.torque_nm.any()


def test_a_clock_that_runs_backwards_ends_in_zero() -> None:
    drive = Drive()
    assert drive.assisting().torque_nm.any()
    for _ in range(100):
        drive.now -= 2 * MS
        drive.steady += 2 * MS
        command = drive.assistance.command(drive.at)
    assert not command.torque_nm.any()


def test_callers_out_of_order_do_not_turn_the_torque_around() -> None:
    drive = Drive(replace(CONFIG, recover_s=0.0))
    drive.run(200)
    drive.arm()
    now, steady = drive.at
    for tick in range(15):
        late = (tick - 15) * MS
        command = drive.assistance.command(Now(now + late, steady + late))
        assert command.state is AssistanceState.RAMPING
        assert (command.torque_nm >= 0).all()


def test_a_clock_set_back_is_followed_by_recovery_and_no_jump() -> None:
    drive = Drive()
    before = drive.assisting().torque_nm
    drive.now -= 3_600_000 * MS
    assert drive.starve(2).state is AssistanceState.WITHHELD
    assert drive.run(10).torque_nm.max() <= before.max()
    assert drive.run(150).state is AssistanceState.RECOVERING
    np.testing.assert_allclose(drive.run(1600).torque_nm, before, atol=1e-6)


def test_the_size_of_batches_makes_no_difference_to_the_bit() -> None:
    rng = np.random.default_rng(5)
    effort = rng.random((2000, 6)).astype(np.float32)
    whole, single = made(CONFIG), made(CONFIG)
    armed_at = 1200
    for first in range(0, 2000, 8):
        stamps = NOW + STEP * np.arange(first, first + 8)
        now = both(int(stamps[-1]) + 50 * MS)
        flags = np.zeros(8, FlagBits)
        whole.push_effort(stamps, effort[first : first + 8], flags, now)
        for one in range(8):
            row = effort[first + one : first + one + 1]
            single.push_effort(stamps[one : one + 1], row, flags[:1], now)
        if first == armed_at:
            whole.arm(now, "the test")
            single.arm(now, "the test")
        left, right = whole.command(now), single.command(now)
        assert left.torque_nm.tobytes() == right.torque_nm.tobytes()
    assert left.torque_nm.any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gain": {"thumb": {"PB": float("nan")}}}, "the gain of 'thumb' from 'PB' is nan"),
        ({"gain": {"thumb": {"PB": 1e6}}}, "from -100 to 100"),
        ({"gain": {}}, "there are no joints"),
        ({"gain": {"thumb": {}}, "joint_order": ("thumb", "index")}, "'index' has no gain"),
        ({"gain": {"thumb": {}}, "joint_order": ("thumb", "thumb")}, "given more than once"),
        ({"gain": {"a": {}, "b": {}}, "joint_order": ("a",)}, "'b', which is not a joint"),
        ({"max_torque_nm": -0.1}, "max_torque_nm is -0.1, but must be from 0.001 to 50"),
        ({"max_torque_rate_nm_s": 0}, "max_torque_rate_nm_s is 0"),
        ({"timeout_s": float("inf")}, "timeout_s is inf"),
        ({"max_age_s": "0.3"}, "max_age_s is '0.3'"),
        ({"deadband": -1}, "deadband is -1, but must be from 0 to 1e.06"),
        ({"recover_s": None}, "recover_s is None"),
        ({"deadband": 10.0}, "nothing would ever move"),
        ({"caution": 1.5}, "caution is 1.5, but must be from 0 to 1"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(change: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(CONFIG, **change)


def test_a_gain_from_an_unknown_muscle_is_refused_with_the_known_ones() -> None:
    config = AssistanceConfig(gain={"thumb": {"biceps": 0.1}})
    with pytest.raises(ValueError, match=r"the muscle 'biceps', which .* it has ADM, PB, 1DI"):
        made(config)


ONE_JOINT_EACH = replace(
    CONFIG, gain={"index": {"1DI": 1.0}, "little": {"ADM": 1.0}}, deadband=0.0, smoothing_s=0.0
)
"""The index finger's muscle moves the index finger, the little finger's the little finger."""
TURNED = MUSCLES[::-1]


def only(muscle: str, order: Sequence[str]) -> list[float]:
    return [0.2 if name == muscle else 0.0 for name in order]


def test_joints_are_mapped_by_name_when_the_order_of_muscles_changes() -> None:
    drive = Drive(ONE_JOINT_EACH)
    drive.arm()
    np.testing.assert_allclose(drive.run(1600, only("1DI", MUSCLES)).torque_nm, [0.2, 0.0])
    drive.assistance.describe(TURNED, "a model")
    seen = [drive.run(2, only("1DI", TURNED)).torque_nm for _ in range(800)]
    assert not np.array(seen)[:, 1].any()
    assert min(torque[0] for torque in seen) == 0
    np.testing.assert_allclose(seen[-1], [0.2, 0.0])


def test_another_meaning_disarms_until_somebody_arms_again() -> None:
    drive = Drive()
    drive.assisting()
    drive.assistance.describe(MUSCLES, "another model")
    command = drive.run(1600)
    assert command.state is AssistanceState.DISARMED
    assert "another meaning" in command.reason
    assert not command.torque_nm.any()
    assert drive.assisting().torque_nm.any()


def test_a_stop_remains_a_stop_when_the_meaning_changes() -> None:
    drive = Drive()
    drive.assisting()
    drive.assistance.stop(drive.at)
    drive.assistance.describe(MUSCLES, "another model")
    drive.run(100)
    assert drive.assistance.arming.cause is Cause.STOP


def test_a_description_without_a_muscle_that_is_needed_ends_in_zero_and_says_so() -> None:
    drive = Drive()
    drive.assisting()
    with pytest.raises(ValueError, match="which the effort does not have"):
        drive.assistance.describe([*MUSCLES[:-1], "biceps"], "a model")
    command = drive.run(round(drive.config.ramp_down_s * 1000))
    assert command.state is AssistanceState.DISARMED
    assert "'4DI', which the effort does not have" in command.reason
    assert not command.torque_nm.any()
    drive.assistance.describe(MUSCLES, "a model")
    assert not drive.run(1600).torque_nm.any()
    assert drive.assisting().torque_nm.any()


def test_before_effort_is_described_nothing_moves() -> None:
    drive = Drive()
    drive.assistance = Assistance(CONFIG)
    with pytest.raises(NotHealthyError, match="cannot be armed: "):
        drive.arm()
    assert not drive.run(100).torque_nm.any()


def test_a_doubt_disarms_and_nobody_can_arm_for_a_while() -> None:
    drive = Drive()
    drive.assisting()
    drive.assistance.inhibit("a second publisher sends effort", drive.at)
    command = drive.assistance.command(drive.at)
    assert (command.state, command.reason) == (
        AssistanceState.DISARMED,
        "a second publisher sends effort",
    )
    drive.run(round(INHIBIT_S * 1000) - 2)
    with pytest.raises(NotHealthyError, match="a second publisher sends effort"):
        drive.assistance.arm(drive.at, "the test")
    drive.run(4)
    drive.assistance.arm(drive.at, "the test")
    assert drive.run(4).state is AssistanceState.RAMPING


def test_what_the_rules_call_healing_heals_by_itself_unless_it_lasts_too_long() -> None:
    drive = Drive()
    drive.assistance = Assistance(
        CONFIG, Arming(ArmingRules(heals=["doubt", "effort_stale"], heal_within_s=2.0))
    )
    drive.assistance.describe(MUSCLES, "a model")
    drive.assisting()
    drive.assistance.inhibit("a second publisher sends effort", drive.at)
    assert drive.run(500).state is AssistanceState.WITHHELD
    assert drive.run(2000).torque_nm.any()
    assert drive.starve(1900).state is AssistanceState.WITHHELD
    assert drive.starve(200).state is AssistanceState.DISARMED
    assert not drive.run(2000).torque_nm.any()


def test_who_was_held_up_begins_again_from_zero() -> None:
    """However slow the usual way to zero is: the drive is there already."""
    drive = Drive(replace(CONFIG, ramp_down_s=0.5))
    assert drive.assisting().torque_nm.any()
    drive.pass_time(60)
    command = drive.run(2)
    assert (command.state, command.reason) == (
        AssistanceState.WITHHELD,
        "no command could be sent for 62 ms",
    )
    assert not command.torque_nm.any()
    assert drive.run(20).state is AssistanceState.RECOVERING
    assert drive.run(1600).torque_nm.any()


WIDE = Intervals(np.tile([0.0, 1.0], (6, 1)), np.tile([0.1, 0.4], (6, 1)))


def test_caution_acts_on_less_where_less_is_known_and_never_on_more() -> None:
    drives = [Drive(replace(CONFIG, caution=caution)) for caution in (0.0, 0.5, 1.0)]
    plain, half, whole = (drive.torque_told(WIDE) for drive in drives)
    assert (np.abs(whole) <= np.abs(half)).all()
    assert (np.abs(half) <= np.abs(plain)).all()
    thumb = STRONG[MUSCLES.index("PB")]
    width = 0.1 + 0.3 * thumb
    assert half[0] == pytest.approx(0.25 * (thumb - CONFIG.deadband - 0.5 * width))


def test_caution_without_intervals_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="the model does not tell how far off"):
        made(replace(CONFIG, caution=0.5))


def test_a_clock_that_creeps_does_not_hold_torque_up() -> None:
    """Nothing comes any more, and each command is asked for a nanosecond later."""
    drive = Drive(replace(CONFIG, gain={"thumb": {"PB": 50.0}}))
    assert drive.assisting().torque_nm == pytest.approx(0.3)
    for _ in range(41):
        drive.now += 1
        drive.steady += 2 * MS
        command = drive.assistance.command(drive.at)
    assert command.torque_nm == 0


@pytest.mark.parametrize("pace", [5, 10])
def test_a_clock_that_hurries_makes_torque_no_faster(pace: int) -> None:
    drive = Drive(replace(CONFIG, gain={"thumb": {"PB": 50.0}}, enabled_ramp_s=0.0))
    drive.arm()
    torques = []
    for _ in range(400):
        drive.now += (pace - 1) * 2 * MS
        torques.append(drive.run(2).torque_nm[0])
    assert max(torques) == pytest.approx(0.3)
    assert np.diff(torques).max() <= 3.0 * 0.002 + 1e-9


def test_a_lower_limit_is_reached_at_the_bounded_rate_and_then_kept() -> None:
    drive = Drive()
    before = np.abs(drive.assisting().torque_nm)
    limit = float(before.max()) / 3
    drive.assistance.reconfigure(replace(CONFIG, max_torque_nm=limit))
    step = CONFIG.max_torque_rate_nm_s * 0.002
    for _ in range(100):
        command = drive.run(2)
        torque = np.abs(command.torque_nm)
        assert (np.abs(torque - before) <= step + 1e-9).all()
        before = torque
    assert before.max() == pytest.approx(limit)
    assert command.state is AssistanceState.ACTIVE


def test_other_gains_act_without_a_new_start() -> None:
    drive = Drive()
    drive.assisting()
    gain = {joint: dict.fromkeys(row, 0.01) for joint, row in CONFIG.gain.items()}
    drive.assistance.reconfigure(replace(CONFIG, gain=gain, deadband=0.0))
    command = drive.run(400)
    assert command.state is AssistanceState.ACTIVE
    wanted = {name: 0.01 * effort for name, effort in zip(MUSCLES, STRONG, strict=True)}
    assert command.torque_nm[1] == pytest.approx(wanted["1DI"], rel=1e-3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"gain": {"wrist": {"1DI": 0.1}}}, "the joints would be wrist"),
        ({"gain": {**CONFIG.gain, "thumb_abduction": {"XYZ": 0.1}}}, "XYZ"),
    ],
)
def test_a_change_that_is_refused_changes_nothing(change, said) -> None:
    drive = Drive()
    before = drive.assisting().torque_nm
    with pytest.raises(ValueError, match=said):
        drive.assistance.reconfigure(replace(CONFIG, max_torque_nm=0.01, **change))
    assert drive.assistance.config is CONFIG
    assert drive.run(400).torque_nm == pytest.approx(before, abs=1e-6)


def test_effort_of_a_camera_that_is_late_moves_nothing_unless_that_is_wanted() -> None:
    drive, late = Drive(), int(Flag.POSE_STALE)
    drive.assisting()
    command = drive.run(100, flags=late)
    assert (command.state, command.torque_nm.any()) == (AssistanceState.WITHHELD, False)
    drive.assistance.reconfigure(replace(CONFIG, late_inputs=True))
    assert drive.run(1500, flags=late).torque_nm.any()


TWO_HANDS = replace(CONFIG, gain={"left_index": {"L_1DI": 0.2}, "right_index": {"R_1DI": 0.2}})


def test_of_two_hands_only_the_invalid_one_is_withheld_until_it_has_been_good_again() -> None:
    drive = Drive()
    drive.assistance = made(TWO_HANDS, ["L_1DI", "R_1DI"])
    row = [0.9, 0.9]
    drive.run(300, row)
    drive.assistance.arm(drive.at, "the test")
    both = drive.run(1600, row).torque_nm
    assert (both > 0.1).all()
    torques = [drive.run(2, row, Flag.LEFT_INVALID).torque_nm for _ in range(50)]
    steps = np.diff([both, *torques], axis=0)
    assert np.abs(steps).max() <= CONFIG.max_torque_rate_nm_s * 0.002 + 1e-9
    assert torques[-1].tolist() == [0.0, both[1]]
    wait_ms = round(1000 * CONFIG.recover_s)
    assert drive.run(wait_ms - 4, row).torque_nm.tolist() == [0.0, both[1]]
    assert drive.run(400, row).torque_nm == pytest.approx(both)
