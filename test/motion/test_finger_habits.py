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

from pathlib import Path

import pytest

from kpm_ros.motion.habit_fitting import fitted
from kpm_ros.motion.our_fingers import OurFingers
from kpm_ros.motion.published_fingerings import read_fingerings
from kpm_ros.motion.scores.fingering_match import match_fingerings
from kpm_ros.simulate.hand import KinematicHand
from kpm_ros.simulate.person import Person

PUBLISHED = Path(__file__).parents[3] / "shared/data/fingering"
OURS = OurFingers(KinematicHand(Person()))


def test_the_thumb_passes_under_in_a_scale_and_never_onto_a_black_key() -> None:
    c_major = (60, 62, 64, 65, 67, 69, 71, 72)
    assert OURS("right", c_major) == [1, 2, 3, 1, 2, 3, 4, 5]
    assert OURS("left", c_major) == [5, 4, 3, 2, 1, 3, 2, 1]
    d_flat_major = (61, 63, 65, 66, 68, 70, 72, 73)
    fingers = dict(zip(d_flat_major, OURS("right", d_flat_major), strict=True))
    on_white = [fingers[65], fingers[72]]
    assert on_white == [1, 1]


def test_a_broken_octave_spans_the_hand_instead_of_moving_it() -> None:
    assert OURS("right", (60, 64, 67, 72)) in ([1, 2, 3, 5], [1, 2, 4, 5])


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason="the published fingerings are not here")
@pytest.mark.parametrize(("kind", "least"), [("scales", 0.72), ("arpeggios", 0.85)])
def test_fingers_match_the_printed_ones_on_tonics_that_nothing_was_fitted_to(
    kind: str, least: float
) -> None:
    pages = [page for page in read_fingerings(PUBLISHED / kind) if not fitted(page)]
    found = match_fingerings(pages, OURS)
    whole = found["right"].usual + found["left"].usual
    assert whole.notes > 800
    assert whole.rate > least
