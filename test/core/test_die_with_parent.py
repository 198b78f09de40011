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

"""A command that is tethered ends with the process that started it, in good order if it can."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from kpm_ros.core import die_with_parent
from support.ended import exit_of, wait_for

STARTER = """
import os, subprocess, sys
script, *words = sys.argv[1:]
subprocess.Popen([sys.executable, "-I", "-S", script, str(os.getpid()), *words]).wait()
"""
"""Starts a command as `ros2 launch` does, with the words of its prefix in front."""

COMMAND = """
import os, signal, sys, time
from pathlib import Path
def leave(*_):
    Path(sys.argv[1]).write_text("in good order")
    sys.exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else leave)
print(os.getppid(), os.getpid(), flush=True)
while True:
    time.sleep(3600)
"""


@pytest.fixture
def started(tmp_path):
    """Start a tethered command; its starter, the process beside it, and itself."""
    running = []

    def start(*manner, patience_s="60"):
        words = ["--patience", patience_s] if patience_s else []
        command = [sys.executable, "-c", COMMAND, str(tmp_path / "left"), *manner]
        starter = subprocess.Popen(
            [sys.executable, "-c", STARTER, die_with_parent.__file__, *words, *command],
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(starter)
        above, own = map(int, starter.stdout.readline().split())
        return starter, above, own

    yield start
    for starter in running:
        starter.kill()
        starter.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_stops_in_good_order_when_what_started_it_has_died(started, tmp_path, number):
    starter, _, own = started()
    ended = exit_of(own)
    starter.send_signal(number)
    wait_for(ended)
    assert (tmp_path / "left").read_text() == "in good order"


def test_a_command_that_does_not_stop_is_killed(started):
    starter, above, own = started("stubborn", patience_s="0.05")
    ends = [exit_of(pid) for pid in (above, own)]
    starter.kill()
    for ended in ends:
        wait_for(ended)


def test_nothing_is_left_when_the_process_beside_it_is_killed(started, tmp_path):
    _, above, own = started("stubborn")
    ended = exit_of(own)
    subprocess.run(["kill", "-KILL", str(above)], check=True)
    wait_for(ended)


def test_without_patience_the_kernel_kills_it(started, tmp_path):
    starter, above, own = started(patience_s="")
    assert above == starter.pid
    ended = exit_of(own)
    starter.kill()
    wait_for(ended)
    assert not (tmp_path / "left").exists()


def tethered(*words, parent=None):
    """Run a command that dies with this process."""
    prefix = [sys.executable, "-I", "-S", die_with_parent.__file__, str(parent or os.getpid())]
    return subprocess.Popen(
        [*prefix, "--patience", "60", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("raise SystemExit(3)", 3),
        ("print('done')", 0),
        ("import os; os.kill(os.getpid(), 15)", -signal.SIGTERM),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_its_status_is_the_commands(script, status):
    process = tethered(sys.executable, "-c", script)
    process.communicate(timeout=60)
    assert process.returncode == status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_are_passed_on(number):
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(40))\n"
        "print('ready', flush=True)\n"
        "while True: signal.pause()"
    )
    process = tethered(sys.executable, "-c", script)
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 40


def test_what_cannot_be_run_is_said():
    process = tethered("/no/such/program")
    said, _ = process.communicate(timeout=60)
    assert said == "/no/such/program cannot be run: No such file or directory\n"
    assert process.returncode == 127


def test_nothing_is_started_for_a_parent_that_has_ended_already(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    process = tethered("touch", str(tmp_path / "started"), parent=gone.pid)
    said, _ = process.communicate(timeout=60)
    assert "has ended already" in said
    assert process.returncode == 1
    assert not (tmp_path / "started").exists()
