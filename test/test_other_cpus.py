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

"""What docs/reproducibility.md promises of equal bits and numbers, with several kinds of CPU."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.other_cpus import CPUS, Cpu

pytest.importorskip("mujoco", reason="MuJoCo is not installed")
pytest.importorskip("myo_sim", reason="myo-sim is not installed")

ROOT = Path(__file__).resolve().parent.parent
SAME_BITS = (
    "align/test_pose.py::test_reading_bit_by_bit_gives_what_reading_at_once_does",
    "sense/midi/test_key_depth.py::test_any_split_of_the_sampling_gives_the_same_bits",
    "sense/tracking/test_cleanup.py::test_live_output_follows_from_the_past_alone",
    "act/test_assistance.py::test_the_size_of_batches_makes_no_difference_to_the_bit",
    "simulate/test_pianist.py::test_any_split_of_the_times_gives_the_same_bits",
    "simulate/test_session.py::test_any_split_of_the_time_delivers_the_same",
    "simulate/test_electrodes.py::test_a_block_is_the_same_asked_alone_or_in_turn",
    "simulate/anatomy/test_posture.py::test_any_split_of_the_times_gives_the_same_bits",
)
"""Tests of equal bits on one machine whose arithmetic is NumPy's or BLAS's, in pytest's words."""
APART = {
    "grid_pose": 0.0,
    "grid_keys": 0.0,
    "effort": 1e-5,
    "people": 0.0,
    "keyp_top": 1e-6,
    "keyp_right": 1e-6,
    "keystroke_data": 1e-6,
    "emg_data": 1e-5,
}
"""How far numbers of one CPU may be from another's."""


@pytest.fixture(scope="module")
def numbers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, np.ndarray]]:
    """Numbers by kind of CPU, as they come in."""
    return {}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("cpu", CPUS, ids=lambda cpu: cpu.kernels)
def test_equal_bits_are_equal_with_every_kind_of_cpu_and_numbers_nearly_so(
    cpu: Cpu, numbers: dict[str, dict[str, np.ndarray]], tmp_path: Path
) -> None:
    if cpu.missing:
        pytest.skip(cpu.missing)
    target = tmp_path / "numbers.npz"
    tests = [f"test/{name}" for name in SAME_BITS]
    command = [sys.executable, "-m", "support.same_work", str(target), *tests]
    environment = cpu.environment | {"PYTHONPATH": str(ROOT / "test")}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load(target) as found:
        assert found["kernels"].tolist() == [cpu.kernels]
        numbers[cpu.kernels] = {name: found[name] for name in APART}
    for other in numbers.values():
        for name, most in APART.items():
            mine = numbers[cpu.kernels][name]
            apart = np.abs(mine - other[name]).max()
            assert apart <= most, f"{name} is {apart:g} apart"
