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

"""The graph is whole: every node, topic and option in it exists and fits the others."""

from __future__ import annotations

import importlib.util
from dataclasses import fields, replace
from pathlib import Path

import pytest
import yaml

from kpm_ros import diagram, graph, pipeline_nodes, pipeline_topics
from kpm_ros.core.resources import config_dir
from kpm_ros.core.settings import make_settings
from kpm_ros.core.subjects import find_subject
from kpm_ros.nodes import node_settings
from kpm_ros.nodes.effort_settings import SynchronizerSettings
from kpm_ros.pipeline_nodes import shared_parameters
from kpm_ros.pipeline_options import OPTIONS, PipelineOptions
from kpm_ros.pipeline_topics import DEAD_MAN, SPOKEN_BY_EVERY_NODE, TOPICS
from support.bodies import saved_body_model

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = PipelineOptions(drive="here", record="somewhere")
NODES = graph.build(EVERYTHING)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_node_has_its_module_and_its_settings(node):
    assert importlib.util.find_spec(node.module) is not None
    make_settings(node.name, node_settings.NODES[node.name], node.parameters)


@pytest.mark.parametrize("node", NODES, ids=lambda node: node.name)
def test_every_topic_of_a_node_is_in_the_table(node):
    for name in (*node.publishes, *node.subscribes):
        assert pipeline_topics.topic(name) in TOPICS


def test_every_topic_that_is_read_is_also_written():
    written = {name for node in NODES for name in node.publishes}
    written |= {*SPOKEN_BY_EVERY_NODE, DEAD_MAN.name}
    read = {name for node in NODES for name in node.subscribes}
    assert read <= written
    recorder = next(node for node in NODES if node.name == "recorder")
    assert set(recorder.subscribes) == written


def test_senses_are_what_drivers_say_and_nothing_else():
    said = set()
    for source in ("simulator", "devices"):
        options = PipelineOptions(source=source)
        nodes = graph.build(options)
        drivers = nodes[: [node.name for node in nodes].index("synchronizer")]
        said |= {name for node in drivers for name in node.publishes}
    # An envelope is what a driver makes of the samples.
    assert set(graph.senses(options)) == said - {"emg/envelope"}


def test_a_recorded_run_begins_with_its_recorder():
    for record, begins_with in (("", None), ("bag", "recorder")):
        nodes = {node.name: node for node in graph.build(PipelineOptions(record=record))}
        assert nodes["synchronizer"].parameters.get("begin_with") == begins_with


def test_every_message_of_ours_has_its_definition():
    ours = [topic.type for topic in TOPICS if topic.type.startswith("kpm_ros/")]
    assert ours
    for name in ours:
        assert (ROOT / "msg" / f"{name.rpartition('/')[2]}.msg").is_file()


def test_every_topic_has_a_qos_profile():
    pytest.importorskip("rclpy")
    from kpm_ros.nodes import qos

    for topic in TOPICS:
        assert qos.of(topic.name.replace("{view}", "top")) is not None


def test_a_topic_that_is_not_in_the_graph_is_not_found():
    assert pipeline_topics.topic("camera/left/landmarks").name == "camera/{view}/landmarks"
    for name in ("camera/left", "camera/left/hands", "efort"):
        with pytest.raises(KeyError, match=name):
            pipeline_topics.topic(name)


def test_the_options_on_paper_are_those_in_force():
    assert [option.name for option in OPTIONS] == [field.name for field in fields(PipelineOptions)]
    defaults = {option.name: option.default for option in OPTIONS}
    assert PipelineOptions.from_strings(defaults) == PipelineOptions()
    assert all(option.description for option in OPTIONS)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("source", "gamepad", "auto, simulator, devices, topics"),
        ("subject", "horse", "hand, body"),
        ("emg", "perhaps", "true, false"),
        ("namespace", "1st", "ROS name"),
        ("namespace", "", "ROS name"),
        ("log_level", "loud", "debug"),
        ("wiews", "top", "no option 'wiews'"),
    ],
)
def test_a_wrong_option_is_refused_in_words(name, value, says):
    with pytest.raises(ValueError, match=says):
        PipelineOptions.from_strings({name: value})


def test_options_choose_the_nodes():
    names = [node.name for node in graph.build(PipelineOptions())]
    assert names == ["simulator", "synchronizer", "inference", "exo", "gesture"]
    lean = PipelineOptions(source="topics", exo=False, gesture=False)
    assert [node.name for node in graph.build(lean)] == ["synchronizer", "inference"]
    silent = graph.build(PipelineOptions(emg=False))[0]
    assert "emg/samples" not in silent.publishes


