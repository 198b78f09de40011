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

"""Both hands of a whole video, picture by picture: what was tracked is kept, and taken up again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import ForeignFileError, opened, read_arrays, reading
from kpm_ros.core.hand_motion import MOST_FRAMES, POINTS, RATES_HZ
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.camera.video import USUAL_FPS, VIDEO_BYTES, open_video
from kpm_ros.sense.hands.hand_identity import HANDS
from kpm_ros.sense.hands.tracking import HandTracker
from kpm_ros.sense.tracking.tracker import TrackerConfig

PART = 600
"""Pictures that are kept together."""
WARM_UP = 30
"""Pictures before those that are kept, in which the tracker finds out again which hand is which."""
_HEAD_BYTES = 1 << 20

Tell = Callable[[int, int], None]
"""Hears how many pictures are done, and of how many."""
Hands = tuple[float, NDArray[np.float32]]
"""A picture's time, and both hands in it: (2, 21, 3)."""


@dataclass(frozen=True)
class SeenHands:
    """Both hands as a tracker saw them in every picture of a video."""

    points: NDArray[np.float32]
    """(n, 2, 21, 3): left and right; x, y as fractions of width and height, z from the wrist in
    x's scale; NaN where a hand was not seen."""
    times_s: NDArray[np.float64]
    """(n,): when each picture is, from the video's first one on."""
    image_size: tuple[int, int]
    rate_hz: float
    """Of the video, as it says itself."""

    def hand(self, side: str) -> NDArray[np.float32]:
        """One hand's points: (n, 21, 3)."""
        return self.points[:, HANDS.index(side)]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Whether each hand was seen: (n, 2)."""
        return np.isfinite(self.points).all(axis=(2, 3))


def track_video(
    video: Path, kept: Path, config: TrackerConfig | None = None, tell: Tell | None = None
) -> SeenHands:
    """Track both hands through a video, beginning where an earlier run of the same stopped.

    `kept` is the folder of what was tracked. Whatever makes the video one that cannot be used is a
    ForeignFileError.
    """
    config = config or TrackerConfig()
    capture = open_video(video)
    try:
        return _tracked(capture, video, _Kept(kept, _fingerprint(video, config)), config, tell)
    finally:
        capture.release()


def _tracked(
    capture: Any, video: Path, kept: _Kept, config: TrackerConfig, tell: Tell | None
) -> SeenHands:
    cv2 = load_opencv()
    rate_hz = float(capture.get(cv2.CAP_PROP_FPS)) or USUAL_FPS
    least, most = RATES_HZ
    if not least <= rate_hz <= most:
        raise ForeignFileError(
            f"{video} has {rate_hz:g} pictures a second, but {least:g} to {most:g} can be used"
        )
    said = max(0, int(capture.get(cv2.CAP_PROP_FRAME_COUNT)))
    parts = list(kept.parts())
    done = PART * len(parts)
    if parts and len(parts[-1][0]) < PART:
        # The last part is shorter, as it is only at the video's end.
        done = sum(len(times) for times, _ in parts)
    else:
        begin = max(0, done - WARM_UP)
        pictures = _pictures(capture, rate_hz, begin)
        with HandTracker(config) as tracker:
            hands = _told(_hands(tracker, pictures), begin, said, tell)
            for times, points in _in_parts(hands, done - begin):
                kept.keep(len(parts), times, points)
                parts.append((times, points))
                done += len(times)
                if done > MOST_FRAMES:
                    raise ForeignFileError(f"{video} has more than {MOST_FRAMES} pictures")
    if not done:
        raise ForeignFileError(f"{video} holds no picture that can be read")
    if tell is not None:
        tell(done, done)
    size = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    width, height = (int(capture.get(name)) for name in size)
    times, points = (np.concatenate(each) for each in zip(*parts, strict=True))
    return SeenHands(points, times, (width, height), rate_hz)


def _pictures(
    capture: Any, rate_hz: float, first: int
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Give the pictures from a first one on, each with its time."""
    cv2 = load_opencv()
    number, time_s = 0, -1.0
    while capture.grab():
        told = capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3
        # Some containers have no usable frame times.
        time_s = told if number == 0 or told > time_s else time_s + 1 / rate_hz
        if number >= first:
            found, image = capture.retrieve()
            if found:
                yield time_s, np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        number += 1


def _hands(
    tracker: HandTracker, pictures: Iterator[tuple[float, NDArray[np.uint8]]]
) -> Iterator[Hands]:
    for time_s, image in pictures:
        points = np.full((len(HANDS), POINTS, 3), np.nan, np.float32)
        for hand in tracker.track(image, round(time_s * 1e9)):
            points[HANDS.index(hand.handedness)] = hand.points
        yield time_s, points


def _told(hands: Iterator[Hands], begin: int, said: int, tell: Tell | None) -> Iterator[Hands]:
    for done, each in enumerate(hands, begin + 1):
        if tell is not None:
            tell(done, max(said, done))
        yield each


Part = tuple[NDArray[np.float64], NDArray[np.float32]]


def _in_parts(hands: Iterator[Hands], warm_up: int) -> Iterator[Part]:
    """Gather what was tracked, less the first pictures, which were only to warm up."""
    gathered: list[Hands] = []
    for number, each in enumerate(hands):
        if number < warm_up:
            continue
        gathered.append(each)
        if len(gathered) == PART:
            yield _part(gathered)
            gathered = []
    if gathered:
        yield _part(gathered)


def _part(gathered: list[Hands]) -> Part:
    times, points = zip(*gathered, strict=True)
    return np.array(times), np.stack(points)


class _Kept:
    """What was tracked of one video in one way, in files that are there whole or not at all."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._fingerprint = folder, fingerprint

    def parts(self) -> Iterator[Part]:
        """Give the parts that are there from the first one on."""
        number = 0
        while (path := self._path(number)).is_file():
            with reading(path, "what was tracked of a video"):
                arrays = read_arrays(path)
                if str(arrays["of"]) != self._fingerprint:
                    return
                times, points = arrays["times_s"], arrays["points"]
                if points.shape != (len(times), len(HANDS), POINTS, 3):
                    raise ForeignFileError(f"{path} holds other points than of both hands")
            yield times, points
            number += 1

    def keep(self, number: int, times: NDArray[np.float64], points: NDArray[np.float32]) -> None:
        with atomic_file(self._path(number)) as file:
            np.savez_compressed(file, of=self._fingerprint, times_s=times, points=points)

    def _path(self, number: int) -> Path:
        return self._folder / f"part_{number:05d}.npz"


def _fingerprint(video: Path, config: TrackerConfig) -> str:
    """Tell videos and ways of tracking apart, without reading hours of video."""
    with opened(video, VIDEO_BYTES) as file:
        sha256 = hashlib.sha256(file.read(_HEAD_BYTES))
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _HEAD_BYTES))
        sha256.update(file.read(_HEAD_BYTES))
    sha256.update(f"{size} {config}".encode())
    return sha256.hexdigest()
