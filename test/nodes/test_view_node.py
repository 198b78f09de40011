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

"""The node that shows a run: it draws what comes, counts what it misses, and stands in no way."""

from __future__ import annotations

import itertools

import pytest
from kpm_ros.msg import EffortInfo, MuscleEffortChunk
from rclpy.qos import ReliabilityPolicy

from kpm_ros.client import EffortReader
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.models.weight_files import save_model
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.view_node import ViewNode
from support.graph import RunningGraph
from support.models import IN_SPACE, small
from support.waiting import QUEUED, wait_for

dataframe = pytest.importorskip("rerun.dataframe")


def chunk(first_index, samples=20):
    message = MuscleEffortChunk(
        first_index=first_index, rate_hz=2000.0, muscles=2, effort=[0.25] * (2 * samples)
    )
    message.flags = [0] * samples
    message.header.stamp.sec, message.header.stamp.nanosec = 100, first_index * 500_000
    return message


def test_effort_that_comes_is_in_the_file_and_what_is_missing_is_counted(make_node, node, tmp_path):
    path = tmp_path / "run.rrd"
    shown = make_node(ViewNode, topics=["effort/chunks", "effort/info"], save=str(path))
    shown.start()
    info = node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
    info.publish(EffortInfo(muscles=["a", "b"], unit="fraction", model="test"))
    chunks = node.create_publisher(MuscleEffortChunk, "effort/chunks", qos.of("effort/chunks"))
    sent = 0

    def seen() -> bool:
        nonlocal sent
        chunks.publish(chunk(sent * 20))
        sent += 1
        values = shown.report().values
        return values["effort_samples"] > 200 and values["muscles"] == "a, b"

    def seen_after_a_gap() -> bool:
        chunks.publish(chunk(sent * 20 + 100_000))
        return shown.report().values["dropped_fraction"] > 0.9

    wait_for(seen, "effort to be drawn")
    assert shown.report().level == Level.READY
    wait_for(seen_after_a_gap, "effort after a gap")
    assert "was dropped" in shown.report().message
    shown.stop()
    table = dataframe.load_recording(path).view(index="time", contents="/**").select().read_all()
    values = [row for row in table.column("/muscles:Scalar").to_pylist() if row]
    assert values
    assert all(row == [0.25, 0.25] for row in values)


def test_no_publisher_waits_for_it(make_node, node, tmp_path):
    """A reliable reader that is slow would hold its publisher up."""
    make_node(ViewNode, topics=["effort/chunks", "keys/events"], save=str(tmp_path / "run.rrd"))
    for name in ("effort/chunks", "keys/events"):
        topic = f"{node.get_namespace()}/{name}"
        wait_for(lambda t=topic: node.get_subscriptions_info_by_topic(t), "the subscription")
        (about,) = node.get_subscriptions_info_by_topic(topic)
        assert about.qos_profile.reliability == ReliabilityPolicy.BEST_EFFORT


def test_a_live_run_is_shown_whole(node, domain, tmp_path):
    model, path = tmp_path / "space.safetensors", tmp_path / "run.rrd"
    save_model(model, *small(streams=IN_SPACE))
    options = [f"model:={model}", "body:=plain", "emg:=false", "exo:=false", "gesture:=false"]
    with RunningGraph("shown", [*options, f"view:={path}"]) as graph:
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        wait_for(lambda: reader.take().valid.any(), "valid effort", 90)
        came = itertools.accumulate(iter(lambda: int(reader.take().valid.sum()), None))
        wait_for(lambda: next(came) > 4000, "two seconds of valid effort", 90)
        assert graph.stop() == 0
    table = dataframe.load_recording(path).view(index="time", contents="/**").select().read_all()
    for entity in ("/space/hand/points", "/space/keyboard", "/muscles", "/camera/top/landmarks"):
        assert any(name.startswith(entity) for name in table.column_names), entity


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"save": "run.txt"}, "save is 'run.txt', but must end with .rrd"),
        ({"save": "run.rrd", "topics": ["nothing"]}, "topics has 'nothing'"),
    ],
)
def test_what_cannot_be_shown_is_refused(make_node, tmp_path, monkeypatch, parameters, sentence):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=sentence):
        make_node(ViewNode, **parameters)
