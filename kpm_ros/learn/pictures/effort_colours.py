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

"""The colours of effort, which those see, too, who cannot tell red and green apart.

Matplotlib's inferno without its darkest part: lightness rises evenly with effort, so that the order
of colours is seen without telling hues apart, and in print without colours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

BODY_COLOUR, EDGE_COLOUR = "#2c2f3a", "#6b7080"
LEFT_COLOUR, RIGHT_COLOUR, MIDDLE_COLOUR = "#0072b2", "#e69f00", "#555555"
"""Of a stick figure's sides: two of Okabe and Ito's colours."""
DARKEST = 0.12
SCALES = ("person", "paper")
PAPER_CLIP = 0.5

Array = NDArray[np.floating]


@lru_cache(maxsize=1)
def effort_map() -> Any:
    """Give the map of colours, from no effort (0) to most (1)."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    steps = np.linspace(DARKEST, 1, 256)
    return ListedColormap(colormaps["inferno"](steps), name="effort")


@dataclass(frozen=True)
class EffortScale:
    """How effort is turned into a number from 0 to 1, each muscle by itself."""

    words: str
    """What the scale bar says."""
    least: Mapping[str, float]
    most: Mapping[str, float]
    """What of each muscle is drawn as 0 and as 1."""

    def of(self, muscle: str, effort: float) -> float:
        """Where between 0 and 1 an effort lies; what is beyond is drawn as the end."""
        least, most = self.least[muscle], self.most[muscle]
        if not most > least:
            return 0.0
        return float(np.clip((effort - least) / (most - least), 0, 1))


def effort_scale(
    rule: str, muscles: Sequence[str], efforts: Sequence[Array], unit: str
) -> EffortScale:
    """Make a scale of a person's true effort (T, M): by a rule, or from 0 to a number.

    `person`: from 0 to the largest effort of each muscle. `paper`, as Muscles in Action draws: from
    the least of each muscle to half of its largest above it.
    """
    if rule not in SCALES:
        return _fixed(rule, muscles, unit)
    # Each of the two takes no notice of what is not known.
    high = np.fmax.reduce([np.fmax.reduce(effort, axis=0) for effort in efforts])
    low = np.fmin.reduce([np.fmin.reduce(effort, axis=0) for effort in efforts])
    if rule == "person":
        low, words = np.zeros_like(high), f"1 is each muscle's most in this person ({unit})"
    else:
        high = low + PAPER_CLIP * high
        words = f"1 is {PAPER_CLIP:g} of each muscle's most above its least ({unit})"
    return EffortScale(
        words,
        dict(zip(muscles, low.tolist(), strict=True)),
        dict(zip(muscles, high.tolist(), strict=True)),
    )


def _fixed(rule: str, muscles: Sequence[str], unit: str) -> EffortScale:
    try:
        most = float(rule)
    except ValueError:
        most = 0.0
    if not 0 < most < float("inf"):
        raise ValueError(
            f"the scale is {rule!r}, but must be {' or '.join(SCALES)}, or a number above 0: the "
            "effort that is drawn brightest"
        )
    return EffortScale(
        f"1 is {most:g} ({unit})", dict.fromkeys(muscles, 0.0), dict.fromkeys(muscles, most)
    )
