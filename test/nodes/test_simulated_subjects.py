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

"""Who is simulated, as the simulator's settings ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kpm_ros.core.hands import mirrored_note
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import simulated_pianist, simulated_subjects
from kpm_ros.nodes.simulated_subjects import simulated_subject
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.sense.midi.score import Note, Score
from kpm_ros.sense.midi.score_writer import midi_of
from kpm_ros.sense.samples import ChannelChunk, KeyEvent, KeyMotionChunk, LandmarkFrame
from kpm_ros.simulate.left_hand import TwoHanded
from support.bodies import EIGHT

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
S = 10**9


def body(**settings):
    asked = {"views": ["front"], "exercises": ["Squat"], **settings}
    return simulated_subject(SimulatorSettings(subject="body", **asked))


def delivered(subject, seconds=3):
    return [delivery.sample for delivery in subject.begin(0).advance(seconds * S)]


def test_a_body_is_an_exerciser_before_the_camera_of_the_models_view() -> None:
    exerciser = body(views=["room"])
    assert tuple(exerciser.performer.muscles) == EIGHT
    samples = delivered(exerciser)
    assert {type(sample) for sample in samples} == {LandmarkFrame, ChannelChunk}
    frames = [sample for sample in samples if isinstance(sample, LandmarkFrame)]
    assert {(one.view, one.skeleton, one.side) for one in frames} == {
        ("room", "mediapipe-body", "")
    }
    assert all(one.metres.shape == (33, 3) for one in frames if one.points is not None)
    assert {type(one) for one in delivered(body(emg=False))} == {LandmarkFrame}


def test_frames_without_anybody_are_as_many_as_is_asked_for() -> None:
    def gone(dropout):
        return [one.points is None for one in delivered(body(dropout=dropout, emg=False), 10)]

    assert not any(gone(0.0))
    assert 0.2 < sum(gone(0.5)) / len(gone(0.5)) < 0.8


def test_a_hand_is_a_pianist_with_keys() -> None:
    pianist = simulated_subject(SimulatorSettings(body="plain"))
    assert {type(one) for one in delivered(pianist, 1)} == {
        LandmarkFrame,
        KeyEvent,
        KeyMotionChunk,
        ChannelChunk,
    }


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"views": ["front", "side"]}, "views are front, side, but the .* has one camera"),
        ({"exercises": ["Nap"]}, "there is no exercise 'Nap'"),
    ],
)
def test_what_nobody_can_do_is_refused_in_words(settings, says) -> None:
    with pytest.raises(ConfigurationError, match=says):
        body(**settings)


def test_somebody_whom_nobody_simulates_is_refused_in_words(monkeypatch) -> None:
    monkeypatch.setattr(simulated_subjects, "SIMULATED", {"pianist": None})
    with pytest.raises(ConfigurationError, match="no simulated exerciser: there is pianist"):
        body()


def test_two_tracks_of_a_score_are_two_hands_even_where_they_cross(tmp_path: Path) -> None:
    high = Score.of([Note(0.5, 0.3, 60, 70), Note(1.5, 0.3, 72, 70)])
    low = Score.of([Note(0.5, 0.3, 48, 70), Note(1.5, 0.3, 79, 70), Note(2.5, 0.3, 41, 70)])
    (tmp_path / "crossing.mid").write_bytes(midi_of([high, low]))
    asked = SimulatorSettings(score=str(tmp_path / "crossing.mid"), hand="both", body="plain")
    hands = simulated_pianist.pianist(asked)
    assert isinstance(hands, TwoHanded)
    assert [note.pitch for note in hands.right.score.notes] == [60, 72]
    assert [mirrored_note(note.pitch) for note in hands.left.seen.score.notes] == [48, 79, 41]
