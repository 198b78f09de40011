"""ROS for tests: a domain of its own, a context of its own, and waiting for what is to happen."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kpm_ros import lock

rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

DOMAINS = range(60, 100)
"""Domains tests take theirs from; their ports are clear of those the system hands out."""


def wait_for(condition: Callable[[], Any], what: str, timeout_s: float = 20.0) -> Any:
    """Wait until the condition is true, and return what it gave; fail, saying what did not come."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)
    pytest.fail(f"waited {timeout_s:g} s in vain for {what}")


@pytest.fixture(scope="session", autouse=True)
def domain() -> Iterator[int]:
    """A ROS domain that no other test run on this machine uses at the same time."""
    before = os.environ.get("ROS_DOMAIN_ID")
    os.environ["ROS_DOMAIN_ID"] = "0"
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    for candidate in DOMAINS:
        try:
            held = lock.hold(f"test domain {candidate}")
        except lock.AlreadyRunning:
            continue
        os.environ["ROS_DOMAIN_ID"] = str(candidate)
        yield candidate
        held.release()
        break
    else:
        pytest.fail(f"all test domains from {DOMAINS[0]} to {DOMAINS[-1]} are taken")
    if before is None:
        del os.environ["ROS_DOMAIN_ID"]
    else:
        os.environ["ROS_DOMAIN_ID"] = before


@pytest.fixture(scope="session")
def context(domain: int) -> Iterator[Any]:
    """One ROS context for all nodes of the test process."""
    made = rclpy.Context()
    rclpy.init(context=made)
    yield made
    made.try_shutdown()


@pytest.fixture
def node(context: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A node of the test's own, in the namespace that it shares with nobody."""
    name = "".join(c if c.isalnum() else "_" for c in request.node.name)[:40]
    made = rclpy.create_node("tester", namespace=f"/{name}", context=context)
    yield made
    made.destroy_node()
