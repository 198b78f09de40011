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

"""Who makes movements of music, by the words that a user names them with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import HandMotion
from kpm_ros.learn.motion_training.clips import Clip
from kpm_ros.learn.scores.motion_scoring import Encode, Maker
from kpm_ros.sense.midi.score import Score

Sounds = Callable[[], Mapping[str, Clip]]

PIANIST, PLAYED = "pianist", "played"


def find_maker(word: str, steps: int, seed: int, sounds: Sounds) -> tuple[str, str, Maker]:
    """Find a maker by [LABEL=]SOURCE: its name, what it is, and itself.

    A source is "pianist" for ours, "played" for what was played itself, a model's run folder or
    file, or a folder of movements named as the clips are. `sounds` finds the clips' sound, by name,
    for models that hear it.
    """
    label, _, source = word.rpartition("=")
    name = label or Path(source).name
    if source == PIANIST:
        return name, "our simulated pianist, without training", _Pianist(seed)
    if source == PLAYED:
        return name, "the very movement that was played", lambda clip, score, played: played
    path = Path(source).expanduser()
    if path.is_dir() and not (path / "model.safetensors").is_file():
        return name, f"movements in {path}", lambda clip, score, played: _read(path, clip)
    return name, *_by_model(path, steps, seed, sounds)


def _read(folder: Path, clip: Clip) -> HandMotion:
    return HandMotion.load(folder / f"{clip.name}.npz")


class _Pianist:
    """Plays a piece once, of which clips are cut."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._pieces: dict[Path, HandMotion] = {}

    def __call__(self, clip: Clip, score: Score, played: HandMotion) -> HandMotion:
        """Play a clip."""
        from kpm_ros.motion.generation import generate
        from kpm_ros.sense.midi.score import read_voices

        if clip.music not in self._pieces:
            self._pieces[clip.music] = generate(read_voices(clip.music), seed=self._seed)
        whole = self._pieces[clip.music]
        begin = max(played.start_s, whole.start_s)
        return whole.cut(begin, max(played.start_s + played.duration_s, begin + 1.0))


def _by_model(path: Path, steps: int, seed: int, sounds: Sounds) -> tuple[str, Maker]:
    from kpm_ros.motion.by_diffusion import MotionSampler, music_of_score, music_of_sound
    from kpm_ros.sense.audio_file import read_audio

    sampler = MotionSampler.load(path)
    heard = {} if sampler.by_notes else sounds()

    def make(clip: Clip, score: Score, played: HandMotion) -> HandMotion:
        begin, seconds = played.start_s, played.duration_s
        if sampler.by_notes:
            # Silence after the last note is part of what was played.
            lasting = replace(score, duration_s=max(score.duration_s, begin + seconds))
            music = music_of_score(lasting, begin, seconds)
        else:
            one = heard[clip.name]
            sound = read_audio(one.music, 0.0 if one.alone else begin, seconds)
            music = music_of_sound(sound, begin, clip.name)
        return sampler.sample(music, steps, seed)

    card = sampler.card
    about = f"{card.name}, {card.size}, {card.sequence}, {card.features}, {steps} steps"
    return f"{about}; trained on {card.trained_on}", make


def find_encoder(source: str) -> Encode:
    """Read an auto-encoder that `kpm train --model motion-encoding` made."""
    import torch

    from kpm_ros.models.pianomotion.motion_card import ENCODING
    from kpm_ros.models.pianomotion.motion_files import load_motion_model

    card, network = load_motion_model(source)
    if card.stage != ENCODING:
        raise ValueError(f"{source} is no encoding: train one (kpm train --model motion-encoding)")

    def encode(windows: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.inference_mode():
            found = network.encoder(torch.from_numpy(np.float32(windows)))  # type: ignore[operator]
        return np.asarray(found.numpy(), np.float64)

    return encode
