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

"""Sets the project up (private environment, packages, messages) and runs commands in it.

    tools/env setup             do what is not done yet
    tools/env run COMMAND ...   the same, then run a command with everything in reach
    tools/env check             name what is missing on this machine, and do nothing

Needs nothing but Python 3.8 or later. `docs/install.md` tells the whole story.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional

import machine
import ros
import steps

ROOT = Path(__file__).resolve().parent.parent
WATCHED = ("kpm_ros", "msg", "config", "launch", "cmake")  # folders that colcon installs from
BUILD_RECIPES = ("CMakeLists.txt", "package.xml")
# What pip says where there is no such release; the second where it knows a constraint for the name.
NOT_FOUND = ("No matching distribution", "ResolutionImpossible")


class Workspace:
    """The project's folder, with the environment and the build that belong to it."""

    def __init__(self, root: Path, environ: Dict[str, str]) -> None:
        """Look at the machine; raise NotReadyError when it lacks something."""
        self.root = root
        self.environ = environ
        self.venv = root / ".venv"
        self.stamps = self.venv / "stamps"
        self.ros = ros.find_sourced_ros(environ, root)
        self.python = self.check_machine()

    def check_machine(self) -> machine.Python:
        """Choose a Python and name everything that is missing, before anything is done."""
        wanted = self.environ.get("PYTHON", "")
        machine.refuse_where_nothing_is_pinned()
        if self.ros is None:
            python = machine.choose_python(wanted)
        else:
            python = machine.choose_python(wanted, (self.ros.python, "python3"))
        lacks = machine.missing_tools(self.environ) + machine.missing_python_parts(python)
        if self.ros is not None and machine.find_tool(self.environ, "", "colcon") is None:
            lacks.append(machine.Lack("colcon", ("python3-colcon-common-extensions",)))
        machine.refuse_if_lacking(lacks)
        return python

    def set_up(self) -> bool:
        """Do every step that is not done yet; tell whether there were any."""
        with self.lock():
            worked = self.make_venv()
            worked = self.install_packages() or worked
            return self.build() or worked

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Let one set-up at a time work in this folder."""
        handle = os.open(self.root, os.O_RDONLY)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another set-up is at work in this folder: waiting for it.", flush=True)
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def make_venv(self) -> bool:
        """Make `.venv`, or mend one whose Python does not run."""
        system = "" if self.ros is None else str(self.ros.prefix)
        key = steps.fingerprint(
            [str(self.root), self.python.path, str(self.python.version), system]
        )
        stamp = steps.Stamp(self.stamps / "venv")
        same = stamp.read() == key
        if same and machine.ask_python(str(self.venv_python)):
            return False
        if self.venv.exists() and not self.stamps.is_dir():
            raise machine.NotReadyError(
                f"{self.venv} was not made by this set-up: move it away, and run this again."
            )
        if self.venv.exists() and not same:
            shutil.rmtree(self.venv)
        self.stamps.mkdir(parents=True, exist_ok=True)
        (self.venv / "COLCON_IGNORE").touch()
        steps.Stamp(self.stamps / "packages").remove()
        command = [self.python.path, "-m", "venv", str(self.venv)]
        command += ["--system-site-packages"] if self.ros else []
        version = "{}.{}.{}".format(*self.python.version)
        title = f"[1/3] Private environment in .venv, Python {version}"
        if self.ros:
            title += f", on ROS 2 {self.ros.distro}"
        steps.run_logged(title, command, self.log("venv"), clean(self.environ))
        stamp.write(key)
        return True

    @property
    def venv_python(self) -> Path:
        """Interpreter of the private environment."""
        return self.venv / "bin" / "python"

    def log(self, name: str) -> Path:
        """Where a step's output goes."""
        return self.root / "log" / f"setup-{name}.log"

    def lock_files(self) -> List[Path]:
        """List the pins to install: ROS 2's wheels only where no ROS 2 is sourced."""
        names = ["base.txt"] if self.ros else ["base.txt", "ros.txt"]
        return [self.root / "requirements" / name for name in names]

    def install_packages(self) -> bool:
        """Bring the private environment's packages to what is pinned."""
        folder = self.root / "requirements"
        names = ("build.txt", "torch-cpu.txt", "cuda.txt")
        builders, small_torch, companions = (folder / name for name in names)
        locks = self.lock_files()
        pins = steps.contents([*locks, builders, small_torch, companions])
        key = steps.fingerprint([self.python.path, *pins])
        stamp = steps.Stamp(self.stamps / "packages")
        if stamp.read() == key:
            return False
        stamp.remove()
        site = self.venv / "lib" / self.python.name / "site-packages"
        forget_half_installed(site)
        self.pip_install("[2/3] What builds packages that come as source", "builders", builders)
        try:
            self.pip_install("[2/3] torch for processors only", "torch", small_torch)
        except steps.StepFailedError:
            if not steps.mentions(self.log("torch"), NOT_FOUND):
                raise
            print("pip's settings lead to no such build: the usual one is taken.", flush=True)
        self.pip_install("[2/3] Packages (minutes the first time)", "packages", *locks)
        if torch_is_for_a_graphics_card(site):
            self.pip_install("[2/3] What torch needs for a graphics card", "cuda", companions)
        stamp.write(key)
        return True

    def pip_install(self, title: str, log: str, *locks: Path) -> None:
        """Install what lock files list and nothing else, each file checked by its hash."""
        command = [str(self.venv_python), "-m", "pip", "install", "--progress-bar", "off"]
        command += ["--no-input", "--disable-pip-version-check"]
        # The locks are whole, so pip has nothing to add; what is built is built with what is there.
        command += ["--require-hashes", "--no-deps", "--no-build-isolation", "--use-pep517"]
        for file in locks:
            command += ["--requirement", str(file)]
        steps.run_logged(title, command, self.log(log), clean(self.environ))

    def build(self) -> bool:
        """Generate the messages and install the package with colcon, where anything changed."""
        files = self.watched_files()
        recipe = [*BUILD_RECIPES, *(f for f in files if f.startswith(("msg/", "cmake/")))]
        place = steps.fingerprint([str(self.root), steps.Stamp(self.stamps / "venv").read()])
        lines = [
            place,
            steps.fingerprint(steps.contents(self.root / name for name in recipe)),
            steps.Stamp(self.stamps / "packages").read(),
            *files,
        ]
        stamp = steps.Stamp(self.root / "build" / "stamp")
        before = stamp.read().splitlines()
        if before == lines and self.is_linked():
            return False
        gone = set(before[3:]) - set(files)
        if before[:1] != [place] or any(map(leaves_traces, gone)) or not self.is_linked():
            for folder in ("build", "install"):
                shutil.rmtree(self.root / folder, ignore_errors=True)
        elif gone:
            remove_broken_links(self.root / "install")
        stamp.remove()
        self.run_colcon()
        self.write_setup_file()
        stamp.write("\n".join(lines))
        return True

    def watched_files(self) -> List[str]:
        """List the files that the build installs, by name; their links show what is in them."""
        return sorted(
            file.relative_to(self.root).as_posix()
            for folder in WATCHED
            for file in (self.root / folder).rglob("*")
            if file.is_file() and "__pycache__" not in file.parts
        )

    def is_linked(self) -> bool:
        """Tell whether what is installed follows the sources, and was not copied from them."""
        site = Path("lib") / self.python.name / "site-packages"
        return (self.root / "install" / "kpm_ros" / site / "kpm_ros" / "__init__.py").is_symlink()

    def run_colcon(self) -> None:
        """Build the package where a ROS user would: in build/, install/ and log/."""
        command = ["colcon"] if self.ros else [str(self.venv / "bin" / "colcon")]
        command += ["--log-base", "log", "build", "--base-paths", ".", "--symlink-install"]
        command += ["--executor", "sequential", "--event-handlers", "console_direct+"]
        python = self.python.path if self.ros else self.venv_python
        command += ["--cmake-args", f"-DPython3_EXECUTABLE={python}", "-DBUILD_TESTING=OFF"]
        environ = ros.build_environment(self.root, self.ros).apply(self.environ)
        title = "[3/3] Messages and package, built by colcon"
        steps.run_logged(title, command, self.log("build"), environ, cwd=self.root)

    def environment(self) -> ros.Environment:
        """Say what commands of the project run with."""
        return ros.environment_for(self.root, self.python.name, self.ros)

    def write_setup_file(self) -> None:
        """Write what a person sources to have the same environment in a shell."""
        lines = "# Source this to have the project's environment in a shell.\n"
        text = lines + self.environment().as_shell()
        (self.venv / "setup.bash").write_text(text, encoding="utf-8")


