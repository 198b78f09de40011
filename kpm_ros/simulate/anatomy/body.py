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

"""The hand's bones and joints: MyoHand as one person's right hand in the piano's frame.

MyoHand (myo-sim) is a published musculoskeletal hand with 23 joints and 39 muscles. A posture is
the wrist's place in the piano's frame (x right, y to the fallboard, z up, in metres) followed by
the joints' angles in MuJoCo's order, in radians.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kpm_ros.simulate.anatomy.chain import Chain, Placement
from kpm_ros.simulate.anatomy.corrections import Corrections
from kpm_ros.simulate.anatomy.model import build_model
from kpm_ros.simulate.hand import FINGER_POINTS, HAND_SKELETON, WRIST
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.products import Array, applied, product

WRIST_BODY = "lunate_r"
"""The body whose origin is the wrist landmark."""
LANDMARK_BODIES = (
    WRIST_BODY,
    *("firstmc_r", "proximal_thumb_r", "distal_thumb_r"),
    *(name for f in "2345" for name in (f"{f}proxph_r", f"midph{f}_r", f"distph{f}_r")),
)
TIP_SITES = ("THtip_r", "IFtip_r", "MFtip_r", "RFtip_r", "LFtip_r")
PLACE = 3
"""How many numbers of a posture say where the wrist is; the angles follow."""
TO_PIANO = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
"""The model's x is distal, y radial, z dorsal; its forearm points at the fallboard, palm down."""


class Body:
    """One person's hand: joints, their limits, and where landmarks are in any posture."""

    def __init__(self, person: Person, corrections: Corrections | None = None) -> None:
        """Build the hand at this person's size."""
        self.person = person
        self.corrections = Corrections() if corrections is None else corrections
        self.model: Any = build_model(person, self.corrections)
        model = self.model
        self.joint_names = tuple(model.joint(k).name for k in range(model.njnt))
        self.ranges: Array = np.array(model.jnt_range)
        self.muscle_names = tuple(model.actuator(k).name for k in range(model.nu))
        self.chain = Chain(model)
        self.wrist = int(model.body(WRIST_BODY).id)
        tips = [int(model.site(name).id) for name in TIP_SITES]
        self._tip_body = [int(model.site_bodyid[site]) for site in tips]
        self._tip_offset = [np.array(model.site_pos[site])[:, None] for site in tips]
        self._landmark_body = [int(model.body(name).id) for name in LANDMARK_BODIES]

    def landmarks(self, posture: Array) -> Array:
        """Place the landmarks in the piano's frame: (n, points, 3) for postures (n, 26)."""
        placed = self.chain.place(posture[:, PLACE:])
        points = np.empty((len(HAND_SKELETON), 3, len(posture)))
        points[WRIST] = placed.origin[self._landmark_body[0]]
        for finger, tip in enumerate(self._tips(placed)):
            first = 1 + 3 * finger
            bodies = self._landmark_body[first : first + 3]
            *joints, end = FINGER_POINTS[finger]
            points[joints] = placed.origin[bodies]
            points[end] = tip
        return self._in_piano(posture, placed, points)

    def tips(self, posture: Array) -> Array:
        """Place the fingertips in the piano's frame: (n, 5, 3)."""
        placed = self.chain.place(posture[:, PLACE:])
        return self._in_piano(posture, placed, np.stack(self._tips(placed)))

    def tip_jacobians(self, posture: Array) -> Array:
        """How the fingertips move with each number of a posture: (n, 5, 3, 26)."""
        placed = self.chain.place(posture[:, PLACE:])
        tips = self._tips(placed)
        out = np.zeros((len(posture), len(tips), 3, posture.shape[1]))
        out[..., :PLACE] = np.eye(PLACE)
        held = self.chain.moves(self.wrist)
        for finger, tip in enumerate(tips):
            for joint in np.flatnonzero(self.chain.moves(self._tip_body[finger])):
                foot = placed.origin[self.chain.joint_body[joint]]
                arm = tip - (placed.origin[self.wrist] if held[joint] else foot)
                x, y, z = self.chain.axis(placed, joint)
                along_x, along_y, along_z = arm
                # The cross product of axis and arm, turned into the piano's frame.
                out[:, finger, 0, PLACE + joint] = x * along_z - z * along_x
                out[:, finger, 1, PLACE + joint] = y * along_z - z * along_y
                out[:, finger, 2, PLACE + joint] = x * along_y - y * along_x
        return out

    def _tips(self, placed: Placement) -> list[Array]:
        """Place the fingertips in the model's frame: (3, n) each."""
        return [
            placed.origin[body] + applied(placed.rotation[body], offset)
            for body, offset in zip(self._tip_body, self._tip_offset, strict=True)
        ]

    def _in_piano(self, posture: Array, placed: Placement, points: Array) -> Array:
        """Turn points (k, 3, n) of the model's frame into the piano's: (n, k, 3).

        The wrist is then where it is to be.
        """
        relative = (points - placed.origin[self.wrist]).transpose(1, 0, 2)
        turned = product(TO_PIANO[..., None], relative) + posture[:, :PLACE].T[:, None]
        return np.ascontiguousarray(turned.transpose(2, 1, 0))
