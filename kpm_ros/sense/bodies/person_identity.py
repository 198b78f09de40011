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

"""Whether a body is still the same person's, by where it is and how large it appears.

One person is followed. Somebody else is not believed at once: a tracker that jumps from one person
to another would make one movement of two. The pose is withheld until the other one has been there
for `another_person_s`, which is long enough for it to count as lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.bodies.detection import Detection, skeleton
from kpm_ros.sense.tracking.tracker import in_widths


@dataclass(frozen=True)
class PersonRules(CheckedSettings):
    """When a body is another person's."""

    another_person_s: float = setting(
        0.5,
        "bodies: how long somebody else must be seen before being followed in the place of the "
        "person before; the pose is lost meanwhile",
        least=0.3,
        most=10.0,
        live=True,
    )
    reach_m: float = 0.3
    """How far the middle of the hips may be from where it was ..."""
    reach_m_per_s: float = 4.0
    """... and how much further for every second between the pictures ..."""
    most_s: float = 0.25
    """... up to this, after which the pose counts as lost whoever comes."""
    resize: float = 1.35
    """How many times as large or small a person may appear from one picture to the next ..."""
    resize_per_s: float = 2.0
    """... and how many times more for every second between them, up to the same time."""
    remembered_s: float = 1.0
    """Whoever comes after nobody was seen for so long is somebody else."""


class Place(NamedTuple):
    """Where a body is in the picture."""

    hips: NDArray[np.float64]
    """Middle of the hips, in widths of the picture."""
    widths_per_m: float
    """How large a metre appears, which posture does not change."""
    stamp_ns: int


def place_of(body: Detection, stamp_ns: int, image_size: tuple[int, int]) -> Place:
    """Where a body is, and how large it appears: its picture's size to its own in metres."""
    hips = list(skeleton().role("hips"))
    flat = in_widths(body.points, image_size)
    across = body.metres[:, :2].astype(np.float64)
    weights = body.visibility.astype(np.float64)[:, None]
    centre = flat[hips].mean(axis=0)
    seen = float((weights * (flat - centre) ** 2).sum())
    real = float((weights * (across - across[hips].mean(axis=0)) ** 2).sum())
    return Place(centre, float(np.sqrt(seen / max(real, 1e-9))), stamp_ns)


class PersonIdentity:
    """Follows one person, and notices another."""

    def __init__(self, rules: PersonRules | None = None) -> None:
        """Begin with whoever comes first."""
        self.rules = rules or PersonRules()
        self.person = 0
        """Number of the one who is followed; another number is somebody else."""
        self.withheld = 0
        """Pictures in which only somebody else was seen."""
        self._last: Place | None = None
        self._other: Place | None = None
        self._other_since_ns = 0

    def is_followed(self, place: Place) -> bool:
        """Whether a body in this place is the followed person's, or has become so."""
        last, now_ns = self._last, place.stamp_ns
        if last is not None and now_ns <= last.stamp_ns:
            last = None  # a recording that began again
        if last is None or now_ns - last.stamp_ns > self._remembered_ns:
            return self._follow(place, anew=self._last is not None)
        if self._other is None or not self._continues(self._other, place):
            if self._continues(last, place):
                return self._follow(place)
            self._other_since_ns = now_ns
        self._other = place
        if now_ns - self._other_since_ns >= self.rules.another_person_s * NS_PER_S:
            return self._follow(place, anew=True)
        self.withheld += 1
        return False

    @property
    def _remembered_ns(self) -> float:
        """Somebody else is waited for, however long that takes."""
        rules = self.rules
        return max(rules.remembered_s, 2 * rules.another_person_s) * NS_PER_S

    def _follow(self, place: Place, *, anew: bool = False) -> bool:
        self.person += anew
        self._last, self._other = place, None
        return True

    def _continues(self, before: Place, now: Place) -> bool:
        """Whether one body can have been in both places."""
        rules = self.rules
        span_s = (now.stamp_ns - before.stamp_ns) / NS_PER_S
        if span_s <= 0:
            return False
        span_s = min(span_s, rules.most_s)
        metre = min(before.widths_per_m, now.widths_per_m)
        away = float(np.linalg.norm(now.hips - before.hips))
        near = away <= (rules.reach_m + rules.reach_m_per_s * span_s) * max(metre, 1e-9)
        ratio = now.widths_per_m / max(before.widths_per_m, 1e-9)
        most = rules.resize * rules.resize_per_s**span_s
        return near and 1 / most <= ratio <= most