def clean(environ: Dict[str, str]) -> Dict[str, str]:
    """Leave out the variables that would lead pip or make astray."""
    astray = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "MAKEFLAGS")
    return {name: value for name, value in environ.items() if name not in astray}


def forget_half_installed(site: Path) -> None:
    """Remove the records of packages whose installation was cut short, so that pip repeats it.

    pip lists its own INSTALLER file in a package's RECORD as the last thing it does.
    """
    for info in site.glob("*.dist-info"):
        record = info / "RECORD"
        if not record.is_file() or "/INSTALLER," not in record.read_text(encoding="utf-8"):
            shutil.rmtree(info)


def torch_is_for_a_graphics_card(site: Path) -> bool:
    """Tell whether the build of torch that pip's settings led to needs CUDA's libraries."""
    texts = [file.read_text(encoding="utf-8") for file in site.glob("torch-*.dist-info/METADATA")]
    return any(re.search(r"^Requires-Dist: (nvidia|cuda)-", text, re.M) for text in texts)


def leaves_traces(file: str) -> bool:
    """Tell whether colcon made more of a file than a link to it."""
    return file.startswith(("msg/", "cmake/")) or file.endswith("_node.py")


def remove_broken_links(folder: Path) -> None:
    """Remove what was installed of files that are no more."""
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


def run(workspace: Workspace, command: List[str]) -> int:
    """Replace this process by a command that has everything in reach."""
    environ = workspace.environment().apply(workspace.environ)
    program = shutil.which(command[0], path=environ["PATH"])
    if program is None:
        print(f"There is no command {command[0]!r} in the project's environment.", file=sys.stderr)
        return 127
    sys.stdout.flush()
    return os.execve(program, command, environ)


def main(arguments: Optional[Iterable[str]] = None) -> int:
    """Do what the command line asks for."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    task = words[0] if words else ""
    if task not in ("setup", "run", "check") or (task == "run") != (len(words) > 1):
        print(__doc__, file=sys.stderr)
        return 2
    began = time.monotonic()
    try:
        workspace = Workspace(ROOT, dict(os.environ))
        if task == "check":
            print(f"Ready: {workspace.python.path}")
            return 0
        worked = workspace.set_up()
    except (machine.NotReadyError, steps.StepFailedError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"Set-up cannot go on: {error.strerror}: {error.filename}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run it again: it goes on from here.", file=sys.stderr)
        return 130
    if worked or task == "setup":
        print(f"Set-up complete ({time.monotonic() - began:.1f} s).", flush=True)
    return run(workspace, words[1:]) if task == "run" else 0


if __name__ == "__main__":
    sys.exit(main())
