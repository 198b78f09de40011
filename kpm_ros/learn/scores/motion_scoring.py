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

"""Movements that were made of music against those that were played, clip by clip."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.hand_motion import CAMERA, HandMotion, MotionError
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.learn.motion_training.clips import Clip
from kpm_ros.motion.columns import columns_of
from kpm_ros.motion.published_camera import as_seen, at_the_keys
from kpm_ros.motion.scores.key_scores import NOTHING, Agreement, score_keys
from kpm_ros.motion.scores.published import (
    CLIP_S,
    RATE_HZ,
    ClipScores,
    frechet,
    mean_of,
    score_clip,
)
from kpm_ros.motion.scores.soundness import Soundness, soundness
from kpm_ros.sense.midi.score import Score, read_midi

Maker = Callable[[Clip, Score, HandMotion], HandMotion]
"""Makes a movement for a clip's music, as long as the one that was played."""
Encode = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""Turns windows of gestures (n, 96, 240) in half turns into features."""
Listener = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class MakerScores:
    """How one maker did."""

    hands: Mapping[str, ClipScores]
    """By side, means over clips."""
    feature_distance: float
    """Fréchet distance in the features of our own auto-encoder; NaN without one."""
    onsets: Agreement
    frames: Agreement
    frame_f1_zero_division_one: float
    soundness: Soundness
    times_real_time: float
    """Seconds of movement made in a second."""

    @property
    def figures(self) -> dict[str, float]:
        """Every figure by its name; those of one hand begin with its side."""
        keys = {
            f"{kind}_{name}": getattr(one, name)
            for kind, one in (("onset", self.onsets), ("frame", self.frames))
            for name in ("precision", "recall", "f1")
        }
        return {
            **{
                f"{side}_{name}": value
                for side, scores in self.hands.items()
                for name, value in scores._asdict().items()
            },
            "feature_distance": self.feature_distance,
            **keys,
            "frame_f1_zero_division_one": self.frame_f1_zero_division_one,
            **self.soundness._asdict(),
            "times_real_time": self.times_real_time,
        }


@dataclass(frozen=True, kw_only=True)
class MotionReport:
    """All of a comparison."""

    simulated: bool
    data: str
    split: str
    clips: int
    minutes: float
    fingerprint: str
    seed: int
    makers: Mapping[str, MakerScores]
    about: Mapping[str, str]
    fingerings: Mapping[str, float] = field(default_factory=dict)
    """Share of notes with the printed finger, by kind of exercise; of our pianist."""
    cpu: str
    versions: Mapping[str, str]
    command: str

    def to_plain(self) -> dict[str, Any]:
        """Give it as JSON takes it; what is not known is null."""
        plain = asdict(replace(self, makers={}))
        plain["makers"] = {
            name: {
                figure: round(float(value), 6) if np.isfinite(value) else None
                for figure, value in one.figures.items()
            }
            for name, one in self.makers.items()
        }
        return plain


class MotionScoring:
    """The clips of a split, read once, and what makers are scored by."""

    def __init__(self, clips: Sequence[Clip], seed: int, encode: Encode | None) -> None:
        """Take clips whose music is notes."""
        self.clips = clips
        self._seed, self._encode = seed, encode
        self._scores: dict[Path, Score] = {}
        self.played = [clip.read().resampled(RATE_HZ) for clip in clips]

    def score_of(self, clip: Clip) -> Score:
        """Read the notes of a clip's music, once for all clips of it."""
        if clip.music not in self._scores:
            self._scores[clip.music] = read_midi(clip.music)
        return self._scores[clip.music]

    def score(self, name: str, make: Maker, listener: Listener) -> MakerScores:
        """Have every clip made, and compare."""
        hands: dict[str, list[ClipScores]] = {RIGHT: [], LEFT: []}
        keys, sound, windows, spent_s = [], [], [], 0.0
        for number, (clip, played) in enumerate(zip(self.clips, self.played, strict=True)):
            score = self.score_of(clip)
            begun = time.perf_counter()
            made = make(clip, score, played)
            spent_s += time.perf_counter() - begun
            made = _in_frame(made, played.frame, played.simulated)
            at_30_hz = _same_span(made, played)
            crop = self._crop(number, len(played))
            pair = [columns_cut(one, crop) for one in (played, at_30_hz)]
            for side, found in score_clip(*pair).items():
                hands[side].append(found)
            windows.append(pair)
            if played.frame == KEYBOARD or played.simulated:
                at_keys = _in_frame(made, KEYBOARD, played.simulated)
                keys.append(score_keys(at_keys, score))
                sound.append(soundness(at_keys))
            listener(f"{name}: {clip.name}")
        total_s = sum(one.duration_s for one in self.played)
        return MakerScores(
            hands={side: mean_of(found) for side, found in hands.items()},
            feature_distance=self._feature_distance(windows),
            onsets=sum((one.onsets for one in keys), NOTHING),
            frames=sum((one.frames for one in keys), NOTHING),
            frame_f1_zero_division_one=_mean([one.frame_f1_zero_division_one for one in keys]),
            soundness=Soundness(*map(_mean, zip(*sound, strict=True)))
            if sound
            else Soundness(*[np.nan] * len(Soundness._fields)),
            times_real_time=total_s / spent_s,
        )

    def _crop(self, number: int, frames: int) -> slice:
        """Draw the one stretch of a clip that is scored, as published."""
        length = min(frames, round(CLIP_S * RATE_HZ))
        first = int(np.random.default_rng([self._seed, number]).integers(frames - length + 1))
        return slice(first, first + length)

    def _feature_distance(self, pairs: Sequence[list[HandMotion]]) -> float:
        whole = round(CLIP_S * RATE_HZ)
        kept = [pair for pair in pairs if all(len(one) == whole for one in pair)]
        if self._encode is None or len(kept) < 2:
            return np.nan
        played, made = (
            self._encode(
                np.stack([columns_of(pair[k]).turns.reshape(whole, -1).T / np.pi for pair in kept])
            )
            for k in (0, 1)
        )
        return frechet(played, made)


def columns_cut(motion: HandMotion, frames: slice) -> HandMotion:
    """Keep some frames of a movement."""
    hands = {side: hand.cut(frames.start, frames.stop) for side, hand in motion.hands.items()}
    return replace(motion, hands=hands, start_s=float(motion.times_s[frames.start]))


def _same_span(made: HandMotion, played: HandMotion) -> HandMotion:
    """Give a movement in the very frames of another one."""
    if made.rate_hz == played.rate_hz and len(made) == len(played):
        return made
    at = (played.times_s - made.start_s) * made.rate_hz
    # What was made may end a frame before what was played, or begin one after.
    at = np.clip(at, 0, len(made) - 1)
    hands = {side: hand.between(at) for side, hand in made.hands.items()}
    return replace(made, hands=hands, rate_hz=played.rate_hz, start_s=played.start_s)


def _in_frame(motion: HandMotion, frame: str, simulated: bool) -> HandMotion:
    """Give a movement in a frame; only of what was simulated is it known where the camera is."""
    if motion.frame == frame:
        return motion
    if not simulated:
        raise MotionError(
            f"{motion.title or 'a movement'} is in the {motion.frame}'s frame and what was played "
            f"in the {frame}'s: nobody knows where its camera was"
        )
    return as_seen(motion) if frame == CAMERA else at_the_keys(motion)


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan
