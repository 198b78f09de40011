"""Waiting for the end of a process that is not a child of the test."""

from __future__ import annotations

import os
import select

PATIENCE_S = 30.0


def exit_of(pid: int) -> int:
    """Open a handle that becomes readable when the process ends."""
    return os.pidfd_open(pid)


def wait_for(handle: int) -> None:
    """Wait until the process has ended."""
    assert select.select([handle], [], [], PATIENCE_S)[0], "the process goes on running"
    os.close(handle)
