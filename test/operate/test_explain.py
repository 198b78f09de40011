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

"""`kpm explain`: the input that was late, the stage that took long, what was said, the moment."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.core.chunks import EffortChunk, Trace
from kpm_ros.core.flags import Flag
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.sense.samples import HAND, LandmarkFrame
from support import bags
from support.bags import MS, T0, S

SECONDS = 10
FAULT_NS = T0 + 6 * S
"""For 200 ms from here on."""


def recorded(folder, camera_late=0, network_late=0, silent=False, flags=0):
    """A run of 10 s in which something is wrong for 200 ms."""
    entries = []
    for frame in range(SECONDS * 50):
        stamp = T0 + frame * 20 * MS
        wrong = FAULT_NS <= stamp < FAULT_NS + 200 * MS
        for view in ("top", "right"):
            ill = wrong and view == "right"
            if ill and silent:
                continue
            came = stamp + 15 * MS + (camera_late if ill else 0)
            points = np.full((21, 3), 0.5, np.float32)
            sample = LandmarkFrame(stamp, view, frame, points, 0.9, HAND, "right", (640, 480), came)
            entries.append(bags.entry(sample, came))
    for part in range(SECONDS * 100):
        stamp = T0 + part * 10 * MS
        wrong = FAULT_NS <= stamp < FAULT_NS + 200 * MS
        aligned = stamp + 40 * MS + (camera_late if wrong else 0)
        estimated = aligned + 2 * MS + (network_late if wrong else 0)
        trace = Trace(
            stamp - 10 * MS, stamp + 5 * MS, stamp + 6 * MS, aligned, estimated, estimated + MS
        )
        values = np.full((20, len(MUSCLES)), 0.2, np.float32)
        bits = np.full(20, flags if wrong else 0, np.uint16)
        entries.append(bags.entry(EffortChunk(stamp, part * 20, values, bits, trace), estimated))
    return bags.write(folder, entries)


def told(capsys, *words):
    assert main(["explain", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_the_worst_moment_is_found_and_the_late_camera_and_the_stage_are_named(tmp_path, capsys):
    said = told(capsys, recorded(tmp_path / "bag", camera_late=120 * MS), "--moments", "1")
    at_s = float(said.split(" s into")[0].split(", ")[1])
    assert 5.95 <= at_s < 6.2  # the bag begins when its first message came
    assert "effort came 163 ms after its instant (usual 43)" in said
    assert "alignment, which waits for inputs took 154 ms (usual 34)" in said
    assert "/kpm/camera/right/landmarks: it came 135 ms after its instant (usual 15)" in said
    assert "/kpm/camera/top" not in said
    assert "the network" not in said


def test_a_slow_network_is_told_from_late_inputs(tmp_path, capsys):
    said = told(capsys, recorded(tmp_path / "bag", network_late=80 * MS), "--at", "6.1")
    assert "the network took 82 ms (usual 2)" in said
    assert "alignment" not in said
    assert "camera" not in said


def test_an_input_that_is_silent_and_flags_are_told(tmp_path, capsys):
    flags = int(Flag.POSE_STALE | Flag.INVALID)
    bag = recorded(tmp_path / "bag", silent=True, flags=flags)
    said = told(capsys, bag, "--at", "6.165")
    assert "right/landmarks: it stood still for 200 ms (usual 20)" in said
    assert "flags: pose stale, invalid, so nothing acts on it" in said
    assert "10 of 25 of the last 0.5 s were lost" in told(capsys, bag, "--at", "6.3")


def test_of_a_usual_moment_nothing_is_told(tmp_path, capsys):
    said = told(capsys, recorded(tmp_path / "bag", camera_late=120 * MS), "--at", "3")
    assert "nothing around it was unusual" in said


def test_a_moment_is_named_by_the_clock_too(tmp_path, capsys):
    bag = recorded(tmp_path / "bag", network_late=80 * MS)
    clock = datetime.fromtimestamp((FAULT_NS + 100 * MS) / 1e9).strftime("%H:%M:%S.%f")
    assert "the network took" in told(capsys, bag, "--at", clock)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--at", "400"], "but the bag is 1"),
        (["--at", "noon"], "must be seconds such as 12.5, or a time such as 14:03:22"),
        (["--moments", "0"], "--moments is 0"),
    ],
)
def test_a_moment_that_is_not_in_the_bag_is_refused(tmp_path, capsys, words, sentence):
    bag = recorded(tmp_path / "bag")
    assert main(["explain", str(bag), *words]) == 2
    assert sentence in capsys.readouterr().err


def test_a_bag_without_traces_is_refused(tmp_path, capsys):
    bag = bags.write(tmp_path / "bag", bags.entries(bags.played(1.0)))
    assert main(["explain", str(bag)]) == 2
    assert "holds no effort/chunks" in capsys.readouterr().err
