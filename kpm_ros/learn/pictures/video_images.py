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

"""Pictures of a video to draw over: from a file, or kept as JPEG; and faces made unrecognisable."""

from __future__ import annotations

from bisect import bisect_right
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.skeletons import Skeleton
from kpm_ros.learn.pictures.clip import Image, Images
from kpm_ros.learn.pictures.stick_figure import Movement
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.camera.video import USUAL_FPS, open_video

LARGEST = 720
"""Rows of a picture that is drawn over; larger ones are made smaller."""
JPEG_QUALITY = 88
HEAD_WORDS = ("nose", "eye", "ear", "mouth")
FACE_SIZE = 1.5
"""Of what is blurred, in distances from the face's middle to its farthest point."""
LEAST_FACE = 0.35
"""The least radius, in widths of the shoulders and lengths of the trunk: points of a face lie close
together, and may be wrong."""


class VideoImages:
    """A video file, read forwards; gives the frame that is shown at an instant."""

    def __init__(self, path: Path, offset_s: float = 0.0) -> None:
        """Open it; `offset_s` is the instant of the recording at which it begins."""
        cv2 = load_opencv()
        self._capture: Any = open_video(path)
        self._fps = float(self._capture.get(cv2.CAP_PROP_FPS)) or USUAL_FPS
        self._offset_s = offset_s
        self._next = 0
        self._shown: Image | None = None

    def __call__(self, time_s: float) -> Image | None:
        """Give the frame at an instant, which is never before the last one asked for."""
        cv2 = load_opencv()
        wanted = int((time_s - self._offset_s) * self._fps + 1e-6)
        while self._next <= wanted and self._capture.grab():
            self._next += 1
            if self._next > wanted:
                found, image = self._capture.retrieve()
                if found:
                    self._shown = shrunk(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
        return self._shown


class KeptImages:
    """Pictures by their instants, kept as JPEG: a minute of them is too much otherwise."""

    def __init__(self) -> None:
        """Begin without any."""
        self._times: list[float] = []
        self._jpegs: list[NDArray[np.uint8]] = []

    def __len__(self) -> int:
        """How many there are."""
        return len(self._times)

    def add(self, time_s: float, rgb: Image) -> None:
        """Keep one; recorded pictures come in any order."""
        cv2 = load_opencv()
        bgr = cv2.cvtColor(shrunk(rgb), cv2.COLOR_RGB2BGR)
        _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        place = bisect_right(self._times, time_s)
        self._times.insert(place, time_s)
        self._jpegs.insert(place, jpeg)

    def __call__(self, time_s: float) -> Image | None:
        """Give the one that is shown at an instant."""
        if not self._times:
            return None
        cv2 = load_opencv()
        place = max(0, int(np.searchsorted(self._times, time_s + 1e-6)) - 1)
        bgr = cv2.imdecode(self._jpegs[place], cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB))


def shrunk(rgb: Image) -> Image:
    """Make a large picture smaller."""
    rows, columns = rgb.shape[:2]
    if rows <= LARGEST:
        return rgb
    cv2 = load_opencv()
    size = (max(1, round(columns * LARGEST / rows)), LARGEST)
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))


def face_hidden(images: Images, movement: Movement | None) -> Images:
    """Blur the face of whoever moves; where it is not known where that is, the whole picture."""

    def hidden(time_s: float) -> Image | None:
        image = images(time_s)
        if image is None:
            return None
        points = movement.at(time_s) if movement is not None else None
        face = None if points is None or movement is None else face_of(movement.skeleton, points)
        return _blurred(image, face)

    return hidden


def face_of(skeleton: Skeleton, points: NDArray[np.float64]) -> tuple[float, float, float] | None:
    """Find a face's middle and the radius of what hides it; None where its size is not known."""
    head = [k for k, name in enumerate(skeleton.points) if any(w in name for w in HEAD_WORDS)]
    if not head:
        return None
    x, y = points[head].mean(axis=0)
    radius = FACE_SIZE * float(np.hypot(*(points[head] - (x, y)).T).max())
    if {"shoulders", "hips"} <= skeleton.roles.keys():
        shoulders, hips = (points[list(skeleton.role(role))] for role in ("shoulders", "hips"))
        # Seen from the side, shoulders are narrow; bent towards the camera, the trunk is short.
        wide = float(np.hypot(*(shoulders[0] - shoulders[1])))
        long = float(np.hypot(*(shoulders.mean(axis=0) - hips.mean(axis=0))))
        radius = max(radius, LEAST_FACE * wide, LEAST_FACE * long)
    return (float(x), float(y), radius) if radius > 0 else None


def _blurred(image: Image, face: tuple[float, float, float] | None) -> Image:
    """Make mosaic and blur of a disc, which cannot be undone; or of everything."""
    cv2 = load_opencv()
    rows, columns = image.shape[:2]
    x, y, radius = face if face is not None else (columns / 2, rows / 2, float(max(rows, columns)))
    left, right = (int(np.clip(x + s * radius, 0, columns)) for s in (-1, 1))
    top, bottom = (int(np.clip(y + s * radius, 0, rows)) for s in (-1, 1))
    if right - left < 1 or bottom - top < 1:
        return image
    part = image[top:bottom, left:right]
    coarse = cv2.resize(part, (5, 5), interpolation=cv2.INTER_AREA)
    veil = cv2.resize(coarse, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    across = np.arange(left, right)[None, :] - x
    down = np.arange(top, bottom)[:, None] - y
    inside = (across**2 + down**2 <= radius**2)[..., None] | (face is None)
    changed = image.copy()
    changed[top:bottom, left:right] = np.where(inside, veil, part)
    return changed
