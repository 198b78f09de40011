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

"""The real graph under `kpm up`, as a user starts it, for tests to watch and to disturb."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Any

import psutil

STOP_WITHIN_S = 30


class RunningGraph:
    """`kpm up` as a process; its output is kept for when something goes wrong."""

    def __init__(self, namespace: str, options: Sequence[str] = ()) -> None:
        """Name the namespace, which the test shares with nobody, and further options."""
        self.namespace = namespace
        self._argv = [sys.executable, "-m", "kpm_ros.cli", "up", f"namespace:={namespace}"]
        self._argv += options
        self._log: IO[str] = tempfile.TemporaryFile("w+")
        self._process: subprocess.Popen[Any] | None = None

    def __enter__(self) -> RunningGraph:
        """Start it."""
        self._process = subprocess.Popen(self._argv, stdout=self._log, stderr=subprocess.STDOUT)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it; what it said is shown if the test failed."""
        self.stop()
        if error is not None:
            print(self.output)
        self._log.close()

    @property
    def output(self) -> str:
        """Everything that it has printed."""
        self._log.seek(0)
        return self._log.read()

    def stop(self) -> int:
        """End it as Ctrl-C does, and return its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def wait(self, timeout_s: float = 30) -> int:
        """Wait until it ends by itself, and return its exit status."""
        assert self._process is not None
        return self._process.wait(timeout_s)

    def pid_of(self, node: str) -> int | None:
        """Process id of one node, None while it does not run."""
        assert self._process is not None
        for child in psutil.Process(self._process.pid).children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.Error:
                continue
            if f"kpm_ros.nodes.{node}_node" in words and "die_with_parent.py" not in " ".join(
                words
            ):
                return child.pid
        return None

    def kill(self, node: str) -> int:
        """Kill a node without warning; returns the process id it had."""
        pid = self.pid_of(node)
        assert pid is not None, f"{node} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid
