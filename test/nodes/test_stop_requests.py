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

"""A node that is told to stop while it starts does so, at every moment and without a traceback."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

import pytest

from support.stage import namespaces
from support.starting import Starting
from support.waiting import wait_for

names = namespaces("stopped")
PATIENCE_S = 30.0


def starting(node: str, tell_imports: bool = True, **env: str) -> Starting:
    words = ("--ros-args", "-r", f"__ns:=/{next(names)}")
    module = f"kpm_ros.nodes.{node}_node"
    return Starting(module, *words, env={**os.environ, **env}, tell_imports=tell_imports)


def assert_quiet(status: int, said: str) -> None:
    assert status == 0, said
    for word in ("Traceback", "KeyboardInterrupt", "Exception", "SystemExit"):
        assert word not in said, said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_node_that_is_stopped_during_its_imports_ends_quietly(domain, number):
    draw = random.Random(int(number))
    for moment in sorted(draw.sample(range(370), 4)):
        with starting("exo") as node:
            node.wait_for_import(moment)
            node.process.send_signal(number)
            assert_quiet(*node.end(PATIENCE_S))


def test_a_node_that_is_stopped_once_it_is_ready_ends_quietly(domain):
    with starting("exo") as node:
        node.wait_for(lambda line: "ready" in line)
        node.process.send_signal(signal.SIGINT)
        status, said = node.end(PATIENCE_S)
        assert_quiet(status, said)
        assert "ready" in said


def test_a_node_that_is_stopped_while_it_compiles_does_not_run_on(domain, tmp_path: Path):
    with starting("inference", tell_imports=False, XDG_CACHE_HOME=str(tmp_path)) as node:
        # Compiled code is kept function by function: with the first of them, others are to come.
        wait_for(
            lambda: any(tmp_path.rglob("*.nbi")) or node.process.poll() is not None,
            "the first compiled function",
            PATIENCE_S,
        )
        node.process.send_signal(signal.SIGINT)
        status, said = node.end(PATIENCE_S)
        assert_quiet(status, said)
        assert "ready" not in said
