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

"""A hand with anatomy: the joint angles that put MyoHand's fingertips where they are wanted.

The wrist is held as its owner holds it; what palm and fingertips are led to then leaves each finger
one posture, which `reach` finds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.keyboard import WHITE_WIDTH_M
from kpm_ros.simulate.anatomy.body import PLACE, TO_PIANO, Body
from kpm_ros.simulate.anatomy.reach import Finger
from kpm_ros.simulate.anatomy.reach_table import ReachTable
from kpm_ros.simulate.hand import FINGER_POINTS, FINGERS
from kpm_ros.simulate.products import Array, applied, cross_matrix, product

WRIST_JOINTS = ("pro_sup_r", "deviation_r", "flexion_r")
_FINGER_JOINTS = (
    ("cmc_flexion_r", "cmc_abduction_r", "mp_flexion_r", "ip_flexion_r"),
    *(
        (f"mcp{f}_flexion_r", f"mcp{f}_abduction_r", f"pm{f}_flexion_r", f"md{f}_flexion_r")
        for f in "2345"
    ),
)
_KNUCKLE = 2
"""Of the middle finger: its first joint is the palm."""
_PALM_Z_M = 0.055
_PRONATION_RAD = 0.15
"""The forearm is turned further in than palm down, so that the weak side of the hand stands up."""
_BEND_RAD = np.array([-0.40, 0.75, 0.80, 0.75, 0.60])
"""The third joint of each relaxed finger on its key."""
_CURVATURE_RAD = np.array([-0.05, 0.12, 0.12, 0.12, 0.12])
_CURVED_HIGHER_M = 0.005
_MARGIN_RAD = 0.02
"""Joints are led to stay this far within their limits, which leaves room for smoothing."""
_REST_KNUCKLE_RAD = 0.5
_THUMB_REST_RAD = (0.0, 0.0, -0.40, -0.35)
_LAST_BEND = np.array([1.0, 2 / 3, 2 / 3, 2 / 3, 2 / 3])
"""The last joint bends with the one before it; of the fingers, by two thirds of it."""
_SPREAD_TOUCH_M = np.array(
    [
        [0.006, 0.0, 0.0],
        [0.003, 0.0, 0.0],
        [0.0, 0.0, 0.0],
        [-0.003, 0.008, 0.0],
        [-0.006, 0.019, 0.0],
    ]
)
"""A spread hand touches keys on their inner side, and with the little finger further in."""
_WRIST_FOLLOWS = 0.5
"""How much of the palm's rise and fall turns the hand about the wrist instead of lifting it."""


