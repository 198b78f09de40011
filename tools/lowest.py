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

"""Run tests with the lowest versions that setup.py allows, everything else as pinned (needs uv).

    tools/env run python tools/lowest.py [test/align -k late]

Without arguments: the tests of the rooms that need no ROS graph. The versions lie in out/lowest, in
front of the private environment's own.
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import List

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "out" / "lowest"
ALSO = ("matplotlib",)  # the pinned one wants a newer NumPy
TESTS = [f"test/{room}" for room in ("sense", "align", "estimate", "act", "replay")]


def wishes() -> List[str]:
    """Read what setup.py asks for in every case, and what must be as low for that to run."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    found: List[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "install_requires":
            found += ast.literal_eval(node.value)
        elif isinstance(node, ast.Constant) and str(node.value).startswith(ALSO):
            found.append(str(node.value))
    return found


def install() -> None:
    """Bring the lowest of these, as wheels, into a folder of their own."""
    listed = FOLDER.with_suffix(".in")
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("\n".join(wishes()) + "\n", encoding="utf-8")
    shutil.rmtree(FOLDER, ignore_errors=True)
    command = ["uv", "pip", "install", "--resolution", "lowest-direct", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--target", str(FOLDER), "--requirement", str(listed)]
    subprocess.run(command, check=True)


def main() -> int:
    """Install them, and have pytest find them first."""
    if shutil.which("uv") is None:
        print("`uv` is missing: install it with `pip install uv`", file=sys.stderr)
        return 1
    install()
    # The environment's own packages come last in PYTHONPATH, for what they bring beside these.
    path = [str(FOLDER), os.environ.get("PYTHONPATH", ""), sysconfig.get_paths()["purelib"]]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    # Compiled code is kept for the next time; making it takes these numbas longer than a test may.
    environ["NUMBA_CACHE_DIR"] = str(FOLDER.with_suffix(".compiled"))
    command = [sys.executable, "-m", "pytest", "--timeout=600", "-m", "not graph"]
    command += sys.argv[1:] or TESTS
    return subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
