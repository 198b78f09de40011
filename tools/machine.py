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

"""What this machine must have before the project can set itself up."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
from typing import Dict, List, NamedTuple, Optional, Tuple

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 13)
OLDEST_CMAKE = (3, 21)
PYTHON_ANSWERS_S = 60
# 3.13 comes last: MediaPipe with its models in the wheel does not exist for it.
PYTHONS = ("python3", "python3.11", "python3.12", "python3.10", "python3.13")

ASK_PYTHON = """
import importlib.util, json, os, platform, sys, sysconfig
header = os.path.join(sysconfig.get_paths()["include"], "Python.h")
beneath = os.path.join(sys.base_prefix, "bin", os.path.basename(sys.executable))
in_environment = sys.prefix != sys.base_prefix and os.path.isfile(beneath)
print(json.dumps({
    "path": beneath if in_environment else sys.executable,
    "version": sys.version_info[:3],
    "implementation": platform.python_implementation(),
    "venv": all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")),
    "headers": os.path.isfile(header),
}))
"""


class NotReadyError(Exception):
    """Something is missing; the message says what, and the command that installs it."""


class Python(NamedTuple):
    """A Python interpreter that runs, and whether it can carry the project."""

    path: str
    version: Tuple[int, int, int]
    implementation: str
    venv: bool
    headers: bool

    @property
    def name(self) -> str:
        """Name of the command, as packages of Debian and Ubuntu are named after it."""
        return "python{}.{}".format(*self.version)

    @property
    def supported(self) -> bool:
        """Whether the project's packages exist for it."""
        fits = OLDEST_PYTHON <= self.version[:2] <= NEWEST_PYTHON
        return fits and self.implementation == "CPython"


class Lack(NamedTuple):
    """One thing that is missing, and the packages that bring it."""

    what: str
    packages: Tuple[str, ...]


def ask_python(command: str) -> Optional[Python]:
    """Run an interpreter to learn about it; None when it does not run.

    One that does not answer in time is not passed over: on a machine that is too busy, another one
    would be taken, and the private environment made anew for it.

    In an activated environment, ours perhaps, it is the one that the environment was made with.
    """
    try:
        done = subprocess.run(
            [command, "-I", "-c", ASK_PYTHON],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PYTHON_ANSWERS_S,
            check=True,
        )
        answer = json.loads(done.stdout.decode())
    except subprocess.TimeoutExpired:
        raise NotReadyError(
            f"{command} did not answer within {PYTHON_ANSWERS_S} s: run it again when the machine "
            "is less busy, or name another Python: PYTHON=/path/to/python3.11"
        ) from None
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    answer["version"] = tuple(answer["version"])
    return Python(**answer)


def choose_python(wanted: str, candidates: Tuple[str, ...] = PYTHONS) -> Python:
    """Take the wanted interpreter, or else the first candidate that fits; 3.13 only as the last."""
    if wanted:
        python = ask_python(wanted)
        if python is None:
            raise NotReadyError(
                f"PYTHON={wanted} does not run: give the path of a Python 3.10-3.13."
            )
        if not python.supported:
            found = "{}.{}.{}".format(*python.version)
            raise NotReadyError(
                f"PYTHON={wanted} is {python.implementation} {found}: CPython 3.10, 3.11 or 3.12 "
                "is needed (3.13 works without the camera's hand tracking)."
            )
        return python
    seen = []
    fallback = None
    for command in candidates:
        python = ask_python(command)
        if python is None:
            continue
        if python.supported and python.version[:2] < NEWEST_PYTHON:
            return python
        fallback = fallback or (python if python.supported else None)
        seen.append("{} is {}.{}.{}".format(command, *python.version))
    if fallback:
        return fallback
    raise NotReadyError(
        "CPython 3.10, 3.11 or 3.12 is needed ("
        + ("; ".join(seen) or "no Python was found")
        + ").\nTo install it:\n\n    "
        + apt_command(["python3", "python3-venv", "python3-dev"])
        + "\n\nWhere that brings another version, put one of these beside it and name it: "
        "make PYTHON=/path/to/python3.11 ..."
    )


def apt_command(packages: List[str]) -> str:
    """Write the command that installs packages on Debian and Ubuntu."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get install " + " ".join(packages)


def find_tool(environ: Dict[str, str], variable: str, *names: str) -> Optional[str]:
    """Find a program named by an environment variable, or else under one of its usual names."""
    wanted = environ.get(variable, "").split()[:1]
    for name in (*wanted, *names):
        found = shutil.which(name, path=environ.get("PATH"))
        if found:
            return found
    return None


def cmake_version(cmake: str) -> Tuple[int, ...]:
    """Ask CMake for its version; empty when it does not run."""
    try:
        done = subprocess.run([cmake, "--version"], stdout=subprocess.PIPE, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return ()
    found = re.search(r"(\d+)\.(\d+)", done.stdout.decode())
    return tuple(int(part) for part in found.groups()) if found else ()


def missing_tools(environ: Dict[str, str]) -> List[Lack]:
    """List what building the messages needs and this machine lacks."""
    lacks = []
    cmake = find_tool(environ, "", "cmake")
    if cmake is None:
        lacks.append(Lack("cmake", ("cmake",)))
    elif cmake_version(cmake) < OLDEST_CMAKE:
        lacks.append(Lack("a cmake of version 3.21 or later", ("cmake",)))
    if find_tool(environ, "CC", "cc", "gcc", "clang") is None:
        lacks.append(Lack("a C compiler", ("gcc",)))
    if find_tool(environ, "CXX", "c++", "g++", "clang++") is None:
        lacks.append(Lack("a C++ compiler", ("g++",)))
    if find_tool(environ, "", "make") is None:
        lacks.append(Lack("make", ("make",)))
    return lacks


def missing_python_parts(python: Python) -> List[Lack]:
    """List what a distribution keeps apart from Python itself and this machine lacks."""
    lacks = []
    if not python.venv:
        lacks.append(Lack(f"the venv module of {python.path}", (f"{python.name}-venv",)))
    if not python.headers:
        lacks.append(Lack(f"Python.h of {python.path}", (f"{python.name}-dev",)))
    return lacks


def refuse_if_lacking(lacks: List[Lack]) -> None:
    """Name everything that is missing at once, with the one command that installs it."""
    if not lacks:
        return
    packages = [package for lack in lacks for package in lack.packages]
    raise NotReadyError(
        "Missing on this machine: "
        + ", ".join(lack.what for lack in lacks)
        + ".\nTo install it:\n\n    "
        + apt_command(packages)
    )


def refuse_where_nothing_is_pinned(
    system: str = platform.system(), machine: str = platform.machine()
) -> None:
    """Stop where the pinned packages cannot be installed."""
    if (system, machine) != ("Linux", "x86_64"):
        raise NotReadyError(
            f"the pinned packages are for Linux on x86-64, and this is {system} on {machine}: "
            "build this in a ROS 2 workspace with colcon instead, as docs/install.md describes."
        )
