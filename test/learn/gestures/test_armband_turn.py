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

"""An armband that sits turned is noticed by gestures that both recordings have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.learn.gestures.armband_files import read_armband
from kpm_ros.learn.gestures.armband_turn import turn_between, turned, turned_to_the_last
from kpm_ros.learn.gestures.gesture_protocols import PROTOCOLS
from support.gestures import executions

DATA = Path(__file__).parents[4] / "shared" / "data" / "gestures"


@pytest.mark.parametrize("by", [0, 1, -1])
def test_recordings_are_turned_to_where_the_armband_sits_in_the_last(by):
    before, today = executions(), turned(executions(repetitions=1, day="2"), by)
    parts = turned_to_the_last([before, today])
    assert [turn for _, turn in parts] == [by, 0]
    (moved, _), (kept, _) = parts
    for each, was in zip(moved.executions, before.executions, strict=True):
        samples = was.signals["emg"].samples
        np.testing.assert_array_equal(each.signals["emg"].samples, np.roll(samples, by, axis=1))
    assert turn_between(moved, kept) == 0


def test_a_stronger_hand_and_broken_samples_do_not_look_like_a_turn():
    def spoilt(each):
        signal = each.signals["emg"]
        samples = 3 * signal.samples
        samples[10:20] = np.nan
        return replace(each, signals={"emg": signal._replace(samples=samples)})

    louder = turned(executions(repetitions=1), 1)
    louder = replace(louder, executions=tuple(map(spoilt, louder.executions)))
    assert turn_between(executions(), louder) == 1


def test_other_electrodes_cannot_be_an_armband_that_was_turned():
    other = replace(executions(), channels={"emg": ("x", "y", "z")}, origin="others")
    with pytest.raises(ConfigurationError, match="made-up hands and others must have the same"):
        turn_between(executions(), other)


@pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/gestures")
def test_one_repetition_of_a_later_day_tells_the_turn_of_a_real_armband():
    whole = read_armband(DATA, motions=8).where(lambda each: each.person == "1")
    for split in PROTOCOLS["recalibrated"](whole):
        day = split.tested.executions[0].day
        first = split.trained.where(lambda each, day=day: each.day != day)
        today = split.trained.where(lambda each, day=day: each.day == day)
        assert [turn_between(first, turned(today, by)) for by in (0, 1, -1)] == [0, 1, -1]
