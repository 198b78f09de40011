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

"""Where a camera stands, from SIMULATED playing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.keyboard_finder.finder import NoKeyboardError
from kpm_ros.align.keyboard_finder.from_playing import from_playing
from kpm_ros.align.keyboard_finder.struck_keys import StruckKeys, doubt_of_views
from kpm_ros.core.keyboard import OCTAVE_M
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession
from support.bags import T0, S

SECONDS = 30
TOP, RIGHT = default_cameras()


@pytest.fixture(scope="module")
def strikes():
    session = SimulatedSession(Pianist(random_study(4, SECONDS)), (TOP, RIGHT), T0, emg=False)
    samples = [each.sample for each in session.advance(T0 + SECONDS * S)]
    events = [one for one in samples if isinstance(one, KeyEvent)]
    return {
        view.name: StruckKeys.of(
            [one for one in samples if isinstance(one, LandmarkFrame) and one.view == view.name],
            events,
        )
        for view in (TOP, RIGHT)
    }


def test_a_known_lens_and_playing_tell_where_a_camera_above_stands(strikes):
    found = from_playing(strikes["top"], TOP.camera.at(np.eye(3), np.zeros(3)))
    assert np.linalg.norm(found.camera.position - TOP.position) < 0.08
    assert found.error_mm < 5


def test_of_a_place_known_but_for_the_octave_playing_tells_the_octave(strikes):
    true = TOP.camera
    shift = true.turn @ np.array([2 * OCTAVE_M, 0, 0])
    off = true.at(true.turn, np.array(true.translation) - shift)
    found = from_playing(strikes["top"], true, off)
    assert np.linalg.norm(found.camera.position - TOP.position) < 0.08


def test_swapped_views_and_another_piano_are_said(strikes):
    cameras = {"top": TOP.camera, "right": RIGHT.camera}
    assert doubt_of_views(cameras, strikes) == ""
    swapped = {"top": RIGHT.camera, "right": TOP.camera}
    assert "swapped" in doubt_of_views(swapped, strikes)
    elsewhere = TOP.camera.at(TOP.camera.turn, np.add(TOP.camera.translation, (0.3, 0, 0)))
    assert "the piano that is played" in doubt_of_views({"top": elsewhere}, strikes)


def test_a_recording_without_hands_explains_nothing():
    assert StruckKeys.of([], []).explained(TOP.camera) == 0.0


def test_too_few_notes_and_too_narrow_ones_are_refused(strikes):
    few = replace(strikes["top"], keys=strikes["top"].keys[:9], tips=strikes["top"].tips[:9])
    with pytest.raises(NoKeyboardError, match="9 notes are too few"):
        from_playing(few, TOP.camera)
    narrow = replace(strikes["top"], keys=strikes["top"].keys * (0.1, 1, 1))
    with pytest.raises(NoKeyboardError, match="play over 25 cm"):
        from_playing(narrow, TOP.camera)


def test_fingers_that_play_something_else_tell_nothing(strikes):
    keys = np.random.default_rng(1).permutation(strikes["top"].keys)
    with pytest.raises(NoKeyboardError, match="does not tell for sure"):
        from_playing(replace(strikes["top"], keys=keys), TOP.camera)
