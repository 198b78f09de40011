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

"""List the files of kpm_ros that a module needs: itself, and whatever it imports in turn.

    python3 cmake/imports.py kpm_ros.client

Files are named relative to the source folder. Imports inside functions do not count: they are for
what a caller asks for, and importing the module does without.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def file_of(module: str) -> Path | None:
    """Find a module's file; None when it is not one of ours (generated, or another package's)."""
    path = ROOT.joinpath(*module.split("."))
    for file in (path / "__init__.py", path.with_suffix(".py")):
        if file.is_file():
            return file
    return None


def imports_of(file: Path) -> Iterator[str]:
    """Name what may be modules among a file's absolute imports, with the packages they are in."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            yield from (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def needed_by(module: str) -> list[str]:
    """List the files of kpm_ros that importing a module reads."""
    found: set[Path] = set()
    parts = module.split(".")
    waiting = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    while waiting:
        file = file_of(waiting.pop())
        if file is not None and file not in found:
            found.add(file)
            waiting += imports_of(file)
    return sorted(file.relative_to(ROOT).as_posix() for file in found)


if __name__ == "__main__":
    print(";".join(needed_by(sys.argv[1])), end="")
