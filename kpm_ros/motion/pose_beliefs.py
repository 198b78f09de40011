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

"""What is believed of a hand before it is seen: how it is held, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.anatomy.passive import rest_angles
from kpm_ros.simulate.anatomy.posture import WRIST_JOINTS

Array = NDArray[np.float64]


@dataclass(frozen=True)
class PoseBeliefs:
    """How surely things are known, as standard deviations in metres, radians and seconds."""

    landmark_m: float | Array = 0.004
    """Of a landmark; an array is broadcast to (n, 21, 3), for example where depth is guessed."""
    forearm_rad: tuple[float, float, float] | None = (0.15, 0.03, 0.3)
    """How far the forearm is from level, from palm down and from pointing at the fallboard; what is
    more is the wrist's doing. None: nothing is known of it, and the wrist is held straight."""
    wrist_rad: float = 0.3
    """How far the wrist's joints are from straight."""
    straight_wrist_rad: float = 0.01
    """The same where nothing is known of the forearm."""
    bend_rad: float = 1.0
    """How far joints that bend are from a relaxed hand's."""
    spread_rad: float = 0.35
    """How far joints that spread are from the middle."""
    linked_rad: float = 0.25
    """How far a fingertip's joint is from two thirds of the one before it."""
    place_m_s2: float = 15.0
    """Acceleration of the wrist."""
    turn_rad_s2: float = 60.0
    """Of the forearm's turning."""
    joint_rad_s2: float = 250.0
    """Of joints."""

    def of_joints(self, names: tuple[str, ...]) -> tuple[Array, Array]:
        """Where each joint usually is, and how sure that is, as one over a standard deviation."""
        known = self.forearm_rad is not None
        wrist = self.wrist_rad if known else self.straight_wrist_rad

        def spread(name: str) -> float:
            if name in WRIST_JOINTS:
                return wrist
            return self.spread_rad if "abduction" in name else self.bend_rad

        return rest_angles(names), 1.0 / np.array([spread(name) for name in names])
