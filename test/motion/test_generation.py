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

from dataclasses import replace
from pathlib import Path

import mido
import numpy as np
import pytest

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.motion.bone_rotations import landmarks_of
from kpm_ros.motion.generation import generate, perform
from kpm_ros.motion.key_contacts import contacts_of
from kpm_ros.motion.note_fingers import fingers_of_motion
from kpm_ros.motion.scores.key_scores import score_keys
from kpm_ros.motion.scores.soundness import soundness
from kpm_ros.sense.midi.score import Note, Score, read_voices

REAL = Path(__file__).parents[3] / "shared/data/midi/Schubert_D783_no15_p01.mid"


def scale(low: int, start_s: float = 0.3) -> list[Note]:
    """Two octaves of C major up, quickly."""
    steps = [12 * octave + step for octave in (0, 1) for step in (0, 2, 4, 5, 7, 9, 11)]
    return [Note(start_s + 0.12 * k, 0.12, low + step, 70) for k, step in enumerate([*steps, 24])]


@pytest.fixture(scope="module")
def scales() -> tuple[Score, HandMotion]:
    music = Score.of([*scale(60), *scale(36)], name="scales")
    return music, generate(music)


def test_both_hands_press_every_key_of_scales_in_octaves(scales: tuple[Score, HandMotion]) -> None:
    music, motion = scales
    found = score_keys(motion, music)
    assert found.onsets.recall == found.onsets.precision == 1.0
    assert found.frames.f1 > 0.75
    for side in ("left", "right"):
        alone = HandMotion(motion.rate_hz, {side: motion.hands[side]}, motion.start_s)
        assert score_keys(alone, music).onsets.right == 15
    sound = soundness(motion)
    assert sound.within_joint_limits == 1.0
    assert sound.tips_in_keys == sound.hands_in_each_other == 0.0
    assert motion.simulated
    assert "SIMULATED" in motion.source


def test_the_thumb_passes_under_while_the_palm_goes_on(scales: tuple[Score, HandMotion]) -> None:
    _, motion = scales
    playing = motion.cut(0.3, 2.0).hands["right"].landmarks
    assert playing is not None
    thumb, knuckle = playing[:, 4, 0], playing[:, 9, 0]
    # A hand that only jumped would have its thumb as far from the palm as at rest.
    assert (thumb - knuckle).max() > -0.035
    assert np.diff(knuckle).min() > -0.002


def test_rotations_tell_the_same_hand_as_the_landmarks(scales: tuple[Score, HandMotion]) -> None:
    _, motion = scales
    hand = motion.cut(0.5, 1.5).hands["right"]
    assert hand.landmarks is not None
    assert hand.rotations is not None
    assert hand.place is not None
    np.testing.assert_allclose(landmarks_of(hand.place, hand.rotations), hand.landmarks, atol=2e-3)


def test_a_generated_movement_tells_its_fingers_through_cuts_rates_and_files(
    scales: tuple[Score, HandMotion], tmp_path: Path
) -> None:
    music, motion = scales
    found = fingers_of_motion(motion, music)
    assert [one.side for one in found] == ["left", "right"] * 15
    untold = {side: replace(hand, fingers=None) for side, hand in motion.hands.items()}
    seen = contacts_of(replace(motion, hands=untold), music)
    assert sum(told == near for told, near in zip(found, seen, strict=True)) > 27
    replace(motion, start_s=motion.start_s + 7.0).cut(7.8, 9.0).resampled(25.0).save(
        tmp_path / "later.npz"
    )
    later = fingers_of_motion(HandMotion.load(tmp_path / "later.npz"), music.later(7.0))
    kept = [before for before, after in zip(found, later, strict=True) if after.side]
    assert [one.note.onset_s for one in kept] == sorted(
        note.onset_s for note in music.notes if 0.8 < note.onset_s < 1.95
    )
    assert [one[1:] for one in kept] == [one[1:] for one in later if one.side]


def test_hands_that_cross_pass_over_each_other_and_still_press_their_keys() -> None:
    right = [Note(0.5 + 0.25 * k, 0.2, (60, 64, 67, 64)[k % 4], 70) for k in range(24)]
    left = [Note(0.5 + 0.75 * k, 0.3, (48, 76, 61, 78, 43, 66, 72, 50)[k], 70) for k in range(8)]
    # Two voices of nearly one height are told apart by their mean.
    voices = [Score.of(right, name="crossing"), Score.of([*left, Note(6.4, 0.3, 36, 70)])]
    performed = perform(voices)
    motion = performed.motion()
    assert score_keys(motion, performed.score).onsets.f1 > 0.95
    found = soundness(motion)
    # Of hands that are led past each other at one height it is three times in ten.
    assert found.hands_in_each_other < 0.05
    assert found.within_joint_limits == 1.0


@pytest.mark.skipif(not REAL.is_file(), reason="the recorded performances are not here")
def test_a_recorded_performance_is_pressed_key_by_key() -> None:
    voices = read_voices(REAL)
    performed = perform(voices)
    motion = performed.motion()
    found = score_keys(motion, performed.score)
    assert found.onsets.f1 > 0.95
    assert soundness(motion).within_joint_limits > 0.99


def test_chords_of_more_than_ten_fingers_and_stuck_notes_are_mended_and_said() -> None:
    chord = [Note(1.0, 0.5, 36 + 4 * k, 60) for k in range(13)]
    performed = perform(Score.of([*chord, Note(2.0, 45.0, 60, 60)]))
    assert len(performed.hands.unplayed) >= 3
    assert any("out of reach of ten fingers" in remark for remark in performed.remarks)
    assert any("1 note was held for over 30 s" in remark for remark in performed.remarks)
    assert performed.motion(30.0).source.endswith("left out.")


def test_what_cannot_be_played_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'silence' has no note"):
        generate(Score((), name="silence"))
    with pytest.raises(ValueError, match="lasts 5 h"):
        generate(Score.of([Note(0.0, 1.0, 60, 60), Note(5 * 3600 - 1.0, 1.0, 62, 60)]))
    mido.MidiFile(tracks=[mido.MidiTrack()]).save(tmp_path / "empty.mid")
    with pytest.raises(ForeignFileError, match="without a single note"):
        read_voices(tmp_path / "empty.mid")
