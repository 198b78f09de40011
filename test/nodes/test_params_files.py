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

"""Parameters files: what is meant for a node, what is not its business, and what is a mistake."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from kpm_ros.core.params_file import Given, meant_for, read_table
from kpm_ros.core.settings import ConfigurationError, make_settings
from kpm_ros.nodes.effort_settings import ExoSettings, SynchronizerSettings
from kpm_ros.nodes.emg_node import EmgNode
from kpm_ros.nodes.exo_node import ExoNode
from kpm_ros.nodes.gesture_node import GestureNode
from kpm_ros.nodes.given_parameters import own, said_to_all
from kpm_ros.nodes.midi_node import MidiNode
from kpm_ros.nodes.simulator_node import SimulatorNode
from kpm_ros.nodes.synchronizer_node import SynchronizerNode
from kpm_ros.operate import preflight
from support.stage import namespaces
from support.starting import Starting

names = namespaces("params")


def table(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)


def test_what_comes_later_in_a_file_counts_whatever_it_is_addressed_to():
    given = meant_for(
        table(
            """
            /**: {ros__parameters: {rate_hz: 1.0, deadband: 0.1}}
            kpm: {exo: {ros__parameters: {rate_hz: 2.0}}}
            /**/exo: {ros__parameters: {rate_hz: 3.0}}
            /kpm/gesture: {ros__parameters: {rate_hz: 4.0}}
            """
        ),
        "/kpm/exo",
    )
    assert given == Given({"rate_hz": 3.0, "deadband": 0.1}, {"deadband"})


def test_what_all_nodes_are_given_is_left_to_those_who_have_it():
    given = Given({"deadband": 0.1, "hop_s": 0.02, "gians": []}, {"deadband", "hop_s", "gians"})
    values, strange = own(ExoSettings, given)
    assert values == {"deadband": 0.1}
    [sentence] = strange
    assert "'gians' is given to all nodes" in sentence
    assert "did you mean 'gains'?" in sentence


def test_lists_are_read_as_ros2_launch_writes_them(tmp_path: Path):
    path = tmp_path / "launch_params"
    path.write_text(
        "/**:\n  ros__parameters:\n"
        "    views: !!python/tuple\n    - top\n    - right\n    emg: false\n"
    )
    given = meant_for(read_table(path), "/kpm/simulator")
    assert given.values == {"views": ["top", "right"], "emg": False}


def test_a_stranger_under_a_nodes_own_name_is_refused_with_what_was_perhaps_meant():
    values, strange = own(ExoSettings, Given({"gians": []}))
    assert not strange
    with pytest.raises(ConfigurationError, match=r"'gians' \(did you mean 'gains'\?\)"):
        make_settings("exo", ExoSettings, values)


def test_what_ros_gives_to_every_node_is_not_ours():
    dumped = {
        "use_sim_time": False,
        "start_type_description_service": True,
        "qos_overrides": {"/parameter_events": {"publisher": {"depth": 1000}}},
        "hop_s": 0.02,
    }
    given = meant_for({"/kpm/synchronizer": {"ros__parameters": dumped}}, "/kpm/synchronizer")
    assert own(SynchronizerSettings, given) == ({"hop_s": 0.02}, [])


def test_a_command_lines_own_words_are_not_said_to_all(tmp_path: Path):
    file = tmp_path / "all.yaml"
    file.write_text("/**: {ros__parameters: {one: 1, two: 2, three: 3}}")
    words = ["node", "--ros-args", "--params-file", str(file), "-p", "two:=2", "-p", "exo:three:=3"]
    assert said_to_all(words, "/kpm/exo") == {"one"}


NODES: dict[type, dict[str, Any]] = {
    ExoNode: {"deadband": 0.2, "gains": ["index_abduction 1DI 0.1"]},
    GestureNode: {"heartbeat_hz": 5.0},
    SynchronizerNode: {"keys_wait_s": 0.03},
    SimulatorNode: {"body": "plain", "emg": False},
    MidiNode: {"source": "tcp_server", "tcp_port": 0},
    EmgNode: {"low_hz": 30.0, "channels": "a, b"},
}


@pytest.mark.parametrize("kind", NODES, ids=lambda kind: kind.name)
def test_a_nodes_dump_is_a_parameters_file_for_it(kind, context, make_node, tmp_path):
    node = make_node(kind, **NODES[kind])
    full_name = node.get_fully_qualified_name()
    file = tmp_path / "dump.yaml"
    file.write_text(yaml.safe_dump({full_name: {"ros__parameters": dumped(node)}}))

    again = kind(
        context=context,
        namespace=node.get_namespace(),
        cli_args=["--ros-args", "--params-file", str(file)],
    )
    again.stop()
    assert again.settings == node.settings
    assert dumped(again) == dumped(node)
    again.destroy_node()

    namespace, _, name = full_name.strip("/").rpartition("/")
    assert preflight.settings_of(name, namespace, preflight.read_parameters(file), {}) == (
        node.settings
    )


def dumped(node: Any) -> dict[str, Any]:
    """What `ros2 param dump` writes: names with dots become tables."""
    content: dict[str, Any] = {}
    for name in node.list_parameters([], 0).names:
        *tables, last = name.split(".")
        place = content
        for part in tables:
            place = place.setdefault(part, {})
        place[last] = node.get_parameter(name).value
    assert {"use_sim_time", "start_type_description_service"} <= content.keys()
    return content


def test_a_node_warns_of_what_nobody_has_and_starts(domain, tmp_path: Path):
    file = tmp_path / "mine.yaml"
    file.write_text("/**: {ros__parameters: {gians: [], hop_s: 0.02, deadband: 0.3}}")
    namespace = f"__ns:=/{next(names)}"
    words = ("--ros-args", "-r", namespace, "--params-file", str(file))
    with Starting("kpm_ros.nodes.exo_node", *words, tell_imports=False) as node:
        node.wait_for(lambda line: "ready" in line)
        node.process.send_signal(signal.SIGINT)
        status, said = node.end()
    assert status == 0
    assert "did you mean 'gains'?" in said
    assert "hop_s" not in said

    file.write_text("/**/exo: {ros__parameters: {gians: []}}")
    with Starting("kpm_ros.nodes.exo_node", *words, tell_imports=False) as node:
        status, said = node.end()
    assert status == 2
    assert "kpm_ros: exo: there is no parameter 'gians' (did you mean 'gains'?)" in said
