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

"""What a picture or a video of a body is made of, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.pictures.effort_colours import EffortScale
from kpm_ros.learn.pictures.stick_figure import Movement

SIMULATED, RECORDED = "SIMULATED", "recorded"
Image = NDArray[np.uint8]
Array = NDArray[np.floating]
Images = Callable[[float], "Image | None"]
"""Gives the video's picture at an instant, RGB."""


@dataclass(frozen=True, eq=False)
class Track:
    """Effort over time, of one source: the truth, or a model."""

    times_s: NDArray[np.float64]
    effort: Array
    """(T, muscles)"""

    def at(self, time_s: float) -> NDArray[np.float64]:
        """Give each muscle's effort at an instant, on a line between two samples."""
        return np.array([np.interp(time_s, self.times_s, column) for column in self.effort.T])


@dataclass(frozen=True, eq=False)
class Scene:
    """One column of a picture: how somebody moves, and a video of it if there is one."""

    title: str
    movement: Movement | None
    images: Images | None = None
    """A video; the movement's points are then in its pixels."""
    lit: str = ""
    """Whose effort is laid over the body; empty for nobody's."""


@dataclass(frozen=True, eq=False)
class Clip:
    """Everything that a picture shows."""

    title: str
    kind: str
    """Whether people were recorded, or all of it is SIMULATED."""
    muscles: tuple[str, ...]
    scale: EffortScale
    tracks: Mapping[str, Track]
    """By what stands above each body: the truth first."""
    scenes: tuple[Scene, ...] = ()
    start_s: float = 0.0
    end_s: float = 0.0

    def instants(self, count: int) -> NDArray[np.float64]:
        """Choose instants, evenly."""
        span = self.end_s - self.start_s
        return self.start_s + span * (np.arange(count) + 0.5) / count
