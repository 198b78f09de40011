"""Waiting for what is to happen, and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

QUEUED = 10_000
"""Samples of effort that wait until a test, whose process has other work, finds time for them."""


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 20.0) -> Any:
    """Wait until the condition is true, and return what it gave; fail, saying what did not come."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    pytest.fail(f"waited {timeout_s:g} s in vain for {what}")
