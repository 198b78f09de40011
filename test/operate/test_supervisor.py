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

"""Processes are kept running, stopped, and never left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from kpm_ros.operate.process import Command
from kpm_ros.operate.supervisor import Policy, Supervisor
from support.ended import PATIENCE_S, exit_of, wait_for

WAITS = "import signal; print('ready', flush=True); signal.pause()"
STOPS_POLITELY = f"""
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit(0))
{WAITS}
"""
STUBBORN = f"""
import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGTERM, signal.SIG_IGN)
{WAITS}
signal.pause()
"""
FAILS = "print('the reason'); raise SystemExit(3)"
REFUSES = "print('kpm_ros: hop_s is 0, but must be above 0'); print('bye'); raise SystemExit(2)"

QUICK = Policy(first_delay_s=0.01, longest_delay_s=0.02, limit=3)


def python(name: str, script: str) -> Command:
    return Command(name, (sys.executable, "-uc", script))


def advance(supervisor: Supervisor, reached: Callable[[], bool]) -> None:
    """Let things happen until a condition holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not reached():
        assert time.monotonic() < deadline, "nothing of the kind happened"
        supervisor.step(0.05)


def said(supervisor: Supervisor, name: str, line: str) -> Callable[[], bool]:
    return lambda: line in supervisor.processes[name].lines


def test_a_run_that_is_stopped_on_request_is_healthy():
    supervisor = Supervisor([python("a", STOPS_POLITELY), python("b", STOPS_POLITELY)], QUICK)
    with supervisor:
        for name in "ab":
            advance(supervisor, said(supervisor, name, "ready"))
    assert (supervisor.exit_status, supervisor.problems) == (0, [])
    assert supervisor.finished


