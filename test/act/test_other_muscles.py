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

"""Models of other muscles and units: what is set for them works, and what is not does nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.act.assistance import Assistance
from kpm_ros.act.assistance_command import AssistanceCommand, AssistanceState
from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.gestures.rules import GestureConfig, GestureRecogniser, gesture_rules
from kpm_ros.act.muscle_weights import parse_weights, write_weights
from kpm_ros.act.safety import Now
from kpm_ros.core.flags import FlagBits
from kpm_ros.core.subjects import find_subject
from support.bodies import EIGHT

LEGS = tuple(f"{side}_{muscle}" for side in "LR" for muscle in ("quad", "ham", "calf", "glute"))
MS, NOW = 1_000_000, 1_700_000_000_000_000_000
NEWTONS = np.array([400.0, 20, 20, 20, 20, 20, 20, 20])
"""What eight muscles pull with: the first one hard."""
GAINS = parse_weights("gains", ["knee L_quad 0.002"], "")


def assisted(assistance: Assistance, start_ms: int = 0) -> list[AssistanceCommand]:
    """Commands while effort of eight muscles comes, 4 samples every 2 ms, armed when it can be."""
    commands = []
    for at_ms in range(start_ms, start_ms + 2000, 2):
        now = Now(NOW + at_ms * MS, at_ms * MS)
        stamps = now.clock_ns - 60 * MS + 500_000 * np.arange(4)
        assistance.push_effort(stamps, np.tile(NEWTONS, (4, 1)), np.zeros(4, FlagBits), now)
        if not assistance.missing(now):
            assistance.arm(now, "the test")
        commands.append(assistance.command(now))
    return commands


def test_gains_for_muscles_that_the_model_lacks_say_so_and_move_nothing() -> None:
    assistance = Assistance(AssistanceConfig(max_effort=1000.0))
    with pytest.raises(ValueError, match=r"'PB', which the effort does not have; it has L_quad, "):
        assistance.describe(LEGS, "a body")
    commands = assisted(assistance)
    assert {command.state for command in commands} == {AssistanceState.DISARMED}
    [missing] = assistance.missing(Now(NOW + 2000 * MS, 2000 * MS))
    assert "'PB', which the effort does not have" in missing.reason
    assert not np.array([command.torque_nm for command in commands]).any()


def test_gains_for_a_bodys_muscles_in_newtons_assist_it() -> None:
    config = AssistanceConfig(gain=GAINS, max_effort=1000.0, deadband=300.0)
    assistance = Assistance(config)
    assistance.describe(LEGS, "a body")
    command = assisted(assistance)[-1]
    assert command.state is AssistanceState.ACTIVE
    np.testing.assert_allclose(command.torque_nm, [0.002 * (400 - 300)], rtol=1e-3)


def test_effort_beyond_what_is_plausible_moves_nothing_until_the_limit_is_raised() -> None:
    config = AssistanceConfig(gain=GAINS)
    assistance = Assistance(config)
    assistance.describe(LEGS, "a body")
    assert assisted(assistance)[-1].state is AssistanceState.DISARMED
    [missing] = assistance.missing(Now(NOW + 2000 * MS, 2000 * MS))
    assert "effort of 400, beyond +-10" in missing.reason
    assistance.reconfigure(replace(config, max_effort=1000.0))
    assert assisted(assistance, start_ms=2000)[-1].torque_nm.any()


def test_gestures_of_muscles_that_the_model_lacks_are_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match=r"'thumb_press' names the muscle 'PB', .* it has L_quad"):
        GestureRecogniser(GestureConfig(), LEGS)


def test_gestures_of_a_bodys_muscles_in_newtons_are_recognised() -> None:
    rules = gesture_rules(["kick L_quad 0.002", "kick L_ham -0.001", "squat R_quad 0.002"])
    recogniser = GestureRecogniser(GestureConfig(gestures=rules, max_effort=1000.0), LEGS)
    for at_ms in range(0, 1000, 2):
        now = Now(NOW + at_ms * MS, at_ms * MS)
        stamps = now.clock_ns - 60 * MS + 500_000 * np.arange(4)
        recogniser.push_effort(stamps, np.tile(NEWTONS, (4, 1)), np.zeros(4, FlagBits), now)
    assert recogniser.current(now).name == "kick"


@pytest.mark.parametrize(
    ("muscles", "gesture"),
    [
        (("LQuad", "RQuad"), "squat"),
        (("LBicep",), "curl_left"),
        (("RBicep",), "curl_right"),
        (("RHam",), "leg_back_right"),
    ],
)
def test_a_bodys_own_gestures_are_recognised(muscles: tuple[str, ...], gesture: str) -> None:
    entries = find_subject("body").parameters["gesture"]["gestures"]
    recogniser = GestureRecogniser(GestureConfig(gestures=gesture_rules(entries)), EIGHT)
    effort = np.tile([0.6 * (muscle in muscles) for muscle in EIGHT], (4, 1))
    for at_ms in range(0, 1000, 2):
        now = Now(NOW + at_ms * MS, at_ms * MS)
        stamps = now.clock_ns - 60 * MS + 500_000 * np.arange(4)
        recogniser.push_effort(stamps, effort, np.zeros(4, FlagBits), now)
    assert recogniser.current(now).name == gesture


def test_weights_are_read_as_they_are_written() -> None:
    weights = {"knee": {"L_quad": 0.25, "L_ham": -0.1}, "hip": {"L_glute": 1.0}}
    assert parse_weights("gains", write_weights(weights), "") == weights


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["knee L_quad"], "gains has 'knee L_quad', but each entry must be .*'a b 1'"),
        (["knee L_quad much"], "'knee L_quad much'"),
        (["knee L_quad 1", "knee L_quad 2"], "gives 'knee' the muscle 'L_quad' twice"),
    ],
)
def test_weights_that_cannot_be_read_are_refused_in_words(entries: list[str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_weights("gains", entries, "a b 1")
