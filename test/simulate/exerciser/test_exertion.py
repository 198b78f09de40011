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

"""What movements take: weight on the feet, and muscles in the direction and order of textbooks."""

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES
from kpm_ros.simulate.exerciser.exertion import exert
from kpm_ros.simulate.exerciser.figure import COORDINATES, Figure
from kpm_ros.simulate.exerciser.mechanics import MUSCLES, RATE_HZ
from kpm_ros.simulate.exerciser.surface_emg import surface_of

FEW = 12


def held(figure, *, on=("l", "r"), **angles):
    """Somebody who holds still with these angles, and with the soles in `on` below the hips."""
    q = figure.standing()
    for name, value in angles.items():
        q[COORDINATES.index(name)] = value
    soles = figure.soles(q[None])[0][["lr".index(side) for side in on]]
    q[2] -= np.sort(soles[..., 2].ravel())[: 4 * len(on)].mean()
    return np.repeat(q[None], FEW, axis=0)


def taken(figure, q, *, on=("l", "r")):
    """Exertion of a posture that is held with the weight just over the feet that stand."""
    contacts = np.tile([float("l" in on), float("r" in on)], (len(q), 1))
    return exert(figure, q, RATE_HZ, contacts)


def surface(found, name):
    return float(found.surface[len(found.surface) // 2, SURFACE_MUSCLES.index(name)])


def muscle(found, name):
    return float(found.activation[len(found.activation) // 2, MUSCLES.index(name)])


def squat(figure, knee):
    """Sit down so far that the knees are bent by `knee`, the trunk leaning over the feet."""
    ankle = 0.42 * knee
    lean = 0.36 * knee
    both = {
        f"{name}_{side}": value
        for side in "lr"
        for name, value in (
            ("knee", knee),
            ("ankle", ankle),
            ("hip_flexion", knee - ankle + lean),
        )
    }
    return held(figure, pelvis_tilt=-lean, **both)


def test_the_floor_carries_somebody_who_stands_still_on_both_feet_alike(figure):
    found = taken(figure, held(figure))
    weight = figure.person.mass_kg * 9.81
    assert found.ground.force.sum(axis=1)[:, 2] == pytest.approx(weight, rel=1e-3)
    assert np.abs(found.residual).max() < 0.005 * weight
    assert found.ground.force[:, 0, 2] == pytest.approx(found.ground.force[:, 1, 2], rel=0.02)


def test_a_foot_that_is_lifted_carries_nothing_and_the_other_hip_holds_the_pelvis(figure):
    # The pelvis is shifted over the left foot.
    angles = {"pelvis_list": -0.02, "hip_adduction_l": 0.10, "hip_flexion_r": 0.6, "knee_r": 1.0}
    found = taken(figure, held(figure, on=("l",), **angles), on=("l",))
    assert np.all(found.ground.force[:, 1] == 0.0)
    assert np.all(np.isnan(found.ground.centre[:, 1]))
    assert muscle(found, "glmed1_l") > 5 * muscle(found, "glmed1_r")
    assert found.moment[FEW // 2, COORDINATES.index("hip_adduction_l")] < -10.0


def test_what_one_foot_cannot_hold_is_reported_and_not_hidden(figure):
    found = taken(figure, held(figure, on=("l",)), on=("l",))
    assert np.abs(found.residual[:, 3]).min() > 10.0
    needed = found.zero_moment_point[FEW // 2, 1]
    assert needed < found.ground.centre[FEW // 2, 0, 1] - 0.02


def test_in_flight_nothing_pushes_and_nothing_is_needed(figure):
    times = np.arange(40) / RATE_HZ
    q = np.repeat(figure.standing()[None], len(times), axis=0)
    q[:, 2] += 0.2 + 2.0 * times - 0.5 * 9.81 * times**2
    found = exert(figure, q, RATE_HZ, cutoff_hz=50.0)
    inside = slice(5, -5)
    assert np.all(found.ground.force[inside] == 0.0)
    weight = figure.person.mass_kg * 9.81
    assert np.abs(found.residual[inside, :3]).max() < 0.01 * weight


def test_feet_that_stand_wide_push_outwards_within_what_friction_holds(figure):
    wide = {f"hip_adduction_{side}": -0.45 for side in "lr"}
    force = taken(figure, held(figure, **wide)).ground.force[FEW // 2]
    assert force[0, 1] < -5.0
    assert force[1, 1] == pytest.approx(-force[0, 1], rel=0.05)
    assert np.all(np.hypot(force[:, 0], force[:, 1]) <= 0.8 * force[:, 2])


def test_a_squat_loads_the_quadriceps_the_more_the_deeper_it_is(figure):
    depths = [taken(figure, squat(figure, knee)) for knee in (0.3, 0.9, 1.5)]
    quads = [surface(found, "LQuad") for found in depths]
    assert quads[0] < quads[1] < quads[2]
    deep = depths[-1]
    assert surface(deep, "LQuad") > surface(deep, "LHam")
    assert muscle(deep, "vaslat_l") > muscle(deep, "recfem_l")
    assert muscle(deep, "glmax2_l") > muscle(depths[0], "glmax2_l")
    assert surface(deep, "LQuad") == pytest.approx(surface(deep, "RQuad"), rel=0.1)


def test_a_leg_held_back_loads_hamstrings_and_buttock_of_that_leg_and_not_its_quadriceps(figure):
    # The trunk leans forwards over the other foot.
    back = {"pelvis_tilt": -0.5, "hip_flexion_r": 0.5, "hip_flexion_l": -0.35, "knee_l": 0.1}
    found = taken(figure, held(figure, on=("r",), **back), on=("r",))
    assert surface(found, "LHam") > 2 * surface(found, "LQuad")
    still = taken(figure, held(figure))
    assert surface(found, "LHam") > 3 * surface(still, "LHam")
    assert muscle(found, "glmax2_l") > 3 * muscle(still, "glmax2_l")


def test_a_bent_heel_loads_the_hamstrings(figure):
    bent = held(figure, on=("r",), knee_l=1.4)
    straight = held(figure, on=("r",))
    first, second = (surface(taken(figure, q, on=("r",)), "LHam") for q in (bent, straight))
    assert first > 2 * second


def test_a_straight_leg_held_forwards_loads_its_quadriceps_and_not_its_hamstrings(figure):
    forwards = held(figure, on=("r",), hip_flexion_l=1.0, knee_l=0.1)
    found = taken(figure, forwards, on=("r",))
    assert surface(found, "LQuad") > 8 * surface(found, "LHam")


@pytest.mark.parametrize(
    ("muscle", "seen"),
    [("vaslat_l", "LQuad"), ("bflh_r", "RHam"), ("LAT2_l", "LLat"), ("BIClong", "RBicep")],
)
def test_an_electrode_sees_its_own_muscle_and_others_see_crosstalk_at_most(muscle, seen):
    only = np.zeros((1, len(MUSCLES)))
    only[0, MUSCLES.index(muscle)] = 1.0
    shown = dict(zip(SURFACE_MUSCLES, surface_of(only, 0.06)[0], strict=True))
    own = shown.pop(seen)
    assert own >= 0.3
    assert max(shown.values()) < 0.03


def test_a_curl_loads_the_biceps_of_that_arm_and_not_its_triceps(figure):
    figure = Figure(replace(figure.person, cocontraction=0.005))
    found = taken(figure, held(figure, elbow_r=1.4, pronation_r=-1.2))
    hanging = taken(figure, held(figure))
    assert surface(found, "RBicep") > 2 * surface(hanging, "RBicep")
    assert surface(found, "RBicep") > 4 * surface(found, "RTricep")
    assert muscle(found, "BRA") > 4 * muscle(hanging, "BRA")
    assert surface(found, "LBicep") == pytest.approx(surface(hanging, "LBicep"), rel=0.1)


def test_an_arm_held_overhead_with_a_bent_elbow_loads_the_triceps(figure):
    over = {"shoulder_plane_l": 1.2, "shoulder_elevation_l": 2.6, "elbow_l": 1.3}
    found = taken(figure, held(figure, **over))
    assert surface(found, "LTricep") > 2 * surface(found, "RTricep")
    assert surface(found, "LTricep") > surface(found, "LBicep")


def test_a_raised_arm_loads_the_deltoid_and_a_hard_pull_down_the_latissimus(figure):
    times = np.arange(60) / RATE_HZ
    up = np.repeat(held(figure)[:1], len(times), axis=0)
    # From overhead down to the side within 0.3 s, and the other way round.
    part = np.clip((times - 0.15) / 0.3, 0.0, 1.0)
    eased = part**3 * (10.0 - 15.0 * part + 6.0 * part**2)
    elevation = COORDINATES.index("shoulder_elevation_l")
    down = up.copy()
    down[:, elevation] = 2.4 - 2.2 * eased
    up[:, elevation] = 0.2 + 2.2 * eased
    began = slice(15, 30)
    pulling, raising = (exert(figure, q, RATE_HZ, cutoff_hz=15.0) for q in (down, up))
    lat, deltoid = (MUSCLES.index(name) for name in ("LAT2_l", "DELT2_l"))
    assert pulling.activation[began, lat].max() > 3 * raising.activation[began, lat].max()
    assert raising.activation[began, deltoid].max() > 3 * pulling.activation[began, lat].min()
    shown = SURFACE_MUSCLES.index("LLat")
    assert pulling.surface[:, shown].max() > 2 * raising.surface[began, shown].max()


def test_electricity_is_ahead_of_force_by_the_persons_delay(figure):
    q = np.concatenate(
        [squat(figure, knee)[:1] for knee in 0.9 - 0.6 * np.cos(2 * np.pi * np.arange(150) / 150)]
    )
    found = exert(figure, q, RATE_HZ)
    own = MUSCLES.index("vaslat_l")
    force, electricity = found.activation[:, own], found.excitation[:, own]
    lags = range(0, 15)
    alike = [np.corrcoef(electricity[20:120], force[20 + lag : 120 + lag])[0, 1] for lag in lags]
    delay = np.argmax(alike) / RATE_HZ
    assert delay == pytest.approx(figure.person.electromechanical_delay_s, abs=0.015)


def test_a_stronger_person_uses_less_of_the_maximum_for_the_same(figure):
    strong = Figure(replace(figure.person, strength=1.5))
    weak_quad = surface(taken(figure, squat(figure, 1.2)), "LQuad")
    assert surface(taken(strong, squat(strong, 1.2)), "LQuad") < 0.8 * weak_quad
