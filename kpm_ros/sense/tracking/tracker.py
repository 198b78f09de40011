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

"""What a tracker is, whatever skeleton it finds, and how it is told to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import CheckedSettings, ConfigurationError, check_choice, setting

Model = Literal["lite", "full"]
COMPLEXITY: Mapping[str, int] = {"lite": 0, "full": 1}
"""MediaPipe's number of each of its models."""

OUTSIDE = 0.5
"""Landmarks may lie outside the picture by this part of it, but not further."""


class TrackerUnavailableError(RuntimeError):
    """Tracking cannot work as it is configured or installed; says why in a sentence."""


@dataclass(frozen=True)
class TrackerConfig(CheckedSettings):
    """How hands or bodies are looked for."""

    mirrored: bool = setting(
        False,
        "whether the picture is a mirror image (a selfie camera, or one flip): it decides "
        "which side is the left one",
    )
    task_file: str = setting("", "a .task file for MediaPipe instead of the model in its package")
    min_confidence: float = setting(
        0.5, "what is seen with less confidence is not published", least=0.0, most=1.0, live=True
    )
    detection_confidence: float = setting(
        0.5, "how sure the search for a hand or body must be", least=0.0, most=1.0
    )
    tracking_confidence: float = setting(
        0.5, "how sure a hand or body must be to be followed", least=0.0, most=1.0
    )
    follow: bool = setting(
        False, "whether to look only around what was found: for what is small in the picture"
    )
    model: Model = "full"
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Part of the picture in which to look: left, top, right, bottom as fractions."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        check_choice("model", self.model, tuple(COMPLEXITY))
        left, top, right, bottom = self.region
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ConfigurationError(
                f"region is {list(self.region)}, but must be left, top, right, bottom as "
                "fractions of the picture, such as 0, 0.5, 1, 1 for its lower half"
            )


@dataclass(frozen=True, slots=True)
class Found:
    """A hand or body found in one picture."""

    points: NDArray[np.float32]
    """(points, 3): x, y as fractions of width and height; z from the root in x's scale."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is published of one picture: a hand or body that is followed."""

    points: NDArray[np.float32]
    """(points, 3): x, y as fractions of width and height; z from the root in x's scale."""
    confidence: float
    metres: NDArray[np.float32] | None = None
    """(points, 3): metres from the root along the camera's axes, where the tracker tells them."""
    visibility: NDArray[np.float32] | None = None
    """(points,): 0 to 1, where the tracker tells it."""
    side: str = ""
    """Of a hand; one of the tracker's `sides`."""


class Tracker(Protocol):
    """Follows hands or a body of one skeleton through a camera's pictures, given in order."""

    @property
    def sides(self) -> Sequence[str]:
        """Which sides are looked for at present; one that is empty where there are no sides."""
        ...

    @property
    def identity(self) -> object:
        """Whoever is followed: another value is somebody else, whose past is not this one's."""
        ...

    @property
    def model(self) -> str:
        """Model in use."""
        ...

    @property
    def models(self) -> Sequence[str]:
        """Models that could be used here."""
        ...

    @property
    def cheaper(self) -> Sequence[str]:
        """What would make tracking cheaper, in words."""
        ...

    def track(self, image: NDArray[np.uint8], stamp_ns: int) -> Sequence[Seen]:
        """Who is followed and in sight, in an RGB picture (height, width, 3); one a side."""
        ...

    def reconfigure(self, config: TrackerConfig, rules: Any) -> None:
        """Believe and choose otherwise from the next picture on, with the model that is loaded.

        `rules` say which hand or person is followed, as the tracker was made with.
        """
        ...

    def use_model(self, model: Model) -> None:
        """Go on with another model."""
        ...

    def counts(self) -> Mapping[str, object]:
        """What happened since the last call, and in all, for diagnostics."""
        ...

    def close(self) -> None:
        """Free the models."""
        ...


def check_picture(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Give a picture's width and height; what is no RGB picture is refused."""
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
        raise ValueError(
            f"the picture is {image.dtype} {image.shape}, but must be uint8 (height, width, 3)"
        )
    return image.shape[1], image.shape[0]


def in_widths(points: NDArray[np.float32], image_size: tuple[int, int]) -> NDArray[np.float64]:
    """Landmarks' x, y in units of the image's width, so that distances do not depend on shape."""
    width, height = image_size
    return points[:, :2].astype(np.float64) * (1.0, height / width)


def extent(flat: NDArray[np.float64]) -> float:
    """How large something appears: the longer side of the box around its landmarks."""
    return float(np.ptp(flat, axis=0).max())


def can_be_seen(
    points: NDArray[np.float32], count: int, size: tuple[int, int], smallest: float
) -> bool:
    """Whether landmarks are as many as they should be, numbers, in sight and large enough."""
    if points.shape != (count, 3) or not np.isfinite(points).all():
        return False
    inside = bool((np.abs(points[:, :2] - 0.5) <= 0.5 + OUTSIDE).all())
    return inside and extent(in_widths(points, size)) >= smallest
