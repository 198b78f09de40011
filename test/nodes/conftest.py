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

"""ROS for tests: a domain of its own and a context of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

from kpm_ros.core import lock
from support.starvation import TRIED_FOR_S, measured_fairly, own_processes

rclpy = pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")

DOMAINS = range(60, 100)
"""Domains tests take theirs from; their ports are clear of those the system hands out."""


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


@pytest.fixture
def make_node(context: Any, node: Any) -> Iterator[Callable[..., Any]]:
    """Make nodes of a class with these parameters, in the test's namespace; they end with it."""
    made: list[Any] = []

    def make(kind: type, /, **parameters: Any) -> Any:
        given = [rclpy.Parameter(name, value=value) for name, value in parameters.items()]
        namespace = node.get_namespace()
        made.append(kind(context=context, namespace=namespace, parameter_overrides=given))
        return made[-1]

    yield make
    for one in made:
        one.stop()
        one.destroy_node()


@pytest.fixture(scope="module")
def running_stage(context: Any) -> Iterator[Any]:
    """The real graph with devices that can be broken, one for all tests of a file."""
    from support.stage import Stage, namespaces

    with Stage(context, next(namespaces("stage"))) as made:
        yield made


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave tests with a graph the time to be run again."""
    for item in items:
        if hasattr(getattr(item, "module", None), "RunningGraph"):
            item.add_marker("graph")
        if "stage" in getattr(item, "fixturenames", ()) or item.get_closest_marker("graph"):
            item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run again those tests in which a graph was starved of the processor."""
    given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    stage, folder = pyfuncitem.funcargs.get("stage"), pyfuncitem.funcargs.get("tmp_path")

    def test() -> None:
        if "tmp_path" in given:
            given["tmp_path"] = Path(mkdtemp(dir=folder))
        pyfuncitem.obj(**given)

    if stage is not None:
        stage.try_fairly(test)
    elif pyfuncitem.get_closest_marker("graph"):
        measured_fairly(test, own_processes, TRIED_FOR_S)
    else:
        return None
    return True


@pytest.fixture
def stage(running_stage: Any) -> Iterator[Any]:
    """The graph, well and acting; it must be so again, and unharmed, when the test ends."""
    yield running_stage
    running_stage.end()
