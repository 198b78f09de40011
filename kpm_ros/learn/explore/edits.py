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

"""Effort that never was: muscles that work more, or as they do in another clip."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kpm_ros.learn.pictures.stick_figure import Movement

Array = NDArray[np.float32]
MOST_TIMES = 100.0


def places_of(wanted: Sequence[str], muscles: Sequence[str]) -> list[int]:
    """Find muscles by name."""
    if not wanted:
        raise ValueError(f"name one or more of the muscles {', '.join(muscles)}")
    for name in wanted:
        if name not in muscles:
            raise ValueError(f"there is no muscle {name!r}: there are {', '.join(muscles)}")
    return [list(muscles).index(name) for name in wanted]


def scaled(effort: Array, muscles: Sequence[str], wanted: Sequence[str], times: float) -> Array:
    """Multiply some muscles' effort, as the paper does by 2 to 20, or by a tenth."""
    if not 0 <= times <= MOST_TIMES:
        raise ValueError(f"effort can be multiplied by 0 to {MOST_TIMES:g}, not by {times:g}")
    changed = np.array(effort, np.float32)
    changed[:, places_of(wanted, muscles)] *= np.float32(times)
    return changed


def transplanted(
    effort: Array, other: Array, muscles: Sequence[str], wanted: Sequence[str]
) -> Array:
    """Let some muscles do what they do in another clip of the same rate, which is cut or held."""
    changed = np.array(effort, np.float32)
    rows = np.minimum(np.arange(len(effort)), len(other) - 1)
    places = places_of(wanted, muscles)
    changed[:, places] = other[rows][:, places]
    return changed


def moved(before: Movement, after: Movement) -> list[tuple[str, float]]:
    """Say how far each point is from where it was, on average over time; the farthest first."""
    apart = np.linalg.norm(after.points - before.points, axis=2)
    means = [float(np.nanmean(column)) for column in apart.T]
    names = before.skeleton.points
    return sorted(zip(names, means, strict=True), key=lambda one: -one[1])