def test_a_body_has_one_camera_no_piano_and_parameters_of_its_own(tmp_path):
    options = PipelineOptions(
        subject="body", model=str(saved_body_model(tmp_path)), cameras=("0",), emg=False
    )
    nodes = {node.name: node for node in graph.build(options)}
    assert list(nodes) == ["camera_front", "synchronizer", "inference", "exo", "gesture"]
    camera = {"source": "0", "view": "front", "skeleton": "mediapipe-body"}
    assert nodes["camera_front"].parameters == camera
    assert nodes["exo"].parameters["gains"][0] == "left_knee LQuad 4"
    for node in nodes.values():
        make_settings(node.name, node_settings.KINDS[node.executable], node.parameters)
    simulated = replace(options, source="simulator")
    first = graph.build(simulated)[0]
    assert first.publishes == ("camera/front/landmarks",)
    assert first.parameters["subject"] == "body"


def test_a_parameters_file_goes_before_what_suits_the_subject(tmp_path):
    usual = (ROOT / "config/pipeline.yaml").read_text("utf-8")
    mine = tmp_path / "mine.yaml"
    asked = {"subject": "body", "model": str(saved_body_model(tmp_path)), "params_file": str(mine)}
    mine.write_text(usual)
    [exo] = [n for n in graph.build(PipelineOptions(**asked)) if n.name == "exo"]
    assert exo.parameters["max_torque_nm"] == 3.0, "a copy with the hand's values is no wish"
    mine.write_text(usual.replace("max_torque_nm: 0.3", "max_torque_nm: 0.7"))
    [exo] = [n for n in graph.build(PipelineOptions(**asked)) if n.name == "exo"]
    assert "max_torque_nm" not in exo.parameters
    assert exo.parameters["gains"]


@pytest.mark.parametrize("source", ["simulator", "devices", "topics"])
def test_a_model_of_somebody_else_is_refused_in_words(tmp_path, source):
    with pytest.raises(ValueError, match=r"for a hand \(mediapipe-hand\), but subject is 'body'"):
        graph.build(PipelineOptions(subject="body", model="touchnet-sim", source=source))
    hand = PipelineOptions(model=str(saved_body_model(tmp_path)), source=source)
    if source == "topics":
        graph.build(hand)
        return
    with pytest.raises(ValueError, match=r"for a body .*: choose subject:=body, or another model"):
        graph.build(hand)


def test_a_body_that_our_tracker_does_not_find_is_not_simulated(tmp_path):
    model = str(saved_body_model(tmp_path, "openpose-body25"))
    with pytest.raises(ValueError, match="exerciser does not have: choose source:=topics"):
        graph.build(PipelineOptions(subject="body", model=model))
    options = PipelineOptions(subject="body", model=model, source="topics")
    assert graph.build(options)[0].name == "synchronizer"


def test_cameras_that_are_named_are_devices_unless_the_source_says_otherwise():
    assert PipelineOptions().source == "simulator"
    assert PipelineOptions(cameras=("0",)).source == "devices"
    assert PipelineOptions(cameras=("0",), source="simulator").source == "simulator"


def test_registered_cameras_have_a_model_of_the_keyboards_frame_unless_one_is_named():
    room = str(config_dir() / "rooms" / "simulated.yaml")
    hand = find_subject("hand")
    assert PipelineOptions().model == hand.room_model
    assert PipelineOptions().registration == room
    for source in ("devices", "topics"):
        assert PipelineOptions(source=source, registration=room).model == hand.room_model
        assert PipelineOptions(source=source).model == hand.model
    assert PipelineOptions(subject="body").model == find_subject("body").model
    assert PipelineOptions(model="pianokpm-sim").model == "pianokpm-sim"


def test_what_crosses_a_network_is_waited_for_longer():
    def waits(**options):
        nodes = {node.name: node for node in graph.build(PipelineOptions(**options))}
        given = nodes["synchronizer"].parameters
        return make_settings("synchronizer", SynchronizerSettings, given)

    assert waits().align.key.wait_s == 0.02
    assert waits().align.pose.newest_wait_s == 0.013
    assert waits().align.pose.transit_s == 0.002
    assert waits(subject="body").align.pose.newest_wait_s == 0.018
    assert waits(network=True).align.key.wait_s == 0.05
    assert waits(network=True).align.pose.newest_wait_s == 0.02


