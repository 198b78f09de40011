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

"""Runs a command that cannot outlive the process that started it, however that one ends.

Used as a script, so that it starts in an interpreter with nothing loaded:
`python -I -S die_with_parent.py PARENT_PID [--patience S] COMMAND [ARGUMENT ...]`

Without patience this process becomes the command, which the kernel kills with its parent. With it,
this process stays beside the command and passes signals on; when the parent ends, the command is
asked to stop (SIGTERM), such as to let a machine go and to finish a bag, and is killed only if it
has not done so within S seconds.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
HELD_BACK = (signal.SIGINT, signal.SIGTERM)
"""Signals that whoever starts this blocks: while Python starts, they would end in a traceback."""
OURS = "/lib/kpm_ros/"
"""Folder in which ROS finds this package's programs."""
ORPHANED = signal.SIGUSR1
"""Tells the one who stays that its parent has ended; nothing else sends it."""
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
AWAITED = (*PASSED_ON, ORPHANED, signal.SIGCHLD)


def wrapping() -> list:
    """Give the words before a command that make it end with this process."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid())]


def main() -> None:
    """Become the command, or stay beside it."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if command[0] == "--patience":
        _stay(parent, float(command[1]), command[2:])
    else:
        _end_with(parent, signal.SIGKILL)
        _become(command)


def _end_with(parent: int, number: int) -> None:
    """Have the kernel send a signal to this process when its parent ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended already")


def _become(command: list) -> None:
    # Programs of this package listen for them at their first line; others know nothing of it.
    ours = any(word.startswith("kpm_ros.") for word in command) or OURS in command[0]
    signal.pthread_sigmask(signal.SIG_BLOCK if ours else signal.SIG_UNBLOCK, HELD_BACK)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}", file=sys.stderr, flush=True)
        os._exit(127)


def _stay(parent: int, patience_s: float, command: list) -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, AWAITED)
    _end_with(parent, ORPHANED)
    own = os.getpid()
    child = os.fork()
    if child == 0:
        _end_with(own, signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        _become(command)
    _end_as(_watch(child, patience_s))


def _watch(child: int, patience_s: float) -> int:
    """Wait for the command's end, however it comes about, and give its status."""
    deadline = None
    while True:
        if deadline is None:
            number = signal.sigwait(AWAITED)
        else:
            found = signal.sigtimedwait(AWAITED, max(0.0, deadline - time.monotonic()))
            number = found.si_signo if found else signal.SIGKILL
            deadline = deadline if found else None
        if number == ORPHANED:
            deadline = time.monotonic() + patience_s
            number = signal.SIGTERM
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status


def _end_as(status: int) -> None:
    """End as the command did."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main()
