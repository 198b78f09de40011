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

"""Camera frames drawn onto the grid."""

from __future__ import annotations

import numpy as np

from kpm_ros.learn.recordings.drawing import at_true_times, pinned

FRAMES = np.array([[0.0], [1.0], [3.0]], np.float32)


def test_pose_is_drawn_out_by_straight_lines_with_both_ends_pinned():
    assert pinned(FRAMES, 5)[:, 0].tolist() == [0.0, 0.5, 1.0, 2.0, 3.0]


def test_a_frame_stands_at_its_own_time_and_the_last_one_is_held():
    pose = at_true_times(FRAMES, 0, 60)[:, 0]
    before, after = int(1024 / 60), int(1024 / 60) + 1
    assert pose[before] < 1.0 < pose[after]
    assert (pose[round(2 * 1024 / 60) + 1 :] == 3.0).all()


def test_a_part_is_drawn_as_it_is_within_the_whole():
    assert np.array_equal(at_true_times(FRAMES, 7, 20), at_true_times(FRAMES, 0, 60)[7:27])
