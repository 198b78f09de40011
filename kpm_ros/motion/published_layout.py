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

"""PianoMotion10M's folders: movements as 62 numbers a hand and frame, with audio, MIDI and splits.

    annotation/PERSON/VIDEO/VIDEO_seq_0000.json    left, right, fps, adjust, bv, start_frame
    audio/PERSON/VIDEO/VIDEO_seq_0000.mp3          midi/PERSON/VIDEO.mid
    train.txt  valid.txt  test.txt                 lines of PERSON and VIDEO

The numbers are whether the hand is visible, where it is (3, metres in the camera's frame), how it
and its bones are turned (48, in MANO's order) and its shape (10). A left hand's are those of the
right hand that is its mirror image. Where the hand is means MANO's origin, which is beside the
wrist.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import LISTING_BYTES, read_json, read_text, reading
from kpm_ros.core.hand_motion import (
    CAMERA,
    RATES_HZ,
    ROTATIONS,
    SHAPE,
    HandMotion,
    MotionError,
    OneHandMotion,
)
from kpm_ros.core.settings import check_number
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.models.pianomotion.motion_card import PLACE_SCALE
from kpm_ros.motion.columns import nearest_known
from kpm_ros.motion.published_camera import right_handed

SIDES = (LEFT, RIGHT)
SPLITS = ("train", "valid", "test")
RATE_HZ = 30.0
"""What all movements are brought to, as published."""
VALUES = 1 + 3 + 3 * ROTATIONS + SHAPE
_PLACE, _TURNS, _SHAPE = slice(1, 4), slice(4, 52), slice(52, VALUES)
POSED = slice(1, 52)
"""Those of the numbers that models are about: place and turns."""
NORMAL = np.array([*PLACE_SCALE] + [math.pi] * (3 * ROTATIONS))
"""What place and turns are divided by for models."""
WRIST_M = np.array([0.0957, 0.0064, 0.0062])
"""Where the wrist of MANO's average right hand is in the frame it is published in."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")

Array = NDArray[np.float32]


@dataclass(frozen=True)
class PublishedClip:
    """One annotated clip of a video."""

    root: Path
    person: str
    video: str
    name: str

    @property
    def annotation(self) -> Path:
        """Its movement."""
        return self.root / "annotation" / self.person / self.video / f"{self.name}.json"

    def audio(self) -> Path:
        """Its sound, which must be there."""
        return self._there("audio", self.person, self.video, f"{self.name}.mp3")

    def midi(self) -> Path:
        """The notes of all of its video, which must be there."""
        return self._there("midi", self.person, f"{self.video}.mid")

    def motion(self, *, adjusted: bool = False, rate_hz: float = RATE_HZ) -> HandMotion:
        """Read its movement; `adjusted` adds what the file says to y and z."""
        motion = read_annotation(self.annotation, adjusted=adjusted)
        return replace(motion.resampled(rate_hz), title=self.name)

    def _there(self, *words: str) -> Path:
        path = self.root.joinpath(*words)
        if not path.is_file():
            raise MotionError(f"the clip {self.name} has no {words[0]}: there is no file {path}")
        return path


def published_clips(
    root: Path, split: str = "", people: Sequence[str] = ()
) -> Iterator[PublishedClip]:
    """List the clips of a split, or all of them, of some people or of everybody."""
    folder = root / "annotation"
    if not folder.is_dir():
        raise MotionError(f"{root} is no folder of PianoMotion10M: it has no annotation folder")
    for person, video in _videos(root, split) if split else _all_videos(folder):
        if people and person not in people:
            continue
        clips = sorted((folder / person / video).glob("*.json"))
        if not clips:
            raise MotionError(
                f"{folder / person / video} holds no clip, though {split}.txt says so"
            )
        for clip in clips:
            yield PublishedClip(root, person, video, clip.stem)


def _all_videos(folder: Path) -> list[tuple[str, str]]:
    return sorted(
        {(path.parent.parent.name, path.parent.name) for path in folder.glob("*/*/*.json")}
    )


def _videos(root: Path, split: str) -> list[tuple[str, str]]:
    if split not in SPLITS:
        raise MotionError(f"the split is {split!r}, but must be one of {', '.join(SPLITS)}")
    path = root / f"{split}.txt"
    with reading(path, "a list of videos", MotionError):
        lines = read_text(path, LISTING_BYTES).splitlines()
    videos = []
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not all(map(_NAME.fullmatch, words)):
            raise MotionError(
                f"line {number} of {path} is {line!r}, but must be a person and a video"
            )
        videos.append((words[0], words[1]))
    return videos


