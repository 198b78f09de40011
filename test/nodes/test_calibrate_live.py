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

"""`kpm calibrate room --listen` beside the real graph, while somebody simulated plays."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from kpm_ros import cli
from kpm_ros.core.registration import Registration
from kpm_ros.models.weight_files import save_model
from kpm_ros.simulate.rooms import published_room
from support.graph import RunningGraph
from support.models import IN_SPACE, small
from support.witness import Witness

pytestmark = pytest.mark.graph
NAMESPACE = "test_calibrate_live"
LISTENED_S = 9
"""In which quick runs bring half as many notes again as a place is judged by."""


def quick_runs(path: Path) -> Path:
    """Up and down under five fingers, eight notes a second, for longer than any test lasts."""
    track = mido.MidiTrack()
    for note in (60, 62, 64, 65, 67, 65, 64, 62) * 120:
        track.append(mido.Message("note_on", note=note, velocity=80))
        track.append(mido.Message("note_off", note=note, time=120))
    piece = mido.MidiFile(ticks_per_beat=480, tracks=[track])
    piece.save(path)
    return path


@pytest.mark.timeout(300)
def test_registered_cameras_are_checked_by_what_is_played(
    node, context, domain, tmp_path, capfd
) -> None:
    model, room = tmp_path / "space.safetensors", tmp_path / "room.yaml"
    save_model(model, *small(streams=IN_SPACE))
    published_room().registration().write(room)
    before = Registration.read(room).cameras
    piece = quick_runs(tmp_path / "runs.mid")
    options = ["body:=plain", "emg:=false", "gesture:=false", "exo:=false", f"model:={model}"]
    options.append(f"midi:={piece}")
    with RunningGraph(NAMESPACE, options), Witness(node, NAMESPACE) as witness:
        witness.wait_until_well(timeout_s=120)
        words = ["calibrate", "room", "--listen", str(LISTENED_S), "--namespace", NAMESPACE]
        status = cli.main([*words, "--out", str(room)])
    out, err = capfd.readouterr()
    assert status == 0, err
    assert out.count("it stays") == 2
    assert Registration.read(room).cameras == before
