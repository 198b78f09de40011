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

"""The demo over real DDS: it measures, records, judges, and cleans up after itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

pytest.importorskip("rclpy", reason="ROS 2 (rclpy) is not installed")
pytest.importorskip("kpm_ros.msg", reason="the package's messages are not built")

from kpm_ros import graph
from kpm_ros.operate.measurement import STAGES
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.replay.bag_reader import BagReader
from support.bodies import EIGHT, saved_body_model
from support.starvation import measured_fairly

pytestmark = pytest.mark.graph

PATIENCE_S = 110


@pytest.fixture
def demo(tmp_path, request):
    """Start a demo in a namespace of its own; whatever happens, end it."""
    namespace = f"demo_{os.getpid()}_{request.node.name}"[:60]
    started = []

    def start(*words: str) -> subprocess.Popen[str]:
        command = [
            sys.executable,
            "-m",
            "kpm_ros.cli",
            "demo",
            f"namespace:={namespace}",
            "body:=plain",
        ]
        process = subprocess.Popen(
            [*command, "--out", str(tmp_path / "demo"), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        started.append(process)
        return process

    yield start, namespace
    for process in started:
        process.kill()
        process.communicate()


def left_over(namespace: str) -> list[int]:
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if f"__ns:=/{namespace}" in (process.info["cmdline"] or [])
    ]


def summary_of(folder: Path) -> dict:
    return json.loads((folder / "demo" / "summary.json").read_text("utf-8"))


def processes_of(namespace: str) -> list[int]:
    words = f"namespace:={namespace}"
    return left_over(namespace) + [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if words in (process.info["cmdline"] or [])
    ]


@pytest.mark.timeout(400)
def test_a_demo_is_healthy_measures_every_stage_records_a_bag_and_judges(demo, tmp_path):
    start, namespace = demo
    said = ""

    def healthy():
        nonlocal said
        process = start("--seconds", "5")
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said

    measured_fairly(healthy, lambda: processes_of(namespace), 240)
    summary = summary_of(tmp_path)
    assert summary["errors"] == []
    assert summary["effort"]["messages"] == pytest.approx(10_000, rel=0.005)
    assert summary["duration_s"] == pytest.approx(5, abs=0.1)
    for stage in ("exposure_to_effort", "first_seconds", *STAGES):
        assert 0 < summary["latency_ms"][stage]["p50"] <= summary["latency_ms"][stage]["p99"]
    nodes = graph.build(PipelineOptions(record="somewhere"))
    assert set(summary["cpu_cores"]) == {*(node.name for node in nodes), "demo", "total"}
    assert summary["estimator"]["cpu_s_per_s"] > 0
    assert summary["not_scored"] == ""
    assert summary["rmse_simulated"] < 0.15
    assert summary["correlation_simulated"] > 0.3
    assert "SIMULATED truth" in said
    with BagReader(tmp_path / "demo" / "bag") as bag:
        assert sum(bag.counts.values()) == summary["bag"]["messages"]
        assert bag.topics[f"/{namespace}/effort"] == "kpm_ros/msg/MuscleEffort"
    assert "measuring" in said
    page = (tmp_path / "demo" / "demo.html").read_text()
    assert "SIMULATED" in page
    assert "data:image/webp;base64," in page
    assert f"in a browser: {tmp_path / 'demo' / 'demo.html'}" in said
    assert left_over(namespace) == []


@pytest.mark.timeout(400)
def test_a_demo_of_a_body_is_an_exerciser_before_one_camera_and_is_scored(demo, tmp_path):
    start, namespace = demo
    brief = tmp_path / "brief.yaml"
    brief.write_text('/**/simulator:\n  ros__parameters:\n    exercises: ["Squat"]\n')
    words = ["subject:=body", f"model:={saved_body_model(tmp_path)}", f"params_file:={brief}"]
    said = ""

    def healthy():
        nonlocal said
        process = start("--seconds", "3", *words)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, said

    measured_fairly(healthy, lambda: processes_of(namespace), 240)
    summary = summary_of(tmp_path)
    assert summary["simulated"]
    assert summary["not_scored"] == ""
    assert tuple(summary["muscles_simulated"]) == EIGHT
    assert set(summary["cpu_cores"]) >= {"simulator", "synchronizer", "inference", "exo", "gesture"}
    assert "will do nothing" not in said
    assert "data:image/webp;base64," in (tmp_path / "demo" / "demo.html").read_text()
    with BagReader(tmp_path / "demo" / "bag") as bag:
        assert bag.counts[f"/{namespace}/camera/front/landmarks"] > 60
        assert not bag.counts.get(f"/{namespace}/keys/events")
    assert left_over(namespace) == []


def test_a_demo_that_is_interrupted_says_so_and_leaves_nothing_running(demo, tmp_path):
    start, namespace = demo
    process = start("--seconds", "3600", "exo:=false", "gesture:=false")
    for line in process.stdout:
        if line.startswith("measuring"):
            break
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    assert "the run was stopped before its time" in summary_of(tmp_path)["errors"]
    assert "Traceback" not in said
    assert left_over(namespace) == []
