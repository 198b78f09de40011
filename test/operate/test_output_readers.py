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

"""Whoever stops reading stops the command: no traceback, and status 0 or a sentence."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Sequence
from select import select

import pytest

from support.ended import PATIENCE_S

KPM = (sys.executable, "-m", "kpm_ros.cli")


def unread(words: Sequence[str], *, errors_too: bool = False) -> tuple[int, str]:
    """Run a command whose output nobody reads; gives its status and what it complained of."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            words,
            stdout=writing,
            stderr=writing if errors_too else subprocess.PIPE,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("words", ["--help", "up --help", "graph", "info touchnet-sim"])
def test_a_command_whose_output_nobody_reads_ends_quietly(words):
    assert unread([*KPM, *words.split()]) == (0, "")


def test_a_refusal_that_nobody_reads_is_one_all_the_same():
    assert unread([*KPM, "replay", "/nope"], errors_too=True)[0] == 2


PIPELINE = """
import sys
from kpm_ros import cli
from kpm_ros.operate import preflight, up
from kpm_ros.operate.process import Command

NODE = '''
import signal, sys
from pathlib import Path
def leave(*_):
    Path(sys.argv[1]).write_text("in good order")
    sys.exit(0)
signal.signal(signal.SIGINT, leave)
print("ready", flush=True)
while True: signal.pause()
'''
preflight.require_ros = preflight.check = lambda *_: None
words = (sys.executable, "-uc", NODE, sys.argv[1])
up.pipeline_commands = lambda options: [Command("node", words)]
sys.exit(cli.main(["up", "namespace:=" + sys.argv[2]]))
"""
"""`kpm up` with a single node that knows nothing of ROS."""


@pytest.fixture
def pipeline(tmp_path):
    namespace = f"readers_{os.getpid()}"
    return [sys.executable, "-c", PIPELINE, str(tmp_path / "left"), namespace]


def test_a_pipeline_that_nobody_watches_any_more_stops_in_good_order(pipeline, tmp_path):
    with subprocess.Popen(
        pipeline, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert "ready" in process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait(PATIENCE_S) == 0
    assert (tmp_path / "left").read_text() == "in good order"
    assert said == "kpm: everything has stopped; the run was healthy\n"


def in_a_terminal(words: Sequence[str]) -> tuple[int, int]:
    """Start a command in a terminal of its own; gives its process and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    return pid, terminal


def ended_within_patience(pid: int) -> int:
    handle = os.pidfd_open(pid)
    try:
        assert select([handle], [], [], PATIENCE_S)[0], "it goes on running"
    finally:
        os.close(handle)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_closed_terminal_stops_a_pipeline_in_good_order(pipeline, tmp_path):
    pid, terminal = in_a_terminal(pipeline)
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1000)
    os.close(terminal)
    assert ended_within_patience(pid) == 0
    assert (tmp_path / "left").read_text() == "in good order"


WORKS = """
import sys, time
from pathlib import Path
from kpm_ros import cli
from kpm_ros.operate import doctor

def run(arguments):
    try:
        print("working", flush=True)
        time.sleep(3600)
    finally:
        Path(sys.argv[1]).write_text("tidied up")

doctor.run = run
sys.exit(cli.main(["doctor"]))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_work_that_is_stopped_is_tidied_up_and_said_so(tmp_path, number):
    command = [sys.executable, "-c", WORKS, str(tmp_path / "work")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "working\n"
        process.send_signal(number)
        said = process.stderr.read()
        assert process.wait(PATIENCE_S) == 130
    assert said == "kpm doctor: stopped before its end\n"
    assert (tmp_path / "work").read_text() == "tidied up"


def test_a_disk_that_fails_is_not_taken_for_a_closed_pipe(tmp_path):
    from kpm_ros.operate.output_readers import lost_its_reader, nobody_reads

    assert not nobody_reads()
    assert not lost_its_reader(OSError(5, "Input/output error"))
    assert not lost_its_reader(OSError(5, "Input/output error", str(tmp_path)))
