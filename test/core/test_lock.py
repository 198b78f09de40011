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

"""One of a kind at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kpm_ros.core.lock import AlreadyRunning, hold, lock_path

HOLDER = """
import sys
from kpm_ros.core.lock import hold
lock = hold("tested thing")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("ROS_DOMAIN_ID", "7")


@pytest.fixture
def holder():
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_holder_is_refused_by_name_and_process(holder):
    with pytest.raises(AlreadyRunning, match=rf"tested thing is already running.*{holder.pid}"):
        hold("tested thing")


def test_a_killed_holder_frees_the_lock(holder):
    holder.kill()
    holder.communicate()
    hold("tested thing").release()


def test_other_names_and_other_domains_are_free(holder, monkeypatch):
    with hold("another thing"):
        monkeypatch.setenv("ROS_DOMAIN_ID", "8")
        with hold("tested thing"):
            pass


def test_released_twice_is_harmless_and_frees_it_once():
    lock = hold("tested thing")
    lock.release()
    lock.release()
    with hold("tested thing"), pytest.raises(AlreadyRunning):
        hold("tested thing")


def test_names_with_slashes_stay_apart(tmp_path):
    paths = {lock_path(name) for name in ("a/b", "a_b", "a b", "a%2Fb")}
    assert len(paths) == 4
    assert {path.parent for path in paths} == {tmp_path}


def test_without_a_runtime_folder_the_temporary_one_is_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert lock_path("x").parent == tmp_path
    assert str(os.getuid()) in lock_path("x").name
