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

"""The picture of an excerpt."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.learn.scores.excerpt_plot import LENGTH_S, Estimated, Excerpt, draw_excerpt
from support.performances import MADE, MUSCLES, make_performance

RECORDING = make_performance("t1_p1_a")
SHOWN = GridRecording(RECORDING, MADE.streams, 1024)


def test_an_excerpt_is_named_with_or_without_its_seconds():
    assert Excerpt.parse("t1_p1_a") == Excerpt("t1_p1_a", 0, LENGTH_S)
    assert Excerpt.parse("t1_p1_a:1.5-2") == Excerpt("t1_p1_a", 1.5, 2)
    assert Excerpt.parse("t1_p1_a:1.5-2").samples(1024) == slice(1536, 2048)
    assert Excerpt.parse("t1_p1_a").check(RECORDING) == Excerpt("t1_p1_a", 0, 3)


@pytest.mark.parametrize("text", ["a:3", "a:3-2", "a:x-2", "a:-1-2", "a:1-inf", "a:", "a:nan-2"])
def test_seconds_that_make_no_excerpt_are_refused(text):
    with pytest.raises(ValueError, match="names no excerpt: write NAME or NAME:START-END"):
        Excerpt.parse(text)


def test_an_excerpt_after_the_end_is_refused():
    with pytest.raises(ValueError, match=r"t1_p1_a is 3\.0 s long: nothing .* from 4 s on"):
        Excerpt("t1_p1_a", 4, 5).check(RECORDING)


@pytest.mark.parametrize("simulated", [True, False])
def test_the_picture_shows_every_muscle_and_says_whether_it_is_simulated(simulated, tmp_path):
    path = tmp_path / "pictures" / "excerpt.svg"
    effort = SHOWN.effort
    estimates = {
        "ours": Estimated(1024, effort + 0.1),
        "slower": Estimated(512, effort[::2]),
        "shorter": Estimated(1024, effort[:1024]),
    }
    draw_excerpt(path, SHOWN, Excerpt("t1_p1_a", 0, 2), estimates, simulated)
    text = path.read_text()
    shown = [words for words in ("SIMULATED", *MUSCLES, "ours", "truth") if f"<!-- {words}" in text]
    assert set(MUSCLES) | {"ours", "truth"} <= set(shown)
    assert ("<!-- t1_p1_a, SIMULATED" in text) == simulated


def test_an_excerpt_of_a_body_and_forces_in_which_nothing_happens_can_be_drawn(tmp_path):
    streams = Streams(
        (
            Landmarks("front", find_skeleton("mediapipe-body"), dimensions=3, rate_hz=30.0),
            Channels("force", ("left", "right"), "N", 100.0),
        )
    )
    series = [
        TimeSeries(stream, np.full((int(2 * stream.rate_hz), stream.width), 0.5, np.float32))
        for stream in streams
    ]
    truth = Truth(("VL", "GM"), "1", 100.0, np.zeros((200, 2), np.float32))
    recording = Recording("walk", "p1", "walking", "1", tuple(series), truth)
    path = tmp_path / "walk.svg"
    draw_excerpt(path, GridRecording(recording, streams, 100), Excerpt("walk", 0, 2), {}, False)
    text = path.read_text()
    for words in ("front", "force in N", "VL", "GM", "walk, recorded"):
        assert f"<!-- {words}" in text
