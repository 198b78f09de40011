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

import mido
import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.learn.training.training_loop import tensors_of
from kpm_ros.models.pianomotion.gesture import start_network
from kpm_ros.models.pianomotion.motion_card import GESTURE, MotionCard
from kpm_ros.models.pianomotion.motion_files import save_motion_model
from kpm_ros.motion.scores.key_scores import score_keys
from kpm_ros.sense.midi.score import read_midi
from support.movements import movement, write_music


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A model that nobody trained, and four seconds of music."""
    made = tmp_path_factory.mktemp("made")
    card = MotionCard(name="untrained", stage=GESTURE, sequence="ssm", frame="keyboard")
    network = start_network(card, 0)
    save_motion_model(made / "model.safetensors", card, tensors_of(network.state_dict()))
    write_music(movement(frames=120), made / "piece.mid")
    return made


def generate(folder, *more, music="piece.mid"):
    return main(["generate", str(folder / music), "--out", str(folder / "out.npz"), *more])


def test_a_model_plays_the_part_of_a_piece_that_is_asked_for(folder, capsys) -> None:
    words = ("--model", str(folder), "--steps", "5", "--from-s", "1", "--seconds", "2")
    assert generate(folder, *words) == 0
    made = HandMotion.load(folder / "out.npz")
    assert (made.start_s, len(made), made.rate_hz, made.simulated) == (1.0, 60, 30.0, True)
    assert all(np.isfinite(hand.landmarks).all() for hand in made.hands.values())
    said = capsys.readouterr()
    assert "SIMULATED" in said.out
    assert "untrained" in said.out
    assert generate(folder, *words, "--seed", "2") == 0
    other = HandMotion.load(folder / "out.npz")
    assert not np.array_equal(other.hands["left"].rotations, made.hands["left"].rotations)


def test_odd_notes_are_told_of(folder, capsys) -> None:
    track = mido.MidiTrack([mido.Message("note_on", note=60, velocity=64)])
    track.append(mido.Message("note_on", note=60, velocity=64, time=480))
    mido.MidiFile(tracks=[track]).save(str(folder / "odd.mid"))
    model = ("--model", str(folder), "--steps", "5")
    assert generate(folder, *model, "--seconds", "0.2", music="odd.mid") == 0
    assert "1 notes are never let go" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--steps", "5"], "--steps is of a model's diffusion"),
        (["--model", "{}", "--steps", "2000"], "steps is 2000, but must be 5 to 1000"),
        (["--model", "{}", "--from-s", "100"], "ends at"),
        (["--model", "{}/nothing"], "No such file"),
        (["--model", "{}/piece.mid"], "cannot be read as a model of two hands' movement"),
        (["--model", "{}", "--seconds", "0"], "--seconds above 0"),
        (["--model", "{}", "--out", "piece.json"], "ends in .npz"),
    ],
)
def test_what_cannot_be_made_is_refused_in_a_sentence(folder, capsys, more, said) -> None:
    assert generate(folder, *(word.format(folder) for word in more)) == 2
    assert said in capsys.readouterr().err


def test_music_without_notes_or_for_ten_hours_is_refused(folder, capsys) -> None:
    for name, time, said in (
        ("empty", 10, "without a single note"),
        ("long", 960 * 36_000, "10 h"),
    ):
        velocity = 0 if name == "empty" else 64
        tick = mido.Message("note_on", note=60, velocity=velocity, time=time)
        mido.MidiFile(tracks=[mido.MidiTrack([tick])]).save(str(folder / f"{name}.mid"))
        assert generate(folder, "--model", str(folder), music=f"{name}.mid") == 2
        assert said in capsys.readouterr().err
    (folder / "song.wav").write_bytes(b"RIFF")
    assert generate(folder, "--model", str(folder), music="song.wav") == 2
    assert "is no MIDI file" in capsys.readouterr().err


def test_without_a_model_our_pianist_plays_and_presses_the_keys(folder, capsys) -> None:
    assert generate(folder, "--seconds", "2") == 0
    made = HandMotion.load(folder / "out.npz")
    assert made.start_s < 0
    assert made.times_s[-1] == pytest.approx(2.0, abs=0.05)
    assert made.simulated
    assert score_keys(made, read_midi(folder / "piece.mid")).onsets.f1 > 0.8
    assert "SIMULATED" in capsys.readouterr().out
