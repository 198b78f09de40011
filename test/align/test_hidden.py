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

"""Points that are hidden are said to be, for as long as a pose is made of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.align.arrivals import Outcome
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag
from support.senses import FRAME, MS, T0, every, frame, read_stream, streams, view

NEAR, FAR = 0, 1


def seen(number: int, *visibility: float):
    one = frame(T0 + number * FRAME, number)
    return replace(one, visibility=np.array(visibility, np.float32) if visibility else None)


def flags_of(frames, at_ms, needed=(FAR,), **rules):
    pose = PoseStream(view(), PoseRules(**rules), needed)
    for one in frames:
        assert pose.push(one, one.stamp_ns + 15 * MS) is not Outcome.REFUSED
    stamps_ns = T0 + np.round(np.array(at_ms) * MS).astype(np.int64)
    return read_stream(pose, stamps_ns, 4)[1].tolist()


def test_a_line_from_or_to_a_hidden_point_is_a_guess() -> None:
    frames = [seen(0, 1, 1), seen(1, 1, 0.2), seen(2, 1, 1), seen(3, 1, 1)]
    assert flags_of(frames, [8, 24, 40]) == [Flag.HIDDEN, Flag.HIDDEN, 0]


def test_a_pose_that_is_held_stays_a_guess() -> None:
    held = Flag.HELD | Flag.POSE_STALE | Flag.HIDDEN
    assert flags_of([seen(0, 1, 0.2)], [10, 60]) == [held, held]


def test_a_pose_that_goes_on_moving_stays_a_guess() -> None:
    frames = [seen(0, 1, 1), seen(1, 1, 0.2)]
    [flags] = flags_of(frames, [25], extrapolate_s=0.02)
    assert flags == Flag.EXTRAPOLATED | Flag.POSE_STALE | Flag.HIDDEN


@pytest.mark.parametrize(
    ("visibility", "needed", "rules"),
    [
        ((0.2, 1), (FAR,), {}),  # nobody needs the near one
        ((0.2, 0.2), (), {}),
        ((1, 0.2), (FAR,), {"hidden_below": 0.1}),
        ((0, 0), (NEAR, FAR), {"hidden_below": 0.0}),
        ((), (NEAR, FAR), {}),  # the tracker does not tell
    ],
)
def test_what_nobody_needs_may_hide(visibility, needed, rules) -> None:
    frames = [seen(0, *visibility), seen(1, *visibility)]
    assert flags_of(frames, [8], needed, **rules) == [0]


def test_a_visibility_that_is_no_number_is_none() -> None:
    assert flags_of([seen(0, 1, float("nan")), seen(1, 1, 1)], [8]) == [Flag.HIDDEN]


def test_a_visibility_of_another_skeleton_is_refused() -> None:
    pose = PoseStream(view(), PoseRules(), (FAR,))
    assert pose.push(seen(0, 1, 1, 1), T0) is Outcome.REFUSED


def test_the_aligner_asks_each_view_for_its_own_points() -> None:
    config = AlignerConfig(
        streams=streams(("top", "right"), keys=False), rate_hz=1024, needed={"right": (FAR,)}
    )
    found = {}
    for hidden in ("top", "right"):
        aligner = Aligner(config)
        for number in range(20):
            for name in ("top", "right"):
                visibility = np.array([1, 0.1 if name == hidden else 1], np.float32)
                one = replace(seen(number), view=name, visibility=visibility)
                aligner.push_frame(one, one.stamp_ns + 15 * MS)
        chunks = [c for now in every(2 * MS, T0 + 350 * MS) for c in aligner.advance(now)]
        found[hidden] = np.bitwise_or.reduce(np.concatenate([c.flags for c in chunks[:8]]))
    assert found == {"top": 0, "right": Flag.HIDDEN}
