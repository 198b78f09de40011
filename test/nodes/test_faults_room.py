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

"""A camera of the real graph is knocked while somebody plays, with assistance in force."""

from __future__ import annotations

import itertools
import time

import pytest
from kpm_ros.msg import Landmarks
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.parameter import Parameter

from kpm_ros.core.flags import Flag
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.models.weight_files import save_model
from kpm_ros.nodes import qos
from kpm_ros.nodes.polling import PolledSubscription
from support.asking import armed, called
from support.graph import RunningGraph
from support.models import IN_SPACE, small
from support.waiting import wait_for
from support.witness import Witness, recovery_ms, time_to_zero_ms

names = (f"room_{i}" for i in itertools.count())
USUAL = ["body:=plain", "emg:=false", "gesture:=false"]
MUSCLES = ("ADM", "PB", "1DI", "2DI", "3DI", "4DI")
KNOCKED = Flag.UNFAMILIAR | Flag.CAMERA_MOVED | Flag.INVALID


def knock(context, node, namespace: str) -> None:
    """Push the camera above the keys, at once."""
    given = Parameter("knock", value="top,0,0.06,0.06,-0.05").to_parameter_msg()
    request = SetParametersAtomically.Request(parameters=[given])
    service = f"/{namespace}/simulator/set_parameters_atomically"
    answer = called(context, node, SetParametersAtomically, service, request)
    assert answer.result.successful, answer.result.reason


@pytest.mark.timeout(500)
def test_no_torque_when_a_camera_is_knocked_until_it_is_found_again(
    node, context, domain, record_property
) -> None:
    namespace = next(names)
    options = [*USUAL, "model:=touchnet-sim-rooms"]
    with RunningGraph(namespace, options), Witness(node, namespace) as witness:
        witness.wait_until_well(timeout_s=240)
        wait_for(lambda: armed(context, node, namespace), "assistance to be armed")
        wait_for(lambda: any(witness.torque), "torque", 30)
        place, began_ns = witness.taken, time.time_ns()
        knock(context, node, namespace)
        witness.wait_for_flags(KNOCKED, 60)
        witness.wait_for_report("synchronizer", "camera 'top' no longer stands where it was")
        witness.wait_for_report("inference", "unfamiliar, camera moved")
        time_to_zero_ms(record_property, witness, began_ns)
        recovery_ms(record_property, witness, time.time_ns())
        witness.wait_for_figure("synchronizer", "cameras_found_again")
        # It took longer than a break may last that heals by itself.
        assert not any(witness.torque)
        wait_for(lambda: armed(context, node, namespace), "assistance to be armed again")
        wait_for(lambda: any(witness.torque), "torque", 30)
        seen = witness.since(place)
        moved = (seen.flags & Flag.CAMERA_MOVED) != 0
        assert ((seen.flags[moved] & KNOCKED) == KNOCKED).all()
        assert not witness.broken


@pytest.mark.timeout(500)
def test_both_hands_are_estimated_and_neither_in_a_room_that_is_not_known(
    node, context, domain, tmp_path
) -> None:
    namespace, model = next(names), tmp_path / "space.safetensors"
    save_model(model, *small(streams=IN_SPACE))
    options = [*USUAL, "exo:=false", "hand:=both", f"model:={model}"]
    views = {
        side: PolledSubscription(
            node,
            Landmarks,
            f"/{namespace}/camera/top/{side}/landmarks",
            qos.of("camera/top/landmarks"),
        )
        for side in SIDES
    }
    with RunningGraph(namespace, options), Witness(node, namespace) as witness:
        witness.wait_until_well(timeout_s=240)
        both = [f"{side}_{muscle}" for side in ("L", "R") for muscle in MUSCLES]
        assert witness.reader.muscles == tuple(both)
        assert witness.since(witness.taken - 1).effort.shape == (1, 12)
        for side, view in views.items():
            [message, _] = wait_for(lambda view=view: view.take()[-1:], f"a {side} hand")[0]
            assert message.side == side
            assert len(message.points) == 21 * 3
        knock(context, node, namespace)
        neither = KNOCKED | Flag.LEFT_INVALID | Flag.RIGHT_INVALID
        witness.wait_for_flags(neither, 60)
        witness.wait_for_zero()
        assert not witness.broken
