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

"""Whoever asks a program to stop is heard, at every moment and without a traceback."""

from __future__ import annotations

import ctypes
import random
import signal
import subprocess
import sys
import threading

import pytest

from kpm_ros.core.signals import INSIST_AFTER_S, StopRequests, interrupts
from support.starting import Starting

PATIENCE_S = 60.0

COMPILES = """
import hashlib
from kpm_ros.core.signals import StopRequests

with StopRequests() as stop, stop.ending_within(0.05, status=7):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # one call into C, for hours
"""

HAS_STEPS = """
import time
from kpm_ros.core.signals import StopRequested, StopRequests

try:
    with StopRequests() as stop, stop.ending_within(60):
        print("ready", flush=True)
        while True:
            stop.check()
            time.sleep(0.001)  # a step of the work
except StopRequested:
    print("gave up")
"""


def told(script: str, number: signal.Signals) -> tuple[int, str]:
    """Run a script, send it a signal once it is ready, and give its status and last words."""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        said, _ = process.communicate(timeout=PATIENCE_S)
    return process.returncode, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_what_nothing_can_interrupt_is_ended_in_bounded_time(number):
    assert told(COMPILES, number) == (7, "")


def test_work_with_steps_gives_up_between_two_of_them():
    assert told(HAS_STEPS, signal.SIGINT) == (0, "gave up\n")


def test_a_second_request_ends_at_once_where_that_is_asked_for():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit), StopRequests(second_ends=True) as stop:
        signal.raise_signal(signal.SIGTERM)
        assert stop.count == 1
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


def test_an_interrupt_that_a_callback_swallows_is_raised_again():
    swallows = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))
    swallowed = False
    with pytest.raises(KeyboardInterrupt), interrupts():
        swallows()
        swallowed = True
        threading.Event().wait(PATIENCE_S)
    assert swallowed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_that_comes_while_one_is_told_as_lost_is_raised_afterwards(monkeypatch):
    """As on a busy machine, where telling takes longer than the pause before the next."""
    swallows = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))
    started = threading.Thread.start

    def slowly(thread):
        started(thread)
        threading.Event().wait(5 * INSIST_AFTER_S)

    monkeypatch.setattr(threading.Thread, "start", slowly)
    with pytest.raises(KeyboardInterrupt), interrupts():
        swallows()
        threading.Event().wait(PATIENCE_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_that_is_stopped_while_it_starts_says_nothing(number):
    draw = random.Random(4)
    moments = sorted(draw.sample(range(160), 5))
    for moment in moments:
        with Starting("kpm_ros.cli", "info") as command:
            command.wait_for_import(moment)
            command.process.send_signal(number)
            status, said = command.end()
        # Ended by the signal, or by the command itself, or done before it came.
        assert status in (-number, 128 + number, 0, 2), (moment, said)
        assert "Traceback" not in said, (moment, said)
        assert "KeyboardInterrupt" not in said, (moment, said)
