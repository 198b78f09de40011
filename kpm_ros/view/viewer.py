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

"""Rerun's viewer as a process of its own, which only this machine can look at."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kpm_ros.core.die_with_parent import wrapping
from kpm_ros.core.resources import user_cache

ADDRESS = "127.0.0.1"
PORT, WEB_PORT = 9876, 9090
STARTS_WITHIN_S = 20.0
FAILS_WITHIN_S = 2.0
"""It listens before it opens a window; where it cannot open one, it ends within this time."""
MEMORY = "512MB"
"""What it keeps, the newest; a browser that comes later sees no more."""


class ViewerError(Exception):
    """A viewer that cannot be shown, said in a sentence."""


class Viewer:
    """Opens a window where there is a screen, else a page that a browser on this machine opens."""

    def __init__(self, port: int = PORT, web_port: int = WEB_PORT) -> None:
        """Start it, and wait until it listens; where no window can be opened, the page is."""
        self.url = f"rerun+http://{ADDRESS}:{port}/proxy"
        for number in (port, web_port):
            if _listens(number):
                raise ViewerError(
                    f"port {number} is taken, perhaps by another viewer: end that, or name others"
                )
        _report_nothing()
        command = [*wrapping(), str(_program()), "--bind", ADDRESS, "--port", str(port)]
        command += ["--server-memory-limit", MEMORY, "--memory-limit", MEMORY]
        page = [*command, "--serve-web", "--web-viewer-port", str(web_port)]
        self.has_window = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
        if self.has_window:
            self._process = _started(command)
            self.has_window = self._listens_at(port) and self._keeps_its_window()
        if not self.has_window:
            self._process = _started(page)
            if not self._listens_at(port):
                raise _not_started()
        self.words = (
            "Rerun's window shows it"
            if self.has_window
            else f"open http://{ADDRESS}:{web_port}/?url={self.url} in a browser on this machine"
        )

    def wait(self) -> None:
        """Wait until the window is closed."""
        self._process.wait()

    def close(self) -> None:
        """End it; a window stays open for whoever looks at it."""
        if not self.has_window and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=10)

    def _listens_at(self, port: int) -> bool:
        """Wait until it listens; false if it ends, or does not within its time."""
        until = time.monotonic() + STARTS_WITHIN_S
        while not _listens(port):
            if self._process.poll() is not None or time.monotonic() > until:
                self._process.kill()
                self._process.wait()
                return False
            time.sleep(0.05)
        return True

    def _keeps_its_window(self) -> bool:
        """Wait for what ends it where there is no screen behind DISPLAY, or no graphics at all."""
        try:
            self._process.wait(timeout=FAILS_WITHIN_S)
        except subprocess.TimeoutExpired:
            return True
        return False


def _environment() -> dict[str, str]:
    """Give the viewer settings of its own, so that the user's stay as they are."""
    return {**os.environ, "XDG_CONFIG_HOME": str(user_cache() / "viewer")}


def _report_nothing() -> None:
    """Keep the viewer from telling its makers of its use: what is seen here leaves no machine."""
    command = [str(_program()), "analytics", "disable"]
    done = subprocess.run(
        command, env=_environment(), capture_output=True, timeout=STARTS_WITHIN_S, check=False
    )
    if done.returncode:
        raise _not_started()


def _not_started() -> ViewerError:
    return ViewerError(
        f"Rerun's viewer did not start: {_program()} says why; a .rrd file can be written instead"
    )


def _started(command: Sequence[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _program() -> Path:
    """Find the viewer itself: what Python would start in its place leaves it behind."""
    found = find_spec("rerun_cli")
    if found is None or found.origin is None:
        raise ViewerError("Rerun is not installed: `pip install kpm_ros[view]`")
    return Path(found.origin).with_name("rerun")


def _listens(port: int) -> bool:
    """Whether somebody listens at a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((ADDRESS, port)) == 0


def open_recording(title: str) -> Any:
    """Begin a recording of Rerun."""
    import rerun as rr

    return rr.RecordingStream(f"kpm_ros {title}")
