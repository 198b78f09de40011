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

"""What a body tracker makes of a simulated exerciser: metres, visibility, and errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.exerciser.body_camera import (
    DISTANCE_M,
    HEIGHT_M,
    drawn_camera,
    usual_camera,
)
from kpm_ros.simulate.exerciser.body_view import BODY_SKELETON, BodyTrackerErrors, TrackedBody
from kpm_ros.simulate.exerciser.figure import Figure

POINTS = BODY_SKELETON.points
FAR_LIMB = [POINTS.index(f"right_{part}") for part in ("elbow", "wrist")]


class Still:
    """Somebody who stands still."""

    def __init__(self, figure: Figure) -> None:
        self.points = figure.points(figure.standing()[None])[0]

    def landmarks(self, times_s: np.ndarray) -> np.ndarray:
        return np.repeat(self.points[None], len(times_s), axis=0)


@pytest.fixture
def still(figure: Figure) -> Still:
    return Still(figure)


def from_the_left() -> SimulatedCamera:
    return replace(usual_camera(), position=(0.0, 3.2, 1.0), look_at=(0.0, 0.0, 0.9))


def test_metres_lie_along_the_cameras_axes_from_the_hips(still: Still):
    frames = TrackedBody(usual_camera(), still, 1, 0).block(0)
    assert frames.metres is not None
    point = dict(zip(POINTS, frames.metres.mean(axis=0), strict=True))
    hips = (point["left_hip"] + point["right_hip"]) / 2
    assert np.abs(hips).max() < 1e-5
    assert point["nose"][1] < -0.4 < 0.6 < point["left_heel"][1]
    # Who looks at the camera has the left hand on the picture's right.
    assert point["left_wrist"][0] > 0.1 > -0.1 > point["right_wrist"][0]


def test_what_the_trunk_hides_is_told_to_be_hidden_and_is_worse(still: Still):
    kept = {}
    for name, camera in (("front", usual_camera()), ("side", from_the_left())):
        view = TrackedBody(camera, still, 1, 0)
        blocks = [view.block(number) for number in range(8)]
        kept[name] = (
            np.concatenate([block.visibility for block in blocks])[:, FAR_LIMB],
            np.concatenate([block.metres for block in blocks])[:, FAR_LIMB].std(axis=0),
        )
    assert kept["front"][0].mean() > 0.9
    assert kept["side"][0].mean() < 0.5
    assert kept["side"][1].mean() > 1.5 * kept["front"][1].mean()


def test_what_leaves_the_picture_is_told_to_be_hidden(still: Still):
    near = replace(usual_camera(), position=(1.4, 0.0, 1.5), look_at=(0.0, 0.0, 1.4))
    frames = TrackedBody(near, still, 1, 0).block(0)
    assert frames.visibility is not None
    feet = [POINTS.index(f"{side}_foot_index") for side in ("left", "right")]
    assert frames.visibility[:, feet].max() < 0.4
    assert frames.visibility[:, POINTS.index("nose")].min() > 0.8


def test_left_and_right_are_mistaken_for_each_other_now_and_then(still: Still):
    wrists = [POINTS.index("left_wrist"), POINTS.index("right_wrist")]

    def mistaken(per_s: float) -> int:
        view = TrackedBody(usual_camera(), still, 1, 0, errors=BodyTrackerErrors(swaps_per_s=per_s))
        across = np.concatenate([view.block(k).metres[:, wrists, 0] for k in range(20)])
        return int((across[:, 0] < across[:, 1]).sum())

    assert mistaken(0.0) == 0
    assert 0 < mistaken(0.5) < 300


def test_some_frames_never_come_and_the_same_ones_each_time(still: Still):
    view = TrackedBody(usual_camera(), still, 1, 0, errors=BodyTrackerErrors(lost_frames=0.2))
    came = np.concatenate([view.delivered(k) for k in range(10)])
    assert 0.6 < came.mean() < 0.95
    assert np.array_equal(came[:30], view.delivered(0))


def test_cameras_stand_within_the_stated_range_and_see_the_person():
    for seed in range(200):
        camera = drawn_camera(seed)
        x, y, z = camera.position
        assert DISTANCE_M[0] - 1e-9 <= np.hypot(x, y) <= DISTANCE_M[1] + 1e-9
        assert HEIGHT_M[0] <= z <= HEIGHT_M[1]
        middle = camera.project(np.array([[[0.0, 0.0, 1.0]]]), root=(0,))[0, 0]
        assert 0.2 < middle[0] < 0.8
        assert 0.2 < middle[1] < 0.8
