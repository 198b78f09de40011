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

"""Features of sound by wav2vec 2.0 or HuBERT, of weights that the user has on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from kpm_ros.core.foreign_files import ForeignFileError, must_be_file, read_json, reading
from kpm_ros.models.pianomotion.motion_card import FEATURES, MIDI, RATE_HZ
from kpm_ros.sense.audio_file import AUDIO_HZ

SAMPLES_A_FRAME = AUDIO_HZ / RATE_HZ
_LEAST_VARIANCE = 1e-7
KINDS = tuple(kind for kind in FEATURES if kind != MIDI)
CONFIGURATION, WEIGHTS = "config.json", "model.safetensors"


class SoundFeatures(nn.Module):
    """An encoder of sound whose first layers' output is drawn to 30 Hz before its Transformer.

    Those first layers stay as they are in training, as published code has it.
    """

    def __init__(self, configuration: Mapping[str, Any]) -> None:
        """Make the encoder that a configuration of `transformers` describes, with any weights."""
        super().__init__()
        self.model = _model_class(str(configuration["model_type"]))(_configuration(configuration))
        self.model.feature_extractor.requires_grad_(False)

    def forward(self, sound: Tensor, frames: int) -> Tensor:
        """Turn sound (B, samples) at 16 kHz into features (B, n, width)."""
        variance, mean = torch.var_mean(sound, dim=1, keepdim=True, correction=0)
        even = (sound - mean) * (variance + _LEAST_VARIANCE).rsqrt()
        heard = self.model.feature_extractor(even)
        drawn = F.interpolate(heard, size=frames, align_corners=True, mode="linear")
        projected = self.model.feature_projection(drawn.transpose(1, 2))
        # wav2vec 2.0 gives what it has normalised beside it, for its own training.
        hidden = projected[0] if isinstance(projected, tuple) else projected
        features: Tensor = self.model.encoder(hidden)[0]
        return features


def read_configuration(folder: Path) -> dict[str, Any]:
    """Read which encoder a folder of `transformers` holds, and refuse any but these two."""
    if not folder.is_dir():
        raise ForeignFileError(
            f"{folder} is no folder: give one with a wav2vec 2.0 or HuBERT model"
        )
    for name in (CONFIGURATION, WEIGHTS):
        if not (folder / name).is_file():
            raise ForeignFileError(
                f"{folder} lacks {name}: save the model there by `save_pretrained(folder)` of "
                "transformers; nothing is downloaded"
            )
        must_be_file(folder / name)
    found = read_json(folder / CONFIGURATION)
    kind = found.get("model_type") if isinstance(found, dict) else None
    if kind not in KINDS:
        raise ForeignFileError(f"{folder} holds a model {kind!r}, not one of {', '.join(KINDS)}")
    with reading(folder / CONFIGURATION, "a configuration of transformers"):
        plain: dict[str, Any] = _configuration(found).to_dict()
        return plain


def load_sound(features: SoundFeatures, folder: Path) -> None:
    """Take over the weights of a folder, which are read from safetensors and from nowhere else."""
    with reading(folder / WEIGHTS, "weights of a wav2vec 2.0 or HuBERT model"):
        loaded = type(features.model).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, config=features.model.config
        )
    features.model.load_state_dict(loaded.state_dict())


def _configuration(plain: Mapping[str, Any]) -> Any:
    from transformers import HubertConfig, Wav2Vec2Config

    kinds: dict[str, Any] = {"wav2vec2": Wav2Vec2Config, "hubert": HubertConfig}
    kind = kinds[str(plain["model_type"])]
    return kind.from_dict(dict(plain))


def _model_class(kind: str) -> Any:
    from transformers import HubertModel, Wav2Vec2Model

    return {"wav2vec2": Wav2Vec2Model, "hubert": HubertModel}[kind]
