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

"""Movement of both hands made of music by a published model: positions, then gestures by chance."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import savgol_filter
from torch import Tensor, nn

from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.models.pianomotion.diffusion import Diffusion, check_steps
from kpm_ros.models.pianomotion.features import nothing_played
from kpm_ros.models.pianomotion.gesture import Conditions
from kpm_ros.models.pianomotion.motion_card import (
    ANGLES,
    GESTURE,
    HANDS,
    MIDI,
    PLACES,
    RATE_HZ,
    WINDOW,
    MotionCard,
)
from kpm_ros.models.pianomotion.motion_files import load_motion_model
from kpm_ros.models.pianomotion.piano_roll import piano_roll
from kpm_ros.models.pianomotion.sound import SAMPLES_A_FRAME
from kpm_ros.motion.columns import Columns, motion_of
from kpm_ros.sense.midi.score import Score

STEPS = 50
"""Of sampling, unless others are asked for."""
OVERLAP = 60
"""Frames that neighbouring windows share at least; there, what they say fades into each other."""
SMOOTHED_FRAMES, SMOOTHED_ORDER = 5, 2
"""Of the published Savitzky-Golay filter of what comes out."""
_TOGETHER = 8
"""Windows that the network sees at once."""

Listener = Callable[[], None]


class Music(NamedTuple):
    """What is to be played: rows as a model is given them, from a time of its own clock on."""

    given: NDArray[np.float32]
    """(n, columns) of a piano roll, or (samples,) of sound at 16 kHz."""
    frames: int
    start_s: float
    title: str


def music_of_score(score: Score, start_s: float, seconds: float) -> Music:
    """Take so many seconds of a score, or what there is of them."""
    frames = math.ceil(min(seconds, score.duration_s - start_s) * RATE_HZ)
    if frames < 1:
        raise MotionError(f"{score.name} ends at {score.duration_s:.1f} s, before {start_s:g} s")
    return Music(piano_roll(score, start_s, frames), frames, start_s, score.name)


def music_of_sound(sound: NDArray[np.float32], start_s: float, title: str) -> Music:
    """Take sound at 16 kHz that begins at a time."""
    return Music(sound, math.ceil(len(sound) / SAMPLES_A_FRAME), start_s, title)


class MotionSampler:
    """A gesture model in use."""

    def __init__(self, card: MotionCard, network: nn.Module) -> None:
        """Refuse a model that makes no gestures."""
        if card.stage != GESTURE:
            raise MotionError(
                f"the model {card.name} says where hands are and not how they are turned: train "
                "pianomotion-gesture on it (kpm train ... --init-from)"
            )
        self.card, self._network = card, network

    @classmethod
    def load(cls, path: Path | str) -> MotionSampler:
        """Read a model's file, or the run folder that holds it."""
        return cls(*load_motion_model(path))

    @property
    def by_notes(self) -> bool:
        """Whether it is given notes; else sound."""
        return self.card.features == MIDI

    def sample(
        self, music: Music, steps: int = STEPS, seed: int = 0, listener: Listener = lambda: None
    ) -> HandMotion:
        """Make the movement; the same seed makes the same. The listener is called at every step.

        Music longer than a window is made in overlapping ones, whose say is averaged at every step
        of diffusion, so that they agree.
        """
        check_steps(steps)
        windows = _Windows(music.frames)
        draw = torch.Generator().manual_seed(seed)
        with torch.inference_mode():
            conditions = [self._conditions(music, windows, part) for part in windows.parts]
            places = windows.blend(each.places for each in conditions)

            def denoise(noisy: Tensor, at: int) -> Tensor:
                said = windows.blend(
                    self._network(
                        windows.cut(noisy, part), torch.full((len(part),), at), conditions[number]
                    )
                    for number, part in enumerate(windows.parts)
                )
                listener()
                return said

            first = torch.randn(ANGLES, windows.frames, generator=draw)
            angles = Diffusion().sample(denoise, first, steps, _noise(first, draw))
        return self._motion(music, places.numpy(), angles.numpy(), steps, seed)

    def _conditions(self, music: Music, windows: _Windows, part: list[int]) -> Conditions:
        scale = 1.0 if self.by_notes else SAMPLES_A_FRAME
        length = round(WINDOW * scale)
        given = nothing_played(self.card, length).repeat(len(part), *[1] * music.given.ndim)
        for row, start in enumerate(part):
            first = round(start * scale)
            cut = music.given[first : first + length]
            given[row, : len(cut)] = torch.from_numpy(cut)
        made: Conditions = self._network.conditions(given, WINDOW)  # type: ignore[operator]
        return made

    def _motion(self, music: Music, places: Any, angles: Any, steps: int, seed: int) -> HandMotion:
        places = _smoothed(places[:, : music.frames]).T
        places = places * self.card.place_scale + self.card.place_offset
        turns = _smoothed(angles[:, : music.frames]).T * np.pi
        hands = len(HANDS)
        columns = Columns(
            np.ones((music.frames, hands), bool),
            places.reshape(-1, hands, PLACES // hands).astype(np.float32),
            turns.reshape(-1, hands, ANGLES // hands).astype(np.float32),
        )
        return motion_of(
            columns,
            RATE_HZ,
            self.card.frame,
            start_s=music.start_s,
            simulated=True,
            title=music.title,
            source=f"SIMULATED: made by {self.card.name} ({self.card.size}) in {steps} steps, seed "
            f"{seed}; trained on {self.card.trained_on}",
        )


def _noise(like: Tensor, draw: torch.Generator) -> Iterator[Tensor]:
    while True:
        yield torch.randn(like.shape, generator=draw)


def _smoothed(rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Smooth each row in time as the published code does what it makes."""
    if rows.shape[1] < SMOOTHED_FRAMES:
        return rows.astype(np.float64)
    return np.asarray(savgol_filter(rows, SMOOTHED_FRAMES, SMOOTHED_ORDER, axis=1), np.float64)


class _Windows:
    """The windows that cover a piece, in parts that are seen together."""

    def __init__(self, frames: int) -> None:
        self.frames = max(frames, WINDOW)
        count = 1 + math.ceil((self.frames - WINDOW) / (WINDOW - OVERLAP))
        starts = np.linspace(0, self.frames - WINDOW, count).round().astype(int).tolist()
        self.parts = [starts[i : i + _TOGETHER] for i in range(0, count, _TOGETHER)]
        rise = torch.arange(1, WINDOW + 1).clamp(max=OVERLAP) / OVERLAP
        self._weight = torch.minimum(rise, rise.flip(0))
        total = torch.zeros(self.frames)
        for start in starts:
            total[start : start + WINDOW] += self._weight
        self._total = total

    def cut(self, whole: Tensor, part: list[int]) -> Tensor:
        """Cut a part's windows out of the whole: (B, columns, WINDOW)."""
        return torch.stack([whole[:, start : start + WINDOW] for start in part])

    def blend(self, parts: Iterator[Tensor]) -> Tensor:
        """Fade windows into one another: (columns, frames)."""
        whole: Tensor | None = None
        for part, windows in zip(self.parts, parts, strict=True):
            for start, window in zip(part, windows, strict=True):
                if whole is None:
                    whole = window.new_zeros(len(window), self.frames)
                whole[:, start : start + WINDOW] += window * self._weight
        assert whole is not None
        return whole / self._total
