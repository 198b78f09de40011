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

"""The viewer listens on this machine only, ends with whoever opened it, and says what is wrong."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path

import psutil
import pytest

from kpm_ros.view import viewer
from kpm_ros.view.viewer import Viewer, ViewerError

pytest.importorskip("rerun")


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def test_without_a_screen_it_is_a_page_for_this_machine_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    ports = free_ports(2)
    shown = Viewer(*ports)
    try:
        process = psutil.Process(shown._process.pid)
        family = [process, *process.children(recursive=True)]
        listening = {
            one.laddr.ip
            for each in family
            for one in each.net_connections()
            if one.status == psutil.CONN_LISTEN
        }
        assert listening == {"127.0.0.1"}
        [told] = tmp_path.rglob("analytics.json")
        assert json.loads(told.read_text())["analytics_enabled"] is False
        assert process.environ()["XDG_CONFIG_HOME"] == str(told.parents[1])
        assert f"http://127.0.0.1:{ports[1]}" in shown.words
    finally:
        shown.close()
    assert not any(each.is_running() and each.status() != "zombie" for each in family)


LISTENS_AND_FAILS = """#!{python}
import os, socket, sys, time
if "analytics" in sys.argv:
    sys.exit()
if "--serve-web" in sys.argv:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
with socket.socket() as listener:
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])))
    listener.listen()
    time.sleep(0.5)
sys.exit(1)
"""


def test_where_no_window_can_be_opened_it_is_the_page(monkeypatch, tmp_path):
    """Rerun listens first, and ends when it finds no screen or no graphics."""
    monkeypatch.setenv("DISPLAY", ":93")
    program = tmp_path / "rerun"
    real = str(viewer._program())
    program.write_text(LISTENS_AND_FAILS.format(python=sys.executable, program=real))
    program.chmod(0o755)
    monkeypatch.setattr(viewer, "_program", lambda: program)
    ports = free_ports(2)
    shown = Viewer(*ports)
    try:
        assert not shown.has_window
        assert f"http://127.0.0.1:{ports[1]}" in shown.words
    finally:
        shown.close()


def test_a_port_that_is_taken_is_said():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ViewerError, match=f"port {port} is taken"):
            Viewer(port)


def test_a_viewer_that_does_not_start_is_said(monkeypatch):
    monkeypatch.setattr(viewer, "_program", lambda: Path("/bin/false"))
    with pytest.raises(ViewerError, match="did not start"):
        Viewer(*free_ports(2))
