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

"""Points and segments that BodyNet tells a body by, and where its features lie.

The side that is described comes first, then the other one. Lengths are in units of the body's own
size: trunk, thigh and shank together.
"""

from __future__ import annotations

import numpy as np

SHOULDER, ELBOW, WRIST, HIP, KNEE, ANKLE, HEEL, TOE = range(8)
"""Points of the side that is described."""
SIDE = 8
"""So much further on are those of the other side."""
HEAD, MID_HIP, MID_SHOULDER = 16, 17, 18
TRACKED, POINTS = 17, 19
"""Points that are given; and with the middles, which are found."""

UPPER_ARM, FOREARM, THIGH, SHANK, FOOT = range(5)
LIMBS = 5
TRUNK, SEGMENTS = 10, 11
"""A side's limbs, the other side's, the trunk."""
_LIMBS = ((SHOULDER, ELBOW), (ELBOW, WRIST), (HIP, KNEE), (KNEE, ANKLE), (HEEL, TOE))
STARTS = np.array([*(a for a, _ in _LIMBS), *(a + SIDE for a, _ in _LIMBS), MID_HIP])
ENDS = np.array([*(b for _, b in _LIMBS), *(b + SIDE for _, b in _LIMBS), MID_SHOULDER])
"""Both ends of each segment, the nearer one first."""

_INNER, _OUTER = (UPPER_ARM, THIGH, SHANK, UPPER_ARM, THIGH), (FOREARM, SHANK, FOOT, TRUNK, TRUNK)
JOINTS = 2 * len(_INNER)
INNER = np.array([*_INNER, *(one + LIMBS for one in _INNER)])
OUTER = np.array([*_OUTER, *(one if one == TRUNK else one + LIMBS for one in _OUTER)])
"""Segments that meet at elbow, knee and ankle, and those that move against the trunk."""

_MASSES = (0.028, 0.022, 0.1, 0.0465, 0.0145)
"""Of a side's limbs with what is beyond the wrist, as parts of the body's (Winter)."""
_CENTRES = (0.436, 0.682, 0.433, 0.433, 0.5)
"""Of their masses, from the nearer end on."""
MASSES = np.array([*_MASSES, *_MASSES, 1 - 2 * sum(_MASSES)], np.float32)
CENTRES = np.array([*_CENTRES, *_CENTRES, 0.66], np.float32)
"""The trunk's are those of trunk and head, which reach above the shoulders."""

GRAVITY = 7.2
"""In body sizes a second squared: the size of somebody 1.75 m tall is 1.36 m."""
TOUCHES = 0.06
"""A foot this much higher than the lowest one does not stand on the ground."""
MOST_PUSH = 1.5
"""Largest acceleration of the whole body that is believed, relative to gravity."""
FASTEST = 3.0
"""Largest acceleration of a point that is believed, relative to gravity."""
SMALLEST_SIZE_M = 0.1
"""Nobody is smaller: points that lie together are no body."""

LOADS = 31
"""Features of how a body stands and what its joints carry."""
MOMENTS = 6
"""Joints whose moments come first among them: ankle, knee, hip, elbow, shoulder, waist."""
POSTURE = 3 * 3 * TRACKED + 3 * SEGMENTS + 3 * JOINTS
"""Features of points, segments and joints, ahead of those."""
FEATURES = POSTURE + 2 * LOADS
"""Numbers that describe a body from one side."""
