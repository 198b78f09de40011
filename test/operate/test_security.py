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

"""The security policy allows each node what the graph says it does, and nothing else."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from kpm_ros import graph, pipeline_nodes
from kpm_ros.core.registration import Registration
from kpm_ros.operate import security
from kpm_ros.pipeline_options import PipelineOptions, simulated_room

POLICY = Path(__file__).parents[2] / "config" / "security" / "policy.xml"


def allowed() -> dict[str, dict[tuple[str, str], set[str]]]:
    """What the shipped policy allows: names by kind and verb, by enclave."""
    found: dict[str, dict[tuple[str, str], set[str]]] = {}
    for enclave in ElementTree.parse(POLICY).iter("enclave"):
        rules = found.setdefault(enclave.attrib["path"], {})
        [profile] = enclave.iter("profile")
        for group in profile:
            [(verb, qualifier)] = group.attrib.items()
            assert qualifier == "ALLOW"
            rules[group.tag, verb] = {entry.text for entry in group}
    return found


def test_the_shipped_policy_is_the_one_made_from_the_graph():
    made = security.as_xml(PipelineOptions())
    assert POLICY.read_text() == made, (
        "run: python -m kpm_ros.operate.security > config/security/policy.xml"
    )


@pytest.mark.parametrize("source", ["simulator", "devices", "topics"])
def test_every_topic_of_every_node_is_allowed_to_the_enclave_it_runs_in(source):
    options = PipelineOptions(source=source, record="bag")
    for node in graph.build(options):
        rules = allowed()[pipeline_nodes.enclave(node, options)]
        assert set(node.publishes) <= rules["topics", "publish"]
        assert set(node.subscribes) <= rules["topics", "subscribe"]
        words = pipeline_nodes.command(node, options)
        assert words[words.index("--enclave") + 1] == pipeline_nodes.enclave(node, options)


def test_nothing_else_is_allowed():
    speakers = {
        "aligned": {"synchronizer"},
        "effort": {"inference"},
        "effort/chunks": {"inference"},
        "effort/info": {"inference"},
        "assist/command": {"exo"},
        "gesture": {"gesture"},
        "keys/events": {"simulator", "midi"},
        "camera/top/landmarks": {"simulator", "camera_top"},
        "emg/envelope": {"emg"},
    }
    for topic, nodes in speakers.items():
        may = {p for p, rules in allowed().items() if topic in rules["topics", "publish"]}
        assert may == {f"/kpm/{node}" for node in nodes}
    for path, rules in allowed().items():
        names = {name for group in rules.values() for name in group}
        assert not any("*" in name for name in names), path
    callers = {path for path, rules in allowed().items() if ("services", "request") in rules}
    assert callers == {"/kpm/operator", "/kpm/recorder"}
    recorder = {
        name.rpartition("/")[2] for name in allowed()["/kpm/recorder"]["services", "request"]
    }
    assert recorder == {"list_parameters", "get_parameters"}, "it reads, and changes nothing"


def test_another_namespace_has_enclaves_of_its_own():
    made = security.as_xml(PipelineOptions(namespace="left_hand"))
    assert 'path="/left_hand/exo"' in made
    assert "/kpm/" not in made


def test_cameras_of_another_room_and_both_hands_are_allowed_what_they_say(capsys, tmp_path):
    above, beside = Registration.read(simulated_room()).cameras.values()
    Registration({"ceiling": above, "left_wall": beside}).write(tmp_path / "room.yaml")
    words = ["model:=touchnet-sim-rooms", "hand:=both", f"registration:={tmp_path / 'room.yaml'}"]
    security.main([*words, "source:=devices"])
    policy = ElementTree.fromstring(capsys.readouterr().out.encode())
    [ceiling] = [
        one for one in policy.iter("enclave") if one.attrib["path"] == "/kpm/camera_ceiling"
    ]
    names = {entry.text for entry in ceiling.iter("topic")}
    assert {f"camera/ceiling/{side}/landmarks" for side in ("left", "right")} <= names
    assert {"camera/ceiling/image_raw", "camera/ceiling/camera_info"} <= names
    assert not any("top" in name or "wall" in name for name in names)


def test_an_option_that_there_is_not_is_refused_in_a_sentence(capsys):
    with pytest.raises(SystemExit) as ended:
        security.main(["hands:=both"])
    assert ended.value.code == 2
    assert "no option 'hands'" in capsys.readouterr().err
