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

"""Set-up names what a machine lacks, and the command that installs it, before it does anything."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import machine
from support.sources import ROOT

TOOLS = ("cmake", "cc", "gcc", "c++", "g++", "make")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with nothing in it but the set-up scripts, and a space in its name."""
    folder = tmp_path / "a project"
    folder.mkdir()
    shutil.copytree(ROOT / "tools", folder / "tools")
    return folder


def path_without(folder: Path, *missing: str) -> str:
    """Make a search path that has the tools of this machine, less some."""
    binaries = folder / "binaries"
    binaries.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        if found and tool not in missing:
            (binaries / tool).symlink_to(found)
    return str(binaries)


def check(project: Path, path: str, python: str = sys.executable) -> subprocess.CompletedProcess:
    """Run set-up as far as its look at the machine."""
    return subprocess.run(
        [sys.executable, str(project / "tools" / "workspace.py"), "setup"],
        env={"PATH": path, "PYTHON": python, "HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("missing", "package"),
    [(("cmake",), "cmake"), (("c++", "g++"), "g++"), (("cc", "gcc"), "gcc"), (("make",), "make")],
)
def test_a_missing_tool_is_named_with_the_command_that_installs_it(
    project: Path, missing: tuple[str, ...], package: str
) -> None:
    done = check(project, path_without(project, *missing))
    assert done.returncode == 1
    assert f"apt-get install {package}\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (project / ".venv").exists(), "nothing may be done before the machine is ready"


def test_everything_that_is_missing_is_named_at_once(project: Path) -> None:
    done = check(project, path_without(project, *TOOLS))
    assert "apt-get install cmake gcc g++ make\n" in done.stderr


def test_a_python_that_does_not_run_is_named(project: Path) -> None:
    done = check(project, path_without(project), python="/nowhere/python3")
    assert done.returncode == 1
    assert "PYTHON=/nowhere/python3 does not run" in done.stderr


def test_a_python_that_is_too_old_is_refused_with_what_would_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = machine.Python("/usr/bin/python3", (3, 9, 2), "CPython", True, True)
    monkeypatch.setattr(machine, "ask_python", lambda _: old)
    with pytest.raises(machine.NotReadyError, match=r"is CPython 3\.9\.2: .*3\.11 or 3\.12"):
        machine.choose_python("/usr/bin/python3")
    with pytest.raises(machine.NotReadyError, match=r"apt-get install python3 "):
        machine.choose_python("")


def test_in_an_activated_environment_the_python_beneath_it_is_meant(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path], check=True)
    beneath = machine.ask_python(str(Path(sys.base_prefix) / "bin" / "python3"))
    assert beneath
    assert machine.ask_python(str(tmp_path / "bin" / "python3")) == beneath


def test_a_python_that_is_too_busy_to_answer_is_not_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def starve(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1.0)

    monkeypatch.setattr(machine.subprocess, "run", starve)
    with pytest.raises(machine.NotReadyError, match="python3 did not answer within"):
        machine.choose_python("")


def test_a_newer_python_is_taken_only_where_nothing_better_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {
        "python3": machine.Python("python3", (3, 13, 1), "CPython", True, True),
        "python3.12": machine.Python("python3.12", (3, 12, 1), "CPython", True, True),
    }
    monkeypatch.setattr(machine, "ask_python", found.get)
    assert machine.choose_python("").path == "python3.12"
    del found["python3.12"]
    assert machine.choose_python("").path == "python3"


def test_what_a_distribution_keeps_apart_from_python_is_named() -> None:
    bare = machine.Python("/usr/bin/python3", (3, 11, 2), "CPython", venv=False, headers=False)
    with pytest.raises(machine.NotReadyError, match=r"install python3\.11-venv python3\.11-dev"):
        machine.refuse_if_lacking(machine.missing_python_parts(bare))


@pytest.mark.parametrize(("system", "kind"), [("Linux", "aarch64"), ("Darwin", "x86_64")])
def test_a_machine_for_which_nothing_is_pinned_is_told_of_colcon(system: str, kind: str) -> None:
    with pytest.raises(machine.NotReadyError, match=rf"this is {system} on {kind}: .*colcon"):
        machine.refuse_where_nothing_is_pinned(system, kind)


def test_a_machine_for_which_packages_are_pinned_goes_on() -> None:
    machine.refuse_where_nothing_is_pinned("Linux", "x86_64")


def test_only_an_ordinary_user_is_told_to_use_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert machine.apt_command(["cmake"]) == "sudo apt-get install cmake"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert machine.apt_command(["cmake"]) == "apt-get install cmake"
