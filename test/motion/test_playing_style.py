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

from __future__ import annotations

import pytest

from kpm_ros.core.hand_motion import MotionError
from kpm_ros.motion.generation import perform
from kpm_ros.motion.playing_style import Example, playing_style
from kpm_ros.motion.two_hand_release import two_hand_study
from kpm_ros.simulate.person import Person


def test_how_somebody_holds_the_hands_is_found_in_the_movement() -> None:
    somebody = Person(
        hand_size=1.06,
        lift_m=0.016,
        curvature=0.5,
        wrist_extension_rad=0.25,
        wrist_deviation_rad=0.10,
    )
    voices = two_hand_study(3, 6.0)
    motion = perform(voices, somebody, seed=5).motion(30.0)
    found = playing_style([Example(motion, voices)])
    assert found.hand_size == pytest.approx(1.06, abs=0.01)
    assert found.wrist_deviation_rad == pytest.approx(0.10, abs=0.01)
    assert found.wrist_extension_rad == pytest.approx(0.25, abs=0.03)
    assert found.curvature == pytest.approx(0.5, abs=0.3)
    assert found.lift_m == pytest.approx(0.016, abs=0.003)
    with pytest.raises(MotionError, match="no movement to learn from"):
        playing_style([])
