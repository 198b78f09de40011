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

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.hand_motion import HandMotion, MotionError
from kpm_ros.motion.scores.published import (
    frechet,
    mean_of,
    score_clip,
    smooth_as_coded,
    transport,
    wgd_as_coded,
    wgd_one_space,
)
from support.movements import movement


def test_a_movement_is_no_distance_from_itself() -> None:
    one = movement(frames=120)
    for scores in score_clip(one, one).values():
        assert np.allclose(scores, 0, atol=1e-6)


def test_shifted_and_wider_gaussians_are_as_far_apart_as_the_formula_says() -> None:
    draw = np.random.default_rng(0)
    rows = draw.normal(size=(400, 4)) * (1.0, 2.0, 0.5, 1.0)
    shift = np.array([0.3, -1.0, 0.0, 2.0])
    wider = rows * 3 + shift
    spread = np.var(rows, axis=0, ddof=1).sum()
    # Of commuting covariances, traces of (3 - 1)^2 times the first.
    moved = wider.mean(axis=0) - rows.mean(axis=0)
    assert frechet(rows, wider) == pytest.approx(moved @ moved + 4 * spread, rel=1e-6)
    assert frechet(rows, wider) == pytest.approx(frechet(wider, rows), rel=1e-9)


def test_as_coded_the_wasserstein_distance_does_not_see_another_place_but_ours_does() -> None:
    rows = np.random.default_rng(1).normal(size=(240, 48)) * 0.1
    shifted = rows + 0.05
    assert wgd_as_coded(rows, shifted) == pytest.approx(0, abs=1e-6)
    assert wgd_one_space(rows, shifted) > 0.1
    assert 0 < wgd_as_coded(rows, rows**2) <= 1
    still = np.zeros((240, 48))
    assert wgd_as_coded(still, still) == 0


def test_transport_takes_the_shortest_ways() -> None:
    ways = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert transport(np.array([0.7, 0.3]), np.array([0.3, 0.7]), ways) == pytest.approx(0.4)


def test_places_are_scored_without_height_as_coded_and_squared_as_written() -> None:
    one = movement(frames=60)
    right = one.hands["right"]
    off = np.float32((0.03, 0.04, 0.12))
    moved = replace(one, hands={**one.hands, "right": replace(right, place=right.place + off)})
    scores = score_clip(one, moved)["right"]
    assert scores.pd_as_coded == pytest.approx(0.05, rel=1e-3)
    assert scores.pd_as_written == pytest.approx(0.13**2, rel=1e-3)
    assert scores.pd_visible == pytest.approx(0.13, rel=1e-3)


def test_only_our_scores_leave_out_what_is_not_visible() -> None:
    one = movement(frames=60)
    right = one.hands["right"]
    gone = np.arange(60) >= 40
    place = np.where(gone[:, None], right.place + np.float32(1.0), right.place)
    hidden = replace(right, visible=~gone, place=np.float32(place))
    scores = score_clip(one, replace(one, hands={**one.hands, "right": hidden}))["right"]
    assert scores.pd_visible == pytest.approx(0, abs=1e-6)
    assert scores.pd_as_coded > 0.4


def test_smoothness_as_coded_is_no_acceleration() -> None:
    times = np.arange(60)[:, None]
    steady, faster = 0.01 * times * np.ones(48), 0.02 * times * np.ones(48)
    assert smooth_as_coded(steady, faster) > 1
    rows = np.repeat(steady[:, :48].reshape(60, 16, 3)[None], 2, 0)
    motions = []
    for scale in (1, 2):
        base = movement(frames=60)
        hands = {
            side: replace(hand, rotations=np.float32(scale * rows[0]))
            for side, hand in base.hands.items()
        }
        motions.append(replace(base, hands=hands))
    found = score_clip(*motions)["left"]
    assert found.smooth_acceleration == pytest.approx(0, abs=1e-5)
    assert found.smooth_as_coded > 1


def test_what_cannot_be_told_of_a_clip_is_left_out_of_the_mean() -> None:
    one = score_clip(movement(frames=60), movement(1, frames=60))["right"]
    unknown = one._replace(pd_visible=float("nan"), fgd_visible=float("nan"))
    found = mean_of([one, unknown, unknown._replace(fgd_as_coded=one.fgd_as_coded + 3)])
    assert found.pd_visible == one.pd_visible
    assert found.fgd_as_coded == pytest.approx(one.fgd_as_coded + 1)


def test_movements_in_different_frames_are_not_compared() -> None:
    one = movement(frames=60)
    other = HandMotion(one.rate_hz, one.hands, frame="camera")
    with pytest.raises(MotionError, match="register the camera"):
        score_clip(one, other)
