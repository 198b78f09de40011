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

"""The part of the picture in which hands or bodies are looked for: fixed, or following them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.8
"""Room around them, in parts of the largest: they move between two frames."""
RESIZE_AT = 0.25
"""The followed part keeps its size until the wanted one differs by this much."""
SMALLEST_PX = 64


@dataclass(frozen=True, slots=True)
class ImageWindow:
    """A rectangle of the picture, in whole pixels."""

    x: int
    y: int
    width: int
    height: int

    def cut(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Copy this part of the picture."""
        part = image[self.y : self.y + self.height, self.x : self.x + self.width]
        return np.ascontiguousarray(part)

    def to_picture(
        self, points: NDArray[np.float32], image_size: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Landmarks within this window as landmarks within the picture."""
        scale = np.array([self.width, self.height, self.width], np.float32)
        offset = np.array([self.x, self.y, 0], np.float32)
        size = np.array([image_size[0], image_size[1], image_size[0]], np.float32)
        return np.asarray((points * scale + offset) / size, np.float32)

    def overlap(self, other: ImageWindow) -> float:
        """Area that both share, as a fraction of both together."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(wide, 0) * max(high, 0)
        both = self.width * self.height + other.width * other.height - shared
        return shared / both


def region_window(region: Sequence[float], image_size: tuple[int, int]) -> ImageWindow:
    """Turn a region (left, top, right, bottom as fractions) into a window of the picture."""
    width, height = image_size
    left, top = int(region[0] * width), int(region[1] * height)
    right, bottom = int(np.ceil(region[2] * width)), int(np.ceil(region[3] * height))
    left, top = min(left, width - 1), min(top, height - 1)
    return ImageWindow(left, top, max(right - left, 1), max(bottom - top, 1))


def window_around(
    places: Sequence[NDArray[np.float32]],
    image_size: tuple[int, int],
    bounds: ImageWindow,
    before: ImageWindow,
) -> ImageWindow:
    """Window around all landmarks, within bounds; it moves smoothly and seldom changes its size.

    The detector looks for a thing where it was in the picture before, so a window that moves along
    keeps it in place.
    """
    pixels = np.concatenate([place[:, :2] for place in places]) * image_size
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    largest = max(float(np.ptp(place[:, :2] * image_size, axis=0).max()) for place in places)
    centre = (low + high) / 2
    wanted = np.maximum(high - low + 2 * MARGIN * largest, SMALLEST_PX)
    kept = np.array([before.width, before.height], np.float64)
    if np.all(np.abs(wanted / kept - 1) < RESIZE_AT):
        wanted = kept
    width, height = np.minimum(np.ceil(wanted), (bounds.width, bounds.height)).astype(int)
    x = int(np.clip(centre[0] - width / 2, bounds.x, bounds.x + bounds.width - width))
    y = int(np.clip(centre[1] - height / 2, bounds.y, bounds.y + bounds.height - height))
    return ImageWindow(x, y, int(width), int(height))


def search_tiles(bounds: ImageWindow) -> list[ImageWindow]:
    """Overlapping parts of a window to search one by one: all of it, quarters, sixteenths.

    A detector sees every picture at the same small size, so what is small only shows in a part.
    """
    parts = [bounds]
    for count, share in ((2, 0.6), (4, 0.34)):
        width, height = max(int(bounds.width * share), 1), max(int(bounds.height * share), 1)
        for row in range(count):
            for column in range(count):
                x = bounds.x + (bounds.width - width) * column // (count - 1)
                y = bounds.y + (bounds.height - height) * row // (count - 1)
                parts.append(ImageWindow(x, y, width, height))
    return parts
