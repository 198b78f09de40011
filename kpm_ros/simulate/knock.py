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

"""A camera that is knocked while somebody plays before it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from kpm_ros.simulate.cameras import Point, SimulatedCamera

FARTHEST_M = 1.0


@dataclass(frozen=True)
class Knock:
    """Which view, since when, and how far along the axes of the keyboard."""

    view: str
    at_s: float
    """Seconds since the performance began."""
    metres: Point

    @classmethod
    def read(cls, words: str) -> Knock | None:
        """Read it as a user writes it; empty = none.

        >>> Knock.read("top,20,0.06,0.06,-0.05")
        Knock(view='top', at_s=20.0, metres=(0.06, 0.06, -0.05))
        """
        if not words.strip():
            return None
        view, *numbers = (word.strip() for word in words.split(","))
        try:
            at_s, x, y, z = (float(number) for number in numbers)
        except ValueError:
            at_s = x = y = z = math.nan
        near = all(abs(metres) <= FARTHEST_M for metres in (x, y, z))
        if not (view and 0.0 <= at_s < math.inf and near):
            raise ValueError(
                f"knock is {words!r}, but must be a view, seconds, and three distances of at most "
                f"{FARTHEST_M:g} m, such as top,20,0.06,0.06,-0.05"
            )
        return cls(view, at_s, (x, y, z))

    def moved(self, camera: SimulatedCamera) -> SimulatedCamera:
        """Where the camera stands afterwards; it looks in the same direction."""
        return replace(
            camera,
            position=_beside(camera.position, self.metres),
            look_at=_beside(camera.look_at, self.metres),
        )


def _beside(point: Point, metres: Point) -> Point:
    x, y, z = (float(value) for value in np.add(point, metres))
    return x, y, z