def test_a_process_ended_by_the_signal_itself_counts_as_stopped():
    with Supervisor([python("a", WAITS)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
    assert supervisor.exit_status == 0


def test_what_crashes_is_started_again_and_the_run_is_not_healthy(tmp_path):
    script = f"""
from pathlib import Path
runs = Path({str(tmp_path / "runs")!r})
runs.open("a").write("x")
if len(runs.read_text()) < 3:
    raise SystemExit("broken")
{STOPS_POLITELY}
"""
    with Supervisor([python("a", script), python("b", STOPS_POLITELY)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
        advance(supervisor, said(supervisor, "b", "ready"))
        assert supervisor.processes["a"].restarts == 2
        assert supervisor.processes["b"].restarts == 0
    assert supervisor.exit_status == 1
    assert supervisor.problems == ["a ended by itself 2 times (exit status 1: broken)"]


def test_a_process_killed_from_outside_comes_back():
    with Supervisor([python("a", STOPS_POLITELY)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
        first = supervisor.processes["a"].pid
        os.kill(first, signal.SIGKILL)
        advance(supervisor, lambda: supervisor.processes["a"].pid not in (None, first))
        advance(supervisor, lambda: list(supervisor.processes["a"].lines).count("ready") == 2)
    assert supervisor.problems == ["a ended by itself once (killed by SIGKILL: ready)"]


def test_delays_grow_up_to_the_longest():
    delays = []
    policy = Policy(first_delay_s=0.01, longest_delay_s=0.03, limit=4)
    with Supervisor([python("a", FAILS)], policy) as supervisor:
        process = supervisor.processes["a"]
        while not supervisor.finished:
            supervisor.step(0.05)
            if process.due is not None and len(process.ends) > len(delays):
                delays.append(round(process.due - process.ends[-1].at, 6))
    assert delays[:1] == [0.01]
    assert delays == sorted(delays)
    assert max(delays) <= 0.03


def test_past_the_limit_everything_stops_and_the_culprit_is_named():
    supervisor = Supervisor([python("bad", FAILS), python("good", STOPS_POLITELY)], QUICK)
    assert supervisor.run() == 1
    assert supervisor.processes["bad"].restarts == QUICK.limit
    assert "bad was started again 3 times" in supervisor.problems[-1]
    assert supervisor.last_words()[-1] == "bad | the reason"
    assert not any("good" in problem for problem in supervisor.problems)


def test_a_refused_configuration_is_not_tried_again_and_its_sentence_comes_last():
    supervisor = Supervisor([python("bad", REFUSES), python("good", STOPS_POLITELY)], QUICK)
    assert supervisor.run() == 2
    assert supervisor.processes["bad"].restarts == 0
    assert supervisor.problems[-1] == "hop_s is 0, but must be above 0"


def test_without_respawn_any_end_ends_the_run():
    supervisor = Supervisor(
        [python("short", "print('done')"), python("long", STOPS_POLITELY)], Policy(respawn=False)
    )
    assert supervisor.run() == 1
    assert supervisor.problems == ["short ended by itself once (exit status 0: done)"]


def test_a_program_that_does_not_exist_is_said_so():
    supervisor = Supervisor([Command("ghost", ("/no/such/program",))], Policy(respawn=False))
    assert supervisor.run() == 1
    assert "/no/such/program cannot be run" in supervisor.problems[-1]


def test_what_does_not_stop_when_asked_is_killed_and_reported():
    policy = Policy(interrupt_grace_s=0.1, terminate_grace_s=0.1)
    with Supervisor([python("a", STUBBORN)], policy) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
    assert supervisor.exit_status == 1
    assert supervisor.problems == ["a did not stop when asked and was killed"]


def test_asking_again_loses_patience():
    with Supervisor([python("a", STUBBORN)], Policy(interrupt_grace_s=3600)) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
        for _ in range(3):
            supervisor.stop()
            supervisor.step()
        advance(supervisor, lambda: supervisor.finished)


def test_being_stopped_while_still_starting_is_no_failure():
    interrupted = f"""
import signal, sys
def fail(*_):
    print("Traceback", "KeyboardInterrupt", sep="\\n", flush=True)
    sys.exit(1)
signal.signal(signal.SIGINT, fail)
{WAITS}
"""
    with Supervisor([python("a", interrupted)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
    assert supervisor.problems == []


def test_failing_while_stopping_is_not_healthy():
    script = f"""
import signal, sys
signal.signal(signal.SIGINT, lambda *_: sys.exit("kpm_ros: the disk is full"))
{WAITS}
"""
    with Supervisor([python("a", script)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
    assert supervisor.exit_status == 1
    assert supervisor.last_words()[-1] == "a | kpm_ros: the disk is full"
    assert supervisor.problems == ["a failed while stopping (exit status 1: the disk is full)"]


def test_every_line_reaches_the_listener_and_the_newest_are_kept():
    script = "for i in range(300): print('line', i)"
    heard = []
    supervisor = Supervisor([python("a", script)], Policy(respawn=False), heard.append)
    supervisor.run()
    lines = [line.text for line in heard if line.name == "a"]
    assert lines == [f"line {i}" for i in range(300)]
    assert list(supervisor.processes["a"].lines) == lines[-200:]


def test_a_closed_terminal_does_not_stop_the_supervisor():
    def broken(line):
        raise BrokenPipeError

    with Supervisor([python("a", STOPS_POLITELY)], QUICK, broken) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
    assert supervisor.exit_status == 0


def test_what_a_dead_process_had_started_ends_too():
    script = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
print(child.pid)
raise SystemExit(1)
"""
    supervisor = Supervisor([python("a", script)], Policy(respawn=False))
    assert supervisor.run() == 1
    grandchild = int(supervisor.processes["a"].lines[0])
    with suppress(ProcessLookupError):
        wait_for(exit_of(grandchild))


def test_an_error_in_the_caller_stops_everything_all_the_same():
    supervisor = Supervisor([python("a", STOPS_POLITELY)], QUICK)
    handles = []

    def fail_while_it_runs() -> None:
        with supervisor:
            advance(supervisor, said(supervisor, "a", "ready"))
            handles.append(exit_of(supervisor.processes["a"].pid))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_it_runs()
    wait_for(handles[0])


def test_cost_is_told_per_process_and_survives_a_restart():
    busy = "import time\nwhile time.process_time() < 0.3: pass\n"
    with Supervisor([python("a", busy + STOPS_POLITELY)], QUICK) as supervisor:
        advance(supervisor, said(supervisor, "a", "ready"))
        before = supervisor.usage()["a"]
        assert before.cpu_s >= 0.25
        assert before.memory_bytes > 1e6
        os.kill(supervisor.processes["a"].pid, signal.SIGKILL)
        advance(supervisor, lambda: list(supervisor.processes["a"].lines).count("ready") == 2)
        assert supervisor.usage()["a"].cpu_s >= before.cpu_s + 0.25


SUPERVISED_RUN = """
import sys
from kpm_ros.operate.process import Command
from kpm_ros.core.signals import StopRequests
from kpm_ros.operate.supervisor import Supervisor

script = '''import os, signal, sys
signal.signal(signal.SIGINT, {handler})
signal.signal(signal.SIGTERM, {handler})
print("pid", os.getpid(), flush=True)
while True: signal.pause()
'''
polite = script.replace("{handler}", "lambda *_: sys.exit(0)")
stubborn = script.replace("{handler}", "signal.SIG_IGN")
def show(line):
    print(line.text, flush=True)
scripts = (polite, polite) if sys.argv[1] == "polite" else (stubborn, stubborn)
commands = [Command(str(i), (sys.executable, "-uc", s)) for i, s in enumerate(scripts)]
with StopRequests() as stop_requests:
    raise SystemExit(Supervisor(commands, listener=show).run(stop_requests))
"""


@pytest.fixture
def supervised_run():
    started = []

    def start(manner: str) -> tuple[subprocess.Popen, list[int]]:
        process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISED_RUN, manner], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        handles = [exit_of(int(process.stdout.readline().split()[1])) for _ in range(2)]
        return process, handles

    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_run_in_good_order(supervised_run, number):
    process, handles = supervised_run("polite")
    process.send_signal(number)
    assert process.wait(PATIENCE_S) == 0
    for handle in handles:
        wait_for(handle)


def test_no_process_outlives_a_supervisor_that_is_killed(supervised_run):
    process, handles = supervised_run("stubborn")
    process.kill()
    for handle in handles:
        wait_for(handle)
