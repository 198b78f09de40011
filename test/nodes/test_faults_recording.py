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

"""The recorder dies, or its disk is full: the pipeline goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kpm_ros.replay.bag_reader import BagReader
from support.graph import RunningGraph
from support.stage import namespaces
from support.waiting import wait_for
from support.witness import Witness

names = namespaces("recording")
DISK_BYTES = 2 << 20
PIECE_BYTES = 1 << 20
OPTIONS = ("exo:=false", "gesture:=false", "body:=plain")


@pytest.fixture
def tiny_disk(tmp_path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"no small disk can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def assert_goes_on(witness):
    witness.wait_for_effort(1000)
    witness.wait_until_well()
    assert witness.broken == []
    assert witness.old_s == []


def size_of(folder):
    return sum(file.stat().st_size for file in folder.glob("*"))


def assert_kept(folder, reached_disk):
    """What had reached the disk can be read, but for the last piece, and what goes with messages.

    The smallest are as long as what is stored beside each.
    """
    with BagReader(folder) as reading:
        assert sum(len(message.data) for message in reading.messages()) > reached_disk / 2


def test_a_full_disk_ends_the_recording_and_nothing_else(node, domain, tiny_disk):
    bag = tiny_disk / "bag"
    with RunningGraph(next(names), [f"record:={bag}", *OPTIONS]) as graph:
        with Witness(node, graph.namespace) as witness:
            witness.wait_until_well()
            witness.wait_for_report("recorder", "recording has stopped")
            assert "No space left" in witness.message("recorder")
            assert witness.level("recorder") == 2
            assert_goes_on(witness)
        assert graph.stop() == 1
        assert "kpm: recorder failed while stopping (exit status 1: recording has" in graph.output
        assert "the run was healthy" not in graph.output
        assert "Traceback" not in graph.output
    # A piece is a megabyte; one more did not find room.
    assert_kept(bag, DISK_BYTES - PIECE_BYTES)


def test_a_recorder_that_died_goes_on_beside_what_it_had_recorded(node, domain, tmp_path):
    """The second recording then meets a limit on its size, as under a quota."""
    bag = tmp_path / "bag"
    second = bag.with_name("bag-2")
    with RunningGraph(next(names), [f"record:={bag}", *OPTIONS]) as graph:
        with Witness(node, graph.namespace) as witness:
            witness.wait_until_well()
            wait_for(lambda: size_of(bag) > 100_000, "a recording")
            reached_disk = size_of(bag)
            killed = graph.kill("recorder")
            wait_for(lambda: graph.pid_of("recorder") not in (None, killed), "the recorder again")
            wait_for(lambda: size_of(second) > 100_000, "another recording")
            limit = size_of(second) + 100_000
            recorder = psutil.Process(graph.pid_of("recorder"))
            recorder.rlimit(psutil.RLIMIT_FSIZE, (limit, limit))
            witness.wait_for_report("recorder", "recording has stopped")
            assert_goes_on(witness)
        assert graph.stop() == 1
        assert "recorder ended by itself" in graph.output
        assert "Traceback" not in graph.output
    assert_kept(bag, reached_disk)
    assert_kept(second, limit - 100_000)
