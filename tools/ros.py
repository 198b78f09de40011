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

"""Which ROS 2 the project uses: the one that is sourced, or the wheels in `.venv`."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional

# These know ROS_LOCALHOST_ONLY in place of ROS_AUTOMATIC_DISCOVERY_RANGE.
BEFORE_DISCOVERY_RANGE = ("foxy", "galactic", "humble")


class SourcedRos(NamedTuple):
    """A ROS 2 installation whose setup file the user has sourced."""

    distro: str
    prefix: Path
    python: str  # command of the Python it was built for


def find_sourced_ros(environ: Dict[str, str], root: Path) -> Optional[SourcedRos]:
    """Find the sourced installation; what this project made itself does not count as one."""
    distro = environ.get("ROS_DISTRO", "")
    if not distro:
        return None
    for entry in filter(None, environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        prefix = Path(entry)
        ours = root in (prefix, *prefix.parents)
        if not ours and (prefix / "share" / "rclpy" / "package.xml").is_file():
            return SourcedRos(distro, prefix, python_of(prefix))
    return None


def python_of(prefix: Path) -> str:
    """Tell from an installation's folders which Python it was built for."""
    for pattern in ("lib/python3*/*-packages/rclpy", "local/lib/python3*/*-packages/rclpy"):
        for folder in sorted(prefix.glob(pattern)):
            found = re.search(r"/(python3\.\d+)/", str(folder))
            if found:
                return found.group(1)
    return "python3"


class Environment:
    """Variables that commands of the project run with, for a process or for a shell."""

    def __init__(self) -> None:
        """Start with nothing changed."""
        self.set: Dict[str, str] = {}
        self.default: Dict[str, str] = {}
        self.first: Dict[str, List[str]] = {}
        self.drop: List[str] = []

    def apply(self, environ: Dict[str, str]) -> Dict[str, str]:
        """Return a process's variables with these changes made."""
        result = {name: value for name, value in environ.items() if name not in self.drop}
        for name, value in self.default.items():
            result[name] = result.get(name) or value
        for name, entries in self.first.items():
            old = [part for part in result.get(name, "").split(os.pathsep) if part]
            new = entries + [part for part in old if part not in entries]
            result[name] = os.pathsep.join(new)
        result.update(self.set)
        return result

    def as_shell(self) -> str:
        """Write the same changes as lines that a POSIX shell can source."""
        lines = [f"unset {name}" for name in self.drop]
        lines += [f'export {n}="${{{n}:-{v}}}"' for n, v in self.default.items()]
        for name, entries in self.first.items():
            joined = quote(os.pathsep.join(entries))
            lines.append(f'export {name}={joined}"${{{name}:+:${name}}}"')
        lines += [f"export {name}={quote(value)}" for name, value in self.set.items()]
        return "\n".join(lines) + "\n"


def quote(text: str) -> str:
    """Quote for a POSIX shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def package_paths(environment: Environment, prefix: Path, site: Path) -> None:
    """Let the built package be found as sourcing its setup file would."""
    environment.first["AMENT_PREFIX_PATH"] = [str(prefix)]
    environment.first["CMAKE_PREFIX_PATH"] = [str(prefix)]
    environment.first["LD_LIBRARY_PATH"] = [str(prefix / "lib")]
    environment.first["PYTHONPATH"] = [str(prefix / site)]


def environment_for(root: Path, python: str, ros: Optional[SourcedRos]) -> Environment:
    """Say what commands of the project run with; `python` is the name such as "python3.11"."""
    venv, prefix = root / ".venv", root / "install" / "kpm_ros"
    site = Path("lib") / python / "site-packages"
    environment = Environment()
    environment.drop = ["PYTHONHOME", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"]
    environment.set = {"VIRTUAL_ENV": str(venv), "PYTHONNOUSERSITE": "1"}
    environment.first["PATH"] = [str(prefix / "bin"), str(venv / "bin")]
    package_paths(environment, prefix, site)
    if ros is None:
        environment.drop += ["AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "PYTHONPATH", "ROS_DISTRO"]
        environment.first["AMENT_PREFIX_PATH"] += [str(venv)]
        environment.first["CMAKE_PREFIX_PATH"] += [str(venv)]
        environment.first["LD_LIBRARY_PATH"] += [str(venv / "lib"), *bundled_libraries(venv / site)]
        environment.set["RMW_IMPLEMENTATION"] = "rmw_fastrtps_cpp"
        # Spares every process the restart by which the wheels set LD_LIBRARY_PATH themselves.
        environment.set["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
    if ros is not None and ros.distro in BEFORE_DISCOVERY_RANGE:
        environment.default["ROS_LOCALHOST_ONLY"] = "1"
    else:
        environment.default["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    return environment


def bundled_libraries(site: Path) -> List[str]:
    """List the folders of shared libraries that ROS 2's wheels bring beside their packages."""
    return [str(folder) for folder in sorted(site.glob("ros_*.libs"))]


def build_environment(root: Path, ros: Optional[SourcedRos]) -> Environment:
    """Say what colcon runs with: the same, without the package that it is about to build."""
    venv = root / ".venv"
    environment = Environment()
    environment.drop = ["PYTHONHOME", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"]
    environment.set = {"VIRTUAL_ENV": str(venv), "PYTHONNOUSERSITE": "1"}
    environment.first["PATH"] = [str(venv / "bin")]
    if ros is None:
        environment.drop += ["PYTHONPATH", "ROS_DISTRO", "COLCON_PREFIX_PATH"]
        environment.set["AMENT_PREFIX_PATH"] = str(venv)
        environment.set["CMAKE_PREFIX_PATH"] = str(venv)
        environment.set["COLCON_HOME"] = str(venv / "colcon")
        environment.first["LD_LIBRARY_PATH"] = [str(venv / "lib")]
    return environment
