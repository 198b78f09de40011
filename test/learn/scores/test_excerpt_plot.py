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

"""The picture of a excerpt."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.learn.scores.excerpt_plot import LENGTH_S, Excerpt, draw_excerpt
from support.performances import MUSCLES, make_performance

MADE = make_performance("t1_p1_a")


def test_a_excerpt_is_named_with_or_without_its_seconds():
    assert Excerpt.parse("t1_p1_a") == Excerpt("t1_p1_a", 0, LENGTH_S)
    assert Excerpt.parse("t1_p1_a:1.5-2") == Excerpt("t1_p1_a", 1.5, 2)
    assert Excerpt.parse("t1_p1_a:1.5-2").samples(MADE) == slice(1536, 2048)
    assert Excerpt.parse("t1_p1_a").samples(MADE) == slice(0, 3072)


@pytest.mark.parametrize("text", ["a:3", "a:3-2", "a:x-2", "a:-1-2", "a:1-inf", "a:", "a:nan-2"])
def test_seconds_that_make_no_excerpt_are_refused(text):
    with pytest.raises(ValueError, match="names no excerpt: write NAME or NAME:START-END"):
        Excerpt.parse(text)


def test_a_excerpt_after_the_end_is_refused():
    with pytest.raises(ValueError, match=r"t1_p1_a is 3\.0 s long: nothing .* from 4 s on"):
        Excerpt("t1_p1_a", 4, 5).samples(MADE)


@pytest.mark.parametrize("simulated", [True, False])
def test_the_picture_shows_every_muscle_and_says_whether_it_is_simulated(simulated, tmp_path):
    path = tmp_path / "pictures" / "excerpt.svg"
    estimates = {"ours": MADE.effort + 0.1, "other": np.full_like(MADE.effort, np.nan)}
    draw_excerpt(path, MADE, slice(0, 2048), estimates, MUSCLES, simulated)
    text = path.read_text()
    shown = [words for words in ("SIMULATED", *MUSCLES, "ours", "truth") if f"<!-- {words}" in text]
    assert set(MUSCLES) | {"ours", "truth"} <= set(shown)
    assert ("<!-- t1_p1_a: SIMULATED pianist" in text) == simulated


def test_a_excerpt_in_which_nothing_is_played_can_be_drawn(tmp_path):
    quiet = make_performance("t1_p1_a")
    quiet.keys[:] = -1
    draw_excerpt(tmp_path / "quiet.png", quiet, slice(0, 1024), {}, MUSCLES, True)
    assert (tmp_path / "quiet.png").stat().st_size > 10_000
