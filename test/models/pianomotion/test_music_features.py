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

import json

import numpy as np
import pytest
import torch

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.core.piano import FIRST_NOTE, PIANO_KEYS
from kpm_ros.models.pianomotion.piano_roll import COLUMNS, piano_roll
from kpm_ros.models.pianomotion.sound import SoundFeatures, load_sound, read_configuration
from kpm_ros.sense.audio_file import AUDIO_HZ, read_audio
from kpm_ros.sense.midi.score import Note, PedalMove, Score


def test_a_roll_tells_what_is_held_what_is_struck_how_hard_and_the_pedals() -> None:
    score = Score.of(
        [Note(0.1, 0.2, 60, 127), Note(0.3, 0.1, 60, 64), Note(0.0, 1.0, 10, 64)],
        [PedalMove(0.2, 64, 0.5)],
    )
    roll = piano_roll(score, 0.0, 15)
    held, struck = roll[:, 60 - FIRST_NOTE], roll[:, PIANO_KEYS + 60 - FIRST_NOTE]
    assert roll.shape == (15, COLUMNS)
    assert np.flatnonzero(held).tolist() == list(range(3, 12))
    assert np.flatnonzero(struck).tolist() == [3, 9]
    assert struck[[3, 9]] == pytest.approx([1, 64 / 127])
    assert roll[:, 2 * PIANO_KEYS].tolist() == [0.0] * 6 + [0.5] * 9
    assert roll[:, : 2 * PIANO_KEYS].sum() == pytest.approx(held.sum() + struck.sum())


def test_a_roll_that_begins_later_goes_on_from_what_is_held() -> None:
    score = Score.of([Note(0.0, 1.0, 60, 100)], [PedalMove(0.1, 64, 1.0)])
    whole, later = piano_roll(score, 0.0, 40), piano_roll(score, 0.5, 25)
    assert np.array_equal(whole[15:], later)
    assert later[0, 2 * PIANO_KEYS] == 1


SMALL = {
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "conv_dim": [8] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}


def saved_sound(folder, kind="wav2vec2"):
    from transformers import HubertConfig, HubertModel, Wav2Vec2Config, Wav2Vec2Model

    config, model = {
        "wav2vec2": (Wav2Vec2Config, Wav2Vec2Model),
        "hubert": (HubertConfig, HubertModel),
    }[kind]
    torch.manual_seed(3)
    made = model(config(**SMALL)).eval()
    made.save_pretrained(folder)
    return made


@pytest.mark.parametrize("kind", ["wav2vec2", "hubert"])
def test_sound_becomes_features_at_30_hz_by_the_weights_of_a_folder(kind, tmp_path) -> None:
    made = saved_sound(tmp_path, kind)
    features = SoundFeatures(read_configuration(tmp_path)).eval()
    load_sound(features, tmp_path)
    sound = torch.randn(2, AUDIO_HZ)
    with torch.no_grad():
        found = features(sound, 30)
        assert found.shape == (2, 30, 16)
        # At its own rate, its first layers' output is not drawn out, and all is as it is there.
        even = (sound - sound.mean(1, keepdim=True)) / sound.std(1, keepdim=True, correction=0)
        own = made(even).last_hidden_state
        assert torch.allclose(features(sound, own.shape[1]), own, atol=1e-4)
        assert torch.allclose(features(3 * sound + 1, 30), found, atol=1e-3)
    still = [weight for weight in features.parameters() if not weight.requires_grad]
    assert len(still) == len(list(features.model.feature_extractor.parameters())) > 0


def test_a_folder_of_another_model_or_of_pickled_weights_is_refused(tmp_path) -> None:
    saved_sound(tmp_path)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ForeignFileError, match=r"lacks model\.safetensors"):
        read_configuration(tmp_path)
    (tmp_path / "pytorch_model.bin").rename(tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ForeignFileError, match="a model 'bert', not one of"):
        read_configuration(tmp_path)
    with pytest.raises(ForeignFileError, match="is no folder"):
        read_configuration(tmp_path / "facebook" / "wav2vec2-base")


def test_sound_files_are_brought_to_one_channel_at_16_khz(tmp_path) -> None:
    import soundfile

    rate = 44_100
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, 0 * tone], axis=1), rate)
    whole, part = read_audio(tmp_path / "a.wav"), read_audio(tmp_path / "a.wav", 0.5, 0.25)
    assert len(whole) == AUDIO_HZ
    assert len(part) == AUDIO_HZ // 4
    inner = slice(100, -100)
    assert whole[inner].std() == pytest.approx(0.5 / 2**0.5, abs=0.01)
    assert part[inner] == pytest.approx(whole[AUDIO_HZ // 2 :][: len(part)][inner], abs=0.01)
    with pytest.raises(ForeignFileError, match="no sound from 2 s on"):
        read_audio(tmp_path / "a.wav", 2.0)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(ForeignFileError, match="cannot be read as a file of sound"):
        read_audio(tmp_path / "b.wav")
