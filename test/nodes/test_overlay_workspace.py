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

"""Another package consumes effort in its own workspace, with the messages and the client only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ros
from support.sources import ROOT

pytestmark = [pytest.mark.graph, pytest.mark.timeout(400)]
MESSAGES = ("MuscleEffort.msg", "EffortInfo.msg", "AssistCommand.msg")
"""Those that the packages here use: to build them all takes minutes."""


@pytest.fixture(scope="module")
def environ(domain: int) -> dict[str, str]:
    """Variables of a shell that knows ROS 2, and nothing of this project's own build."""
    sourced = ros.find_sourced_ros(dict(os.environ), ROOT)
    environment = ros.build_environment(ROOT, sourced)
    environment.drop.append("PYTHONPATH")
    environment.set |= {"OMP_NUM_THREADS": "1", "ROS_DOMAIN_ID": str(domain)}
    if sourced is None:
        site = Path(sys.prefix) / "lib" / Path(sys.executable).resolve().name / "site-packages"
        environment.first["LD_LIBRARY_PATH"] += ros.bundled_libraries(site)
        environment.set["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    return environment.apply(dict(os.environ))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory, environ: dict[str, str]) -> Path:
    """A workspace of kpm_ros, its interfaces only, and a consumer; built by colcon."""
    folder = tmp_path_factory.mktemp("workspace")
    package = folder / "src" / "kpm_ros"
    ignored = shutil.ignore_patterns("__pycache__")
    for part in ("cmake", "kpm_ros"):
        shutil.copytree(ROOT / part, package / part, ignore=ignored)
    (package / "msg").mkdir()
    for file in ("CMakeLists.txt", "package.xml", "LICENSE", *(f"msg/{m}" for m in MESSAGES)):
        shutil.copy(ROOT / file, package / file)
    shutil.copytree(ROOT / "test/nodes/consumer", folder / "src" / "effort_consumer")
    shutil.copytree(ROOT / "examples/finger_drive", folder / "src" / "finger_drive")
    command = ["colcon", "build", "--cmake-args", "-DKPM_ROS_ONLY=interfaces"]
    command += ["-DBUILD_TESTING=OFF", f"-DPython3_EXECUTABLE={sys.executable}"]
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


def run(
    workspace: Path, environ: dict[str, str], name: str, package: str = "effort_consumer"
) -> str:
    """Run one of a package's programs with the workspace sourced."""
    program = f"install/{package}/lib/{package}/{name}"
    done = subprocess.run(
        ["sh", "-c", f". install/setup.sh && exec {program}"],
        cwd=workspace,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_what_the_client_needs_is_installed(workspace: Path) -> None:
    installed = {path.name for path in (workspace / "install/kpm_ros").rglob("*.py")}
    assert {"client.py", "polling.py", "_muscle_effort.py"} <= installed
    assert not {"exo_node.py", "kernels.py", "supervisor.py"} & installed
    share = workspace / "install/kpm_ros/share/kpm_ros"
    assert not (share / "config").exists(), "no models"
    assert not (share / "launch").exists()


def test_python_reads_effort_without_any_heavy_package(
    workspace: Path, environ: dict[str, str]
) -> None:
    assert run(workspace, environ, "read_effort.py") == "('ADM', 'PB') [0.25, 0.5]\n"


def test_cpp_finds_the_messages_by_find_package_alone(
    workspace: Path, environ: dict[str, str]
) -> None:
    assert "index: 7\n" in run(workspace, environ, "print_effort")


def test_a_drive_in_cpp_holds_what_the_example_promises(
    workspace: Path, environ: dict[str, str]
) -> None:
    assert run(workspace, environ, "check_holding", "finger_drive").endswith("promises held\n")