def read_annotation(path: Path, *, adjusted: bool = False) -> HandMotion:
    """Read one clip's movement at its own rate; a MotionError says what is wrong with it."""
    with reading(path, "an annotation of hands", MotionError):
        told = read_json(path)
    if not isinstance(told, dict):
        raise MotionError(f"{path} is no table of left, right, fps, adjust, bv and start_frame")
    least, most = RATES_HZ
    with reading(path, "an annotation of hands", MotionError):
        fps = check_number("fps", told.get("fps"), least=least, most=most)
        start = check_number("start_frame", told.get("start_frame", 0), least=0, most=1e9)
    values = {side: _table(told.get(side), side, path) for side in SIDES}
    if len(values[LEFT]) != len(values[RIGHT]):
        raise MotionError(
            f"{path} has {len(values[LEFT])} frames of the left hand and {len(values[RIGHT])} of "
            "the right one"
        )
    if adjusted:
        shift = _table([told.get("adjust")], "adjust", path, 3)[0]
        for table in values.values():
            table[:, 2:4] += shift[1:3]
    hands = {side: hand_of(table, side) for side, table in values.items()}
    video = told.get("bv", "")
    return HandMotion(
        fps, hands, start / fps, CAMERA, title=path.stem, source=f"PianoMotion10M {video}"
    )


def _table(rows: Any, name: str, path: Path, width: int = VALUES) -> Array:
    if not isinstance(rows, list) or not rows:
        raise MotionError(f"{path} has no frames of {name}")
    for number, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != width:
            found = f"{len(row)} numbers" if isinstance(row, list) else type(row).__name__
            raise MotionError(
                f"{path} has {found} in frame {number} of {name}, not {width} numbers"
            )
    with reading(path, "an annotation of hands", MotionError):
        table = np.array(rows, np.float32)
    odd = np.flatnonzero(~np.isfinite(table).all(axis=1))
    if len(odd):
        raise MotionError(f"{path} has a value in frame {odd[0]} of {name} that is no number")
    return table


def hand_of(values: NDArray[np.floating[Any]], side: str) -> OneHandMotion:
    """Read one hand's published numbers (n, 62), or those without its shape (n, 52)."""
    table = np.asarray(values, np.float32)
    shape = table[:, _SHAPE].mean(axis=0) if table.shape[1] == VALUES else None
    return OneHandMotion(
        table[:, 0] > 0.5,
        rotations=np.ascontiguousarray(table[:, _TURNS].reshape(-1, ROTATIONS, 3)),
        place=right_handed(table[:, _PLACE] + WRIST_M, side, CAMERA).astype(np.float32),
        shape=shape,
    )


def values_of(motion: HandMotion, side: str) -> Array:
    """Write one hand of a movement seen by a camera as published numbers (n, 62).

    Frames of which something is not known are as the nearest one that is, and not visible.
    """
    hand = motion.hands.get(side)
    if hand is None:
        return np.zeros((len(motion), VALUES), np.float32)
    if motion.frame != CAMERA:
        raise MotionError("published numbers are in a camera's frame: see published_camera.as_seen")
    if hand.rotations is None or hand.place is None:
        raise MotionError(f"the {side} hand has no rotations and places: see posing.posed")
    table = np.zeros((len(hand), VALUES), np.float32)
    table[:, _PLACE] = right_handed(hand.place, side, CAMERA) - WRIST_M
    table[:, _TURNS] = hand.rotations.reshape(len(hand), -1)
    known = np.isfinite(table).all(axis=1)
    if not known.any():
        return np.zeros_like(table)
    table = table[nearest_known(known)]
    table[:, 0] = hand.visible & known
    if hand.shape is not None:
        table[:, _SHAPE] = hand.shape
    return table


def normalised(values: NDArray[np.floating[Any]]) -> Array:
    """Place and turns (n, 51) of published numbers, as models take them."""
    return np.asarray(values[..., POSED] / NORMAL, np.float32)


def denormalised(numbers: NDArray[np.floating[Any]]) -> Array:
    """Published numbers (n, 52), all visible and without shape, of what models give (n, 51)."""
    seen = np.ones((*numbers.shape[:-1], 1))
    return np.concatenate([seen, numbers * NORMAL], axis=-1).astype(np.float32)


def write_annotation(clip: PublishedClip, motion: HandMotion) -> None:
    """Write a clip's movement, in place of what was there."""
    for word in (clip.person, clip.video, clip.name):
        if not _NAME.fullmatch(word):
            raise MotionError(
                f"{word!r} must be letters, digits, - and _, and begin with no - or _"
            )
    told = {
        **{side: _rounded(values_of(motion, side)) for side in SIDES},
        "fps": motion.rate_hz,
        "adjust": [0.0, 0.0, 0.0],
        "bv": clip.video,
        "start_frame": round(motion.start_s * motion.rate_hz),
    }
    write_atomically(clip.annotation, json.dumps(told).encode())


def _rounded(table: Array) -> list[list[float]]:
    # A hundredth of a millimetre, and of a milliradian.
    return [[round(float(value), 5) for value in row] for row in table]


def add_to_split(root: Path, split: str, person: str, video: str) -> None:
    """Put a video on the list of a split, once."""
    path = root / f"{split}.txt"
    listed = _videos(root, split) if path.exists() else []
    if (person, video) not in listed:
        lines = [f"{each} {name}\n" for each, name in (*listed, (person, video))]
        write_atomically(path, "".join(lines).encode())
