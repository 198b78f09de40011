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


@pytest.mark.timeout(300)
def test_registered_cameras_are_checked_by_what_is_played(
    node, context, domain, tmp_path, capfd
) -> None:
    model, room = tmp_path / "space.safetensors", tmp_path / "room.yaml"
    save_model(model, *small(streams=IN_SPACE))
    published_room().registration().write(room)
    before = Registration.read(room).cameras
    options = ["body:=plain", "emg:=false", "gesture:=false", "exo:=false", f"model:={model}"]
    with RunningGraph(NAMESPACE, options), Witness(node, NAMESPACE) as witness:
        witness.wait_until_well(timeout_s=120)
        words = ["calibrate", "room", "--listen", "20", "--namespace", NAMESPACE]
        status = cli.main([*words, "--out", str(room)])
    out, err = capfd.readouterr()
    assert status == 0, err
    assert out.count("it stays") == 2
    assert Registration.read(room).cameras == before
