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

"""The simulated exerciser's figure: size, mass, and the signs of its coordinates."""

import numpy as np
import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.simulate.exerciser.exercising_person import ExercisingPerson
from kpm_ros.simulate.exerciser.figure import COORDINATES, Figure

POINTS = find_skeleton("mediapipe-body").points


def moved(figure, **turned):
    """Points of somebody who stands with some coordinates changed."""
    q = figure.standing()
    for name, value in turned.items():
        q[COORDINATES.index(name)] = value
    return dict(zip(POINTS, figure.points(q[None])[0], strict=True))


def test_a_person_is_as_tall_and_heavy_as_asked_for_and_the_same_on_both_sides():
    figure = Figure(ExercisingPerson(height_m=1.60, body_mass_index=22.0, thigh_length=1.1))
    points = figure.points(figure.standing()[None])[0]
    assert figure.model.body_mass.sum() == pytest.approx(figure.person.mass_kg)
    assert 1.40 < points[POINTS.index("nose"), 2] < 1.55
    mirror = find_skeleton("mediapipe-body").mirrored()
    assert np.allclose(points, points[list(mirror)] * (1, -1, 1), atol=2e-3)
    assert np.allclose(figure.soles(figure.standing()[None])[..., 2], 0.0, atol=2e-3)


@pytest.mark.parametrize(
    ("name", "angle", "point", "axis", "sign"),
    [
        ("pelvis_tilt", 0.3, "nose", 0, -1),
        ("pelvis_list", 0.3, "nose", 1, -1),
        ("pelvis_rotation", 0.3, "left_shoulder", 0, -1),
        ("lumbar_extension", 0.3, "nose", 0, -1),
        ("lumbar_bending", 0.3, "nose", 1, -1),
        ("lumbar_rotation", 0.3, "left_shoulder", 0, -1),
        ("hip_flexion_l", 0.3, "left_knee", 0, 1),
        ("hip_adduction_l", 0.3, "left_knee", 1, -1),
        ("hip_rotation_l", 0.3, "left_foot_index", 1, -1),
        ("hip_rotation_r", 0.3, "right_foot_index", 1, 1),
        ("knee_r", 0.3, "right_ankle", 0, -1),
        ("ankle_r", 0.3, "right_foot_index", 2, 1),
        ("shoulder_elevation_l", 1.5, "left_elbow", 1, 1),
        ("elbow_r", 1.5, "right_wrist", 0, 1),
        ("pronation_r", 1.5, "right_thumb", 0, -1),
    ],
)
def test_every_coordinate_turns_the_way_its_description_says(
    figure, name, angle, point, axis, sign
):
    move = moved(figure, **{name: angle})[point] - moved(figure)[point]
    assert sign * move[axis] > 0.02
