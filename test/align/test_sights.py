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

"""What registered views show together, where some of them show nobody."""

from __future__ import annotations

import numpy as np

from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.align.space import views_of
from kpm_ros.core.flags import Flag
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import KEYBOARD, NEWEST, Landmarks
from kpm_ros.sense.samples import HAND, LandmarkFrame

GAP_NS = 16_000_000


def test_points_grow_older_while_frame_after_frame_shows_nobody() -> None:
    """Even where nobody has asked for an instant between those frames."""
    skeleton = find_skeleton(HAND)
    hand = Landmarks("hand", skeleton, 3, KEYBOARD, timing=NEWEST)
    views = views_of(hand, ["top"], PoseRules(), ())
    points = np.full((len(skeleton), 3), 0.5, np.float32)
    for index in range(12):
        stamp_ns = 1_000_000_000 + index * GAP_NS
        shown = points + np.float32(index / 1000) if index < 6 else None
        frame = LandmarkFrame(
            stamp_ns, "top", index, shown, 1.0, HAND, processed_ns=stamp_ns + 8_000_000
        )
        views.push(frame, stamp_ns + 9_000_000)
    last_seen_ns = 1_000_000_000 + 5 * GAP_NS
    for first in range(0, 5 * GAP_NS, GAP_NS // 2):
        stamps_ns = last_seen_ns + first + np.arange(0, GAP_NS // 2, 1_000_000)
        sights = views.see(stamps_ns)
        assert np.array_equal(sights.age_ns, stamps_ns - last_seen_ns)
    assert (sights.flags & np.uint16(Flag.POSE_STALE)).all()
