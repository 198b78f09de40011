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

"""The same pictures as a video file, frame by frame."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.pictures.body_picture import make_rows
from kpm_ros.learn.pictures.clip import Clip
from kpm_ros.sense.camera.opencv import load_opencv

SUFFIXES = (".mp4",)
LEAST_FPS, MOST_FPS = 10, 30
DPI = 100


def draw_video(path: Path, clip: Clip, fps: int, tell: Callable[[], None] = lambda: None) -> int:
    """Draw a clip as a video, whole or not at all; `tell` is called after each frame.

    Gives the number of frames.
    """
    if not LEAST_FPS <= fps <= MOST_FPS:
        raise ValueError(f"a video has {LEAST_FPS} to {MOST_FPS} pictures a second, not {fps}")
    cv2 = load_opencv()
    canvas = _Canvas(clip)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{secrets.token_hex(8)}{path.suffix}")
    width, height = canvas.size
    writer = cv2.VideoWriter(
        str(unfinished), cv2.VideoWriter_fourcc(*"mp4v"), float(fps), (width, height)
    )
    try:
        if not writer.isOpened():
            raise OSError(f"{path} cannot be written as a video")
        count = frames_of(clip, fps)
        for number in range(count):
            rgb = canvas.draw(clip.start_s + number / fps)
            writer.write(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
            tell()
        writer.release()
        unfinished.replace(path)
    finally:
        writer.release()
        unfinished.unlink(missing_ok=True)
    return count


def frames_of(clip: Clip, fps: int) -> int:
    """How many pictures a video of a clip has."""
    return max(1, round((clip.end_s - clip.start_s) * fps))


class _Canvas:
    """A figure of which only what changes is drawn again."""

    def __init__(self, clip: Clip) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg

        figure, (self._row,) = make_rows(clip, 1)
        figure.set_dpi(DPI)
        self._canvas = FigureCanvasAgg(figure)
        # What changes with the first picture, such as the room that a video takes, is laid out now.
        self._row.show(clip.start_s)
        self._canvas.draw()
        figure.set_layout_engine("none")
        for artist in self._row.artists:
            artist.set_animated(True)
        self._canvas.draw()
        self._background: Any = self._canvas.copy_from_bbox(figure.bbox)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, even, as video codecs want them."""
        width, height = self._canvas.get_width_height()
        return width // 2 * 2, height // 2 * 2

    def draw(self, time_s: float) -> NDArray[np.uint8]:
        """Draw an instant as RGB."""
        self._canvas.restore_region(self._background)
        self._row.show(time_s)
        for artist in self._row.artists:
            if artist.get_visible():
                artist.axes.draw_artist(artist)
        width, height = self.size
        pixels = np.asarray(self._canvas.buffer_rgba())
        return np.ascontiguousarray(pixels[:height, :width, :3])
