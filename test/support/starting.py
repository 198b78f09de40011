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

"""A program of the package, watched import by import while it starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping

FIRST = "kpm_ros"
"""What Python imports before this package is out of the package's hands."""
IMPORTED = "import time:"


class Starting:
    """`python -m MODULE` with every import told, so that a signal can be sent at any of them."""

    def __init__(
        self,
        module: str,
        *words: str,
        env: Mapping[str, str] | None = None,
        tell_imports: bool = True,
    ) -> None:
        """Start it; who has it tell its imports must read them, or it waits for that."""
        self._said: list[str] = []
        self._imports = -1
        telling = ["-X", "importtime"] if tell_imports else []
        self.process = subprocess.Popen(
            [sys.executable, *telling, "-m", module, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=env,
        )

    def __enter__(self) -> Starting:
        """Use it for a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.communicate()

    def wait_for_import(self, number: int) -> None:
        """Wait until so many modules were imported after the package itself, or until it ends."""
        self.wait_for(lambda _: self._imports >= number)

    def wait_for(self, reached: Callable[[str], bool]) -> None:
        """Wait until it says a line of which this is true, or until it ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if not line.startswith(IMPORTED):
                self._said.append(line)
            elif self._imports >= 0 or line.rpartition("|")[2].strip() == FIRST:
                self._imports += 1
            if reached(line):
                return

    def end(self, timeout_s: float = 60.0) -> tuple[int, str]:
        """Wait for its end; gives its status and what it said besides its imports."""
        _, rest = self.process.communicate(timeout=timeout_s)
        lines = [line for line in rest.splitlines(True) if not line.startswith(IMPORTED)]
        return self.process.returncode, "".join(self._said + lines)