class AnatomicalHand:
    """MyoHand led by palm and fingertips; its posture is the wrist's place and 23 joint angles."""

    def __init__(self, body: Body) -> None:
        """Find how this body's fingers lie on five neighbouring white keys."""
        self.body = body
        person = body.person
        self.height_m = _PALM_Z_M * (0.6 + 0.4 * person.hand_size)
        self.height_m += _CURVED_HIGHER_M * person.curvature
        self.spread_touch_m = _SPREAD_TOUCH_M
        anywhere = np.repeat([[-np.inf, np.inf]], PLACE, axis=0)
        self.limits = np.concatenate([anywhere, body.ranges])
        index = {name: PLACE + k for k, name in enumerate(body.joint_names)}
        self._wrist_columns = [index[name] for name in WRIST_JOINTS]
        self._columns = [[index[name] for name in names] for names in _FINGER_JOINTS]
        self._bend = _BEND_RAD + _CURVATURE_RAD * person.curvature
        self._measure()
        self._wrist_rest = np.array(
            [_PRONATION_RAD, -person.wrist_deviation_rad, -person.wrist_extension_rad]
        )
        self.natural = self._natural()
        self._table = ReachTable(self._fingers, self._at_rest(self.natural))

    def stretch(
        self, palm: Array, fingers: NDArray[np.int64], tips: Array, bent_rad: float = 0.0
    ) -> Array:
        """How far fingers (..., k) are stretched or spread, 1 = as far as they go: (..., k)."""
        flat = palm.reshape(-1, 3)
        turned = self._turned(self._wrist(flat, bent_rad))
        points = self._seen(flat, tips.reshape(-1, *tips.shape[-2:]), turned)
        return self._table.stretch(fingers, points.reshape(tips.shape))

    def posture(self, palm: Array, tips: Array, bent_rad: Array | float = 0.0) -> Array:
        """(n, 26): wrist and joints that put palm (n, 3) and tips (n, fingers, 3) there."""
        posture = np.zeros((len(palm), PLACE + len(self.body.joint_names)))
        wrist = self._wrist(palm, bent_rad)
        turned = self._turned(wrist)
        posture[:, :PLACE] = palm - applied(turned, self._knuckle[:, None]).T
        posture[:, self._wrist_columns] = wrist
        points = self._seen(palm, tips, turned)
        for finger, columns in enumerate(self._columns):
            start = self._table.angles(finger, points[:, finger])
            reached = self._fingers[finger].reach(points[:, finger], start)
            posture[:, columns] = reached.angles
        return posture

    def landmarks(self, posture: Array) -> Array:
        """(n, points, 3) in metres, in the skeleton's order."""
        return self.body.landmarks(posture)

    def _measure(self) -> None:
        """Read wrist and fingers off the body, in the hand's frame: the wrist's, joints at zero."""
        body = self.body
        joints = len(body.joint_names)
        placed = body.chain.place(np.zeros((1, joints)))
        axes = np.array([body.chain.axis(placed, k)[:, 0] for k in range(joints)]) @ TO_PIANO.T
        landmarks = body.landmarks(np.zeros((1, PLACE + joints)))[0]
        limits = body.ranges + _MARGIN_RAD * np.array([1.0, -1.0])
        self._wrist_axes = axes[np.array(self._wrist_columns) - PLACE]
        self._fingers = []
        for finger, columns in enumerate(self._columns):
            own = np.array(columns) - PLACE
            chain = FINGER_POINTS[finger]
            # The first two joints are one.
            points = landmarks[[chain[0], *chain]]
            bend, last = self._bend[finger], _LAST_BEND[finger]
            rest = np.array([_REST_KNUCKLE_RAD, 0.0, bend, last * bend])
            if finger == 0:
                rest = np.array(_THUMB_REST_RAD)
            made = Finger(points[0], axes[own], np.diff(points, axis=0), limits[own], rest, last)
            self._fingers.append(made)
        self._knuckle = self._fingers[_KNUCKLE].root

    def _natural(self) -> Array:
        """Tips on five neighbouring white keys, as far ahead as their preferred bend takes them."""
        ahead = np.arange(-0.02, 0.09, 0.0005)
        natural = np.empty((FINGERS, 3))
        for finger, made in enumerate(self._fingers):
            across = (finger - _KNUCKLE) * WHITE_WIDTH_M
            tips = np.stack(np.broadcast_arrays(across, ahead, -self.height_m), axis=1)
            reached = made.reach(self._at_rest(tips))
            off = np.abs(reached.angles[:, 2] - made.rest[2]) + 100.0 * reached.miss_m
            natural[finger] = tips[int(off.argmin())]
        return natural

    def _at_rest(self, tips: Array) -> Array:
        """Points (n, 3) relative to a palm at rest, in the hand's frame."""
        palm = np.array([[0.0, 0.0, self.height_m]])
        return self._seen(palm, (palm + tips)[None], self._turned(self._wrist(palm)))[0]

    def _seen(self, palm: Array, points: Array, turned: Array) -> Array:
        """Points (n, k, 3) in the frame of a hand that is turned (3, 3, n): (n, k, 3)."""
        relative = (points - palm[:, None]).transpose(1, 2, 0)
        return product(relative, turned).transpose(2, 0, 1) + self._knuckle

    def _wrist(self, palm: Array, bent_rad: Array | float = 0.0) -> Array:
        """Angles of the wrist's three joints: (n, 3)."""
        angles = np.repeat(self._wrist_rest[None], len(palm), axis=0)
        fallen = self.height_m - palm[:, 2]
        angles[:, 2] += _WRIST_FOLLOWS * fallen / np.linalg.norm(self._knuckle) + bent_rad
        return angles

    def _turned(self, wrist: Array) -> Array:
        """How the hand is turned by its wrist: (3, 3, n)."""
        turned = np.broadcast_to(np.eye(3)[..., None], (3, 3, len(wrist)))
        for axis, angle in zip(self._wrist_axes, wrist.T, strict=True):
            cross = cross_matrix(axis)[..., None]
            around = np.sin(angle) * cross + (1 - np.cos(angle)) * product(cross, cross)
            turned = product(turned, np.eye(3)[..., None] + around)
        return turned