def test_devices_are_given_to_their_drivers_in_the_order_of_the_views():
    options = PipelineOptions(
        source="devices", cameras=("/dev/video2", "rtsp://door"), midi="tcp://piano:5004"
    )
    nodes = {node.name: node for node in graph.build(options)}
    assert nodes["camera_top"].parameters == {
        "source": "/dev/video2",
        "view": "top",
        "skeleton": "mediapipe-hand",
    }
    assert nodes["camera_right"].parameters["source"] == "rtsp://door"
    assert nodes["camera_right"].module == "kpm_ros.nodes.camera_node"
    assert nodes["midi"].parameters == {"source": "tcp_client", "host": "piano", "tcp_port": 5004}
    assert nodes["emg"].parameters == {"source": "lsl", "stream_name": ""}


def test_the_model_of_the_cameras_trackers_is_the_parameters_files_unless_chosen():
    def given(**options):
        nodes = graph.build(PipelineOptions(source="devices", **options))
        return [node.parameters.get("model") for node in nodes if node.kind == "camera"]

    assert given() == [None, None]
    assert given(tracker="auto") == ["auto", "auto"]
    with pytest.raises(ValueError, match="configured, full, lite, auto"):
        PipelineOptions.from_strings({"tracker": "heavy"})


def test_without_names_cameras_are_counted_and_the_first_piano_is_taken():
    nodes = {node.name: node for node in graph.build(PipelineOptions(source="devices"))}
    assert nodes["camera_right"].parameters["source"] == "1"
    assert nodes["midi"].parameters == {"source": "port", "port": ""}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"cameras": ("0", "1", "2")},
            "cameras names 3 of them, but the model has 2 views: top, right",
        ),
        ({"midi": "tcp://piano"}, "tcp://host:port"),
        ({"emg_device": "myo"}, "lsl:NAME, brainflow:ID or a .csv file"),
    ],
)
def test_devices_that_cannot_be_meant_are_refused_in_words(options, says):
    with pytest.raises(ValueError, match=says):
        graph.build(PipelineOptions(source="devices", **options))


def test_a_drive_is_commanded_by_an_exo_node_that_needs_its_echo():
    nodes = {node.name: node for node in graph.build(PipelineOptions(drive="here"))}
    assert nodes["exo"].parameters["drive_echo"] is True
    assert nodes["relay"].subscribes == ("assist/command_stamped",)
    elsewhere = {node.name for node in graph.build(PipelineOptions(drive="elsewhere"))}
    assert "relay" not in elsewhere
    assert "drive_echo" not in graph.build(PipelineOptions())[3].parameters
    with pytest.raises(ValueError, match="drive is 'here', but exo is false"):
        graph.build(PipelineOptions(drive="here", exo=False))
    body = graph.build(PipelineOptions(drive="here", subject="body"))
    joints = {node.name: node.parameters.get("joints") for node in body}["relay"]
    assert joints == ["left_knee", "left_elbow", "right_knee", "right_elbow"]
    hands = graph.build(PipelineOptions(drive="here", hand="both"))
    joints = {node.name: node.parameters.get("joints") for node in hands}["relay"]
    assert joints[0] == "left_thumb_abduction"
    assert len(joints) == 10


def test_managed_nodes_and_no_others_may_be_left_to_a_manager():
    nodes = graph.build(PipelineOptions(source="devices", autostart=False, drive="here"))
    left = {node.executable for node in nodes if node.parameters.get("autostart") is False}
    assert left == set(graph.MANAGED)
    for node in graph.build(PipelineOptions(source="devices")):
        assert "autostart" not in node.parameters  # a parameters file decides


def test_parameters_survive_the_command_line(tmp_path):
    params_file = tmp_path / "p.yaml"
    params_file.write_text("/**/exo:\n  ros__parameters:\n    rate_hz: 400.0\n")
    midi = "/a b/it's: a [score].mid"
    options = PipelineOptions(
        midi=midi, record="r", params_file=str(params_file), namespace="studio/left"
    )
    for node in graph.build(options):
        words = pipeline_nodes.command(node, options)
        given = dict(words[i + 1].split(":=", 1) for i, word in enumerate(words) if word == "-p")
        expected = {**shared_parameters(options), **node.parameters}
        assert {name: yaml.safe_load(text) for name, text in given.items()} == expected
        assert "__ns:=/studio/left" in words


def test_the_diagram_shows_every_node_and_topic():
    drawn = diagram.mermaid(EVERYTHING)
    for node in NODES:
        assert f'{node.name}["' in drawn
        for name in node.publishes:
            assert name in drawn


def test_the_diagram_in_the_readme_is_the_graph_of_now():
    text = (ROOT / "README.md").read_text("utf-8")
    _, begin, rest = text.partition("<!-- graph:begin -->")
    shown, end, _ = rest.partition("<!-- graph:end -->")
    assert begin
    assert end
    assert diagram.mermaid().strip() in shown, (
        "put the output of `kpm graph --format mermaid` there"
    )
