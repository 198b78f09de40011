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

"""Windows of movement with their music, as models of movement are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kpm_ros.core.hand_motion import CAMERA, MotionError
from kpm_ros.learn.motion_training.clips import Clip
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.learn.training.windows import Window, WindowOrder
from kpm_ros.models.pianomotion.motion_card import RATE_HZ, MotionCard
from kpm_ros.models.pianomotion.piano_roll import LOUDEST, piano_roll
from kpm_ros.models.pianomotion.sound import SAMPLES_A_FRAME
from kpm_ros.motion.columns import Columns, columns_of
from kpm_ros.sense.audio_file import read_audio
from kpm_ros.sense.midi.score import Score, read_midi

_MARGIN = 0.1
"""Of the range of places, kept free at either end."""
_LEAST_RANGE_M = 0.01


class MotionBatch(NamedTuple):
    """What a model is given, and what it is to give."""

    given: Tensor
    """(B, n, columns) of a piano roll, or (B, samples) of sound."""
    visible: Tensor
    """(B, n, 2)"""
    places: Tensor
    """(B, n, 6), normalised."""
    angles: Tensor
    """(B, 96, n) in half turns."""


@dataclass(frozen=True)
class LoadedClip:
    """One movement in memory, at the models' rate, and its music."""

    columns: Columns
    roll: NDArray[np.uint8] | None
    """The piano roll in MIDI's 128 levels; None where sound is read as it is needed."""
    sound: Path
    start_s: float
    frame: str
    simulated: bool

    def __len__(self) -> int:
        """Give the number of frames."""
        return len(self.columns.visible)

    def given(self, start: int, frames: int) -> NDArray[np.float32]:
        """What a model is told of some frames."""
        if self.roll is not None:
            return self.roll[start : start + frames].astype(np.float32) / LOUDEST
        sound = read_audio(self.sound, self.start_s + start / RATE_HZ, frames / RATE_HZ)
        whole = np.zeros(round(frames * SAMPLES_A_FRAME), np.float32)
        count = min(len(whole), len(sound))
        whole[:count] = sound[:count]
        return whole


class ClipReader:
    """Reads clips; the music of several clips of one file is read once."""

    def __init__(self, by_notes: bool) -> None:
        """Take what music is told by: its notes, or its sound."""
        self._notes = by_notes
        self._scores: dict[Path, Score] = {}

    def read(self, clip: Clip) -> LoadedClip:
        """Read a clip's movement, and its notes if those are what is told."""
        motion = clip.read().resampled(RATE_HZ)
        roll = None
        if self._notes:
            if clip.music not in self._scores:
                self._scores[clip.music] = read_midi(clip.music)
            rows = piano_roll(self._scores[clip.music], motion.start_s, len(motion))
            roll = np.round(rows * LOUDEST).astype(np.uint8)
        start_s = 0.0 if clip.alone else motion.start_s
        if not self._notes and start_s < 0:
            raise MotionError(f"{clip.motion} begins {-start_s:g} s before its sound")
        return LoadedClip(
            columns_of(motion), roll, clip.music, start_s, motion.frame, motion.simulated
        )


def normalisation(clips: Sequence[LoadedClip]) -> dict[str, Any]:
    """Say how places are normalised: as published in a camera's frame, else by their range."""
    frames = {one.frame for one in clips}
    if len(frames) > 1:
        raise MotionError("the movements are in different frames: a model is of one")
    if frames == {CAMERA}:
        return {}
    seen = np.concatenate([one.columns.places[one.columns.visible.all(axis=1)] for one in clips])
    if not len(seen):
        raise MotionError("no frame of the movements shows both hands")
    low, high = np.percentile(seen.reshape(len(seen), -1), (0.1, 99.9), axis=0)
    half = np.maximum((high - low) / 2, _LEAST_RANGE_M) / (1 - _MARGIN)
    return {
        "place_offset": tuple(((low + high) / 2).tolist()),
        "place_scale": tuple(half.tolist()),
    }


def window_of(clip: LoadedClip, start: int, frames: int, card: MotionCard) -> tuple[Tensor, ...]:
    """Cut a window out of a clip, normalised as the card says."""
    rows = slice(start, start + frames)
    places = clip.columns.places[rows].reshape(frames, -1)
    places = (places - np.array(card.place_offset)) / np.array(card.place_scale)
    angles = clip.columns.turns[rows].reshape(frames, -1).T / np.pi
    made = (clip.given(start, frames), clip.columns.visible[rows], places, angles)
    return tuple(torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in made)


def stack(windows: Sequence[tuple[Tensor, ...]]) -> MotionBatch:
    """Put windows of one length together."""
    return MotionBatch(*(torch.stack(each) for each in zip(*windows, strict=True)))


@dataclass(frozen=True)
class MotionBatches:
    """Every batch of a training; which windows it holds follows from the seed and the step."""

    clips: Sequence[LoadedClip]
    order: WindowOrder
    card: MotionCard

    def at(self, step: int, device: int = 0, devices: int = 1) -> MotionBatch:
        """Give one step's batch, or the share of it that one of several devices takes."""
        windows = self.order.batch_at(step)
        mine = windows[device::devices] or windows[:1]
        return stack([self._window(window) for window in mine])

    def on_device(self, device: torch.device) -> None:
        """Windows are cut on the CPU: a batch takes little beside what is made of it."""

    def _window(self, window: Window) -> tuple[Tensor, ...]:
        return window_of(self.clips[window.recording], window.start, self.order.window, self.card)


def make_motion_batches(
    clips: Sequence[LoadedClip], card: MotionCard, settings: Settings
) -> MotionBatches:
    """Cut a training's clips into windows as its settings say."""
    order = WindowOrder(
        tuple(len(one) for one in clips),
        settings.window,
        settings.overlap,
        settings.batch,
        settings.seed,
        settings.shifted,
    )
    return MotionBatches(clips, order, card)
