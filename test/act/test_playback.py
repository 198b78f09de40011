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


"""A movement played to a resting hand keeps its limits, and stands still when it is stopped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.act.arming import Arming, ArmingRules, Cause, Fault
from kpm_ros.act.playback import ANATOMICAL_JOINTS, Playback, PlaybackRules, angles_of
from kpm_ros.core.hand_motion import HandMotion, OneHandMotion
from kpm_ros.core.settings import ConfigurationError
from support.clocks import both

MS = 1_000_000
RULES = PlaybackRules(joints=["index mcp2_flexion_r", "thumb cmc_abduction_r"], pace=1.0)


def movement(frames: int = 50, **changes: object) -> HandMotion:
    joints = np.zeros((frames, 23), np.float32)
    joints[:, ANATOMICAL_JOINTS.index("mcp2_flexion_r")] = np.linspace(0, 3, frames)
    known = {"joints": joints, **changes}
    return HandMotion(50.0, {"right": OneHandMotion(np.ones(frames, bool), **known)})


def played(rules: PlaybackRules = RULES) -> Playback:
    angles = angles_of(movement(), "right", rules)
    return Playback(rules, angles, 50.0, Arming(ArmingRules()))


def test_a_movement_is_played_within_limits_to_its_end_and_must_be_armed_again() -> None:
    play = played()
    assert play.target(both(0)) == [0.2, 0.2]
    play.arm(both(0), "me")
    targets = np.array([play.target(both(k * 4 * MS)) for k in range(1000)])
    assert targets[:, 0].max() == pytest.approx(1.4)  # 3 was asked for
    assert np.abs(np.diff(targets, axis=0)).max() <= 1.0 * 0.004 + 1e-12
    assert (play.arming.armed, play.arming.cause) == (False, Cause.ENDED)
    assert play.target(both(9000 * MS)) == pytest.approx([1.4, 0.0])


def test_a_movement_that_is_too_fast_is_played_slower_and_whole() -> None:
    rules = PlaybackRules(joints=["index mcp2_flexion_r"], pace=1.0)
    up = np.linspace(0.2, 1.2, 11)  # five times as fast as is allowed
    play = Playback(rules, np.r_[up, up[::-1]][:, None], 50.0, Arming(ArmingRules()))
    play.arm(both(0), "me")
    targets = [play.target(both(k * 4 * MS))[0] for k in range(1000)]
    assert max(targets) == pytest.approx(1.2, abs=0.03)
    assert targets[-1] == pytest.approx(0.2)
    assert play.arming.cause is Cause.ENDED


def test_a_stop_stands_still_at_once() -> None:
    play = played()
    play.arm(both(0), "me")
    there = [play.target(both(k * 4 * MS)) for k in range(50)][-1]
    play.stop(both(200 * MS), Cause.STOP, "stopped")
    assert play.target(both(204 * MS)) == there
    assert play.target(both(9000 * MS)) == there


def test_time_in_which_nobody_looked_moves_it_no_further_than_a_short_while() -> None:
    play = played()
    play.arm(both(0), "me")
    before = np.array(play.target(both(0)))
    after = np.array(play.target(both(2000 * MS)))
    assert np.abs(after - before).max() == pytest.approx(0.05)


def test_armed_again_it_begins_with_the_first_frame() -> None:
    play = played()
    play.arm(both(0), "me")
    for k in range(200):
        play.target(both(k * 4 * MS))
    assert play.played_s > 0.1
    play.stop(both(800 * MS), Cause.STOP, "stopped")
    play.arm(both(800 * MS), "me")
    assert play.played_s == 0.0


deed = st.one_of(
    st.tuples(st.just("step"), st.integers(-5 * MS, 500 * MS)),
    st.tuples(st.sampled_from(["arm", "stop", "fault", "well"]), st.just(0)),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(deed, max_size=60), st.booleans())
def test_whatever_happens_targets_are_within_limits_slow_and_still_unless_armed(deeds, repeat):
    play = played(PlaybackRules(joints=RULES.joints, pace=2.0, repeat=repeat))
    steady, faults, before = 0, [], np.array(play.target(both(0)))
    for kind, ns in deeds:
        if kind == "step":
            steady += ns
            now = np.array(play.target(both(steady), faults))
            reach = 1.0 * min(max(ns, 0), 50 * MS) / 1e9
            assert (np.abs(now - before) <= reach + 1e-12).all()
            assert ((now >= -0.3) & (now <= 1.4)).all()
            assert not faults or not play.arming.armed
            before = now
        elif kind == "arm":
            if not faults:
                play.arm(both(steady), "me")
        elif kind == "stop":
            play.stop(both(steady), Cause.STOP, "stopped")
            assert np.array_equal(play.target(both(steady)), before)
        else:
            faults = [Fault(Cause.DEAD_MAN, "let go")] if kind == "fault" else []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"joints": ["index"]}, "joints has 'index', but each entry must be two names"),
        ({"joints": ["a mcp2_flexion"]}, "has no joint 'mcp2_flexion' .did you mean 'mcp2_flex"),
        ({"joints": ["a ip_flexion_r", "a pro_sup_r"]}, "a is given more than once"),
        ({"least_rad": 0.5}, "least_rad is 0.5, rest_rad 0.2 and most_rad 1.4, but they must ri"),
    ],
)
def test_rules_that_cannot_be_are_refused_in_words(change, words) -> None:
    with pytest.raises(ConfigurationError, match=words):
        PlaybackRules(**change)


def test_a_movement_that_does_not_tell_what_is_needed_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match="has no left hand; it has right"):
        angles_of(movement(), "left", RULES)
    with pytest.raises(ConfigurationError, match="tells no joints' angles"):
        angles_of(movement(joints=None), "right", RULES)
    gap = movement().hands["right"].joints.copy()
    gap[7] = np.nan
    with pytest.raises(ConfigurationError, match="its angles in 1 of 50 frames"):
        angles_of(movement(joints=gap), "right", RULES)


def test_joints_are_the_anatomical_hands() -> None:
    pytest.importorskip("mujoco", reason="MuJoCo is not installed")
    from kpm_ros.simulate.anatomy.body import Body
    from kpm_ros.simulate.person import Person

    assert Body(Person()).joint_names == ANATOMICAL_JOINTS
