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

"""The simulated body beside a walk that others measured, and the files it is read from."""

import numpy as np
import pytest

from kpm_ros.core.foreign_files import ForeignFileError
from kpm_ros.simulate.exerciser import measured_walk
from kpm_ros.simulate.exerciser.opensim_files import read_markers, read_table

HEAD = "Coordinates\nversion=1\ninDegrees={degrees}\nendheader\n"


@pytest.fixture(scope="module")
def folder(shared):
    found = shared / "data" / "body"
    if not found.is_dir():
        pytest.skip(f"the measured walk is not in {found}")
    return found


@pytest.fixture(scope="module")
def study(folder):
    return measured_walk.study(folder)


def test_the_walks_joint_moments_are_those_that_others_worked_out(study):
    assert study.walk_moment_error_fraction < 0.05
    assert all(error < 0.08 for error in study.moment_error_fraction.values())
    assert study.residual_fraction < 0.10


def test_muscles_work_when_the_walkers_emg_says_so(study):
    assert study.walk_emg_correlation > 0.55
    for muscle in ("soleus", "gastrocnemius", "vastus_lateralis", "medial_hamstrings"):
        assert study.emg_correlation[muscle] > 0.7
        assert abs(study.emg_lag_s[muscle]) <= 0.06


def test_the_other_legs_muscles_work_when_a_recording_that_nothing_was_fitted_to_says_so(study):
    alike = study.other_leg_emg_correlation
    assert np.mean(list(alike.values())) > 0.5
    for muscle in ("soleus", "gastrocnemius", "tibialis_anterior", "vastus"):
        assert alike[muscle] > 0.7


def test_the_floors_forces_are_shared_as_force_plates_measured_them(study):
    assert study.force_error_fraction["upward"] < 0.09
    assert study.force_error_fraction["forward"] < 0.07
    assert study.centre_error_m < 0.08


def test_the_walker_is_measured_from_markers(folder):
    walk = measured_walk.load(folder)
    assert walk.person.mass_kg == pytest.approx(84.9, abs=0.3)
    assert 1.7 < walk.person.height_m < 2.0
    assert walk.ground.force[..., 2].max() == pytest.approx(942.0, abs=5.0)


def test_angles_are_read_in_radians_whatever_the_file_says(tmp_path):
    path = tmp_path / "walk.mot"
    rows = "time\tpelvis_tilt\tpelvis_ty\t/jointset/hip_r/hip_flexion_r/value\n"
    rows += "0.0\t90\t1.0\t180\n0.1\t90\t1.0\t180\n"
    path.write_text(HEAD.format(degrees="yes") + rows)
    table = read_table(path)
    assert table.column("pelvis_tilt") == pytest.approx(np.pi / 2)
    assert table.column("pelvis_ty") == pytest.approx(1.0)
    assert table.column("hip_flexion_r") == pytest.approx(np.pi)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("time\ta\n0\t1\n1\t2\n", "endheader"),
        (HEAD.format(degrees="no") + "time\ta\n0\t1\n1\n", "row 2"),
        (HEAD.format(degrees="no") + "time\ta\n1\t1\n0\t2\n", "ascending"),
        (HEAD.format(degrees="no") + "time\ta\n0\tnan\n1\t2\n", "finite"),
        (HEAD.format(degrees="no") + "time\ta\n0\tone\n1\t2\n", "one"),
        (HEAD.format(degrees="no") + "time\n0\n1\n", "columns"),
        (HEAD.format(degrees="no"), "names"),
    ],
)
def test_a_table_that_is_none_is_refused_in_a_sentence(tmp_path, text, says):
    path = tmp_path / "walk.sto"
    path.write_text(text)
    with pytest.raises(ForeignFileError, match=says):
        read_table(path)


def test_markers_in_another_unit_are_refused_in_a_sentence(tmp_path):
    path = tmp_path / "walk.trc"
    path.write_text(
        "PathFileType\t4\t(X/Y/Z)\tw.trc\nDataRate\tUnits\n100\tinch\nFrame#\tTime\tA\n\tX1\tY1\tZ1\n"
        "1\t0.0\t1\t2\t3\n2\t0.1\t1\t2\t3\n"
    )
    with pytest.raises(ForeignFileError, match="inch"):
        read_markers(path)
    path.write_text(path.read_text().replace("inch", "mm"))
    assert read_markers(path)["A"] == pytest.approx(np.tile([0.001, 0.002, 0.003], (2, 1)))
