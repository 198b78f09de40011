"""Runs a command that cannot outlive the process that started it, however that one ends.

Used as a script, so that it starts in an interpreter with nothing loaded:
`python -I -S tether.py PARENT_PID COMMAND [ARGUMENT ...]`
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
HELD_BACK = (signal.SIGINT, signal.SIGTERM)
"""Signals that whoever starts this blocks: while Python starts, they would end in a traceback."""


def main() -> None:
    """Ask the kernel to kill this process when its parent ends, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the process that started this one has ended already")
    if not any(word.startswith("kpm_ros.") for word in command):
        # Programs of this package listen for them at their first line; others know nothing of it.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"{command[0]} cannot be run: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main()
