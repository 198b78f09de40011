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

"""Set-up does what is missing, once, and an interrupted one is never taken for complete."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ros
import steps
import workspace
from support.sources import ROOT

ENVIRON = {"PATH": "/usr/bin"}


def fake_ros(folder: Path) -> dict[str, str]:
    """Lay out a ROS 2 installation's folders; return the variables that sourcing it sets."""
    (folder / "share" / "rclpy").mkdir(parents=True)
    (folder / "share" / "rclpy" / "package.xml").touch()
    (folder / "lib" / "python3.12" / "site-packages" / "rclpy").mkdir(parents=True)
    return {"ROS_DISTRO": "jazzy", "AMENT_PREFIX_PATH": str(folder)}


@pytest.mark.parametrize("script", sorted((ROOT / "tools").glob("*.py")), ids=lambda p: p.stem)
def test_set_up_scripts_run_on_any_python_that_is_around(script: Path) -> None:
    ast.parse(script.read_text(), feature_version=(3, 8))


def test_a_sourced_ros_is_used_with_its_own_python(tmp_path: Path) -> None:
    found = ros.find_sourced_ros(fake_ros(tmp_path / "jazzy"), tmp_path / "project")
    assert found == ("jazzy", tmp_path / "jazzy", "python3.12")


def test_the_projects_own_environment_is_not_taken_for_a_sourced_ros(tmp_path: Path) -> None:
    environ = fake_ros(tmp_path / "project" / ".venv")
    assert ros.find_sourced_ros(environ, tmp_path / "project") is None


def test_wheels_shut_out_what_the_users_shell_has_of_ros(tmp_path: Path) -> None:
    environ = {**ENVIRON, "AMENT_PREFIX_PATH": "/opt/old", "PYTHONPATH": "/opt/old/lib"}
    result = ros.environment_for(tmp_path, "python3.11", None).apply(environ)
    assert "/opt/old" not in result["AMENT_PREFIX_PATH"] + result["PYTHONPATH"]
    assert result["PATH"].endswith(":/usr/bin")


def test_a_sourced_ros_stays_in_reach(tmp_path: Path) -> None:
    sourced = ros.SourcedRos("jazzy", Path("/opt/ros/jazzy"), "python3.12")
    environ = {**ENVIRON, "AMENT_PREFIX_PATH": "/opt/ros/jazzy"}
    result = ros.environment_for(tmp_path, "python3.12", sourced).apply(environ)
    assert result["AMENT_PREFIX_PATH"] == f"{tmp_path}/install/kpm_ros:/opt/ros/jazzy"
    assert "RMW_IMPLEMENTATION" not in result


@pytest.mark.parametrize(
    ("users", "expected"),
    [({}, "LOCALHOST"), ({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}, "SUBNET")],
)
def test_discovery_stays_on_the_machine_unless_the_user_says_otherwise(
    tmp_path: Path, users: dict[str, str], expected: str
) -> None:
    result = ros.environment_for(tmp_path, "python3.11", None).apply({**ENVIRON, **users})
    assert result["ROS_AUTOMATIC_DISCOVERY_RANGE"] == expected


def test_an_older_ros_is_kept_on_the_machine_in_its_own_way(tmp_path: Path) -> None:
    humble = ros.SourcedRos("humble", Path("/opt/ros/humble"), "python3.10")
    result = ros.environment_for(tmp_path, "python3.10", humble).apply(ENVIRON)
    assert result["ROS_LOCALHOST_ONLY"] == "1"


def test_a_shell_gets_the_same_environment_as_a_process(tmp_path: Path) -> None:
    root = tmp_path / "it's a project"
    environment = ros.environment_for(root, "python3.11", None)
    script = (
        environment.as_shell() + f"exec '{sys.executable}' -c 'import os; print(dict(os.environ))'"
    )
    printed = subprocess.run(
        ["sh", "-c", script], env={**ENVIRON, "PYTHONHOME": ""}, capture_output=True, check=True
    )
    shell = ast.literal_eval(printed.stdout.decode())
    process = environment.apply(ENVIRON)
    assert {name: shell.get(name) for name in process} == process


def test_a_half_installed_package_is_forgotten_so_that_pip_repeats_it(tmp_path: Path) -> None:
    def package(name: str, record: str | None) -> Path:
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").touch()
        if record is not None:
            (info / "RECORD").write_text(record)
        return info

    whole = package("whole", "whole-1.0.dist-info/INSTALLER,sha256=x,4\nwhole.py,,\n")
    unpacked = package("unpacked", "unpacked.py,,\nunpacked-1.0.dist-info/METADATA,,\n")
    begun = package("begun", None)
    workspace.forget_half_installed(tmp_path)
    assert whole.is_dir()
    assert not unpacked.exists()
    assert not begun.exists()


def test_a_step_cut_short_leaves_no_stamp(tmp_path: Path) -> None:
    stamp = steps.Stamp(tmp_path / "stamps" / "packages")
    assert stamp.read() == ""
    stamp.write("done for this")
    assert stamp.read() == "done for this"
    stamp.remove()
    assert stamp.read() == ""


def test_a_fingerprint_changes_with_what_files_hold_and_are_called(tmp_path: Path) -> None:
    file = tmp_path / "A.msg"
    keys = set()
    for name, text in (("A.msg", "uint8 a"), ("A.msg", "uint8 b"), ("B.msg", "uint8 b")):
        file = file.rename(tmp_path / name) if file.exists() else tmp_path / name
        file.write_text(text)
        keys.add(steps.fingerprint(steps.contents([file])))
    assert len(keys) == 3
    assert steps.fingerprint(["ab", "c"]) != steps.fingerprint(["a", "bc"])


def test_a_failed_step_shows_the_end_of_its_output_and_where_the_rest_is(tmp_path: Path) -> None:
    log = tmp_path / "log" / "step.log"
    command = ["sh", "-c", "seq 1 100; echo no such package; exit 3"]
    with pytest.raises(steps.StepFailedError) as failure:
        steps.run_logged("Packages", command, log, ENVIRON)
    message = str(failure.value)
    assert "    no such package\n" in message
    assert "    1\n" not in message
    assert str(log) in message
    assert log.read_text().startswith("1\n2\n")


def test_what_was_installed_of_a_removed_file_is_removed(tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept.py", tmp_path / "gone.py"
    installed = tmp_path / "install" / "kpm_ros"
    installed.mkdir(parents=True)
    for file in (kept, gone):
        file.touch()
        (installed / file.name).symlink_to(file)
    gone.unlink()
    workspace.remove_broken_links(tmp_path / "install")
    assert [path.name for path in installed.iterdir()] == ["kept.py"]


@pytest.mark.parametrize(
    ("file", "traces"),
    [("msg/Old.msg", True), ("kpm_ros/nodes/old_node.py", True), ("kpm_ros/sense/old.py", False)],
)
def test_only_files_that_colcon_makes_more_of_cost_a_full_build(file: str, traces: bool) -> None:
    assert workspace.leaves_traces(file) == traces
