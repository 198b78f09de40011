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
"""Bodies, fingertips and third views run live, by nothing but what the model's card says."""

from __future__ import annotations

import itertools
import os
import runpy
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kpm_ros.cli import main
from kpm_ros.client import EffortReader
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.models.mia.published import COUNTS, MUSCLES, joints
from kpm_ros.models.pianokpm.published import published_card, published_streams
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.weight_files import random_tensors, save_model
from support.effort import gapless
from support.graph import RunningGraph
from support.waiting import QUEUED

ROOT = Path(__file__).resolve().parents[2]
names = (f"bodies_{i}" for i in itertools.count())


@contextmanager
def played(data: Path, recording: str, namespace: str):
    """A recording on a pipeline's topics, by the example's program."""
    script = ROOT / "examples" / "publish_recording.py"
    words = [sys.executable, str(script), str(data), recording, "--namespace", namespace]
    process = subprocess.Popen(words, env=os.environ)
    try:
        yield
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def watched(node, domain, model: Path, data: Path, recording: str) -> EffortReader:
    """Run the pipeline on a recording until a second of effort is valid and whole."""
    options = ["source:=topics", f"model:={model}"]
    with RunningGraph(next(names), options) as graph, played(data, recording, graph.namespace):
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        batches = gapless(reader, 2000, 90, valid=True)
        assert np.isfinite(np.concatenate([batch.effort for batch in batches])).all()
        assert graph.stop() == 0
    return reader


def test_a_model_of_a_foreign_data_set_runs_live(node, domain, tmp_path) -> None:
    example = runpy.run_path(str(ROOT / "examples" / "made_up_recordings.py"))
    example["made_up"].__globals__["SECONDS"] = 6
    about = About(name="fingertips", simulated=True)
    made = example["made_up"]("fingertips")
    data = write_dataset(tmp_path / "data", about, made, example["SPLITS"])
    run = tmp_path / "run"
    words = ["--model", "ridge", "--recipe", "quick", "--score-minutes", "0.01"]
    assert main(["train", str(data), "--out", str(run), *words]) == 0
    reader = watched(node, domain, run / "model.safetensors", data, "p3_t1_1")
    assert list(reader.muscles) == [f"M{number + 1}" for number in range(12)]


def test_a_third_view_of_another_skeleton_and_forces_are_a_matter_of_the_card(
    node, domain, tmp_path
) -> None:
    body = Landmarks("room", find_skeleton("openpose-body25"), 3, rate_hz=30.0, sense="body")
    force = Channels("force", ("left", "right"), "N", 100.0)
    hands = published_streams(keys=False)
    streams = Streams((*hands, body, force))
    card = published_card(name="wide", architecture="pianokpm-light", streams=streams, rate_hz=256)
    model = tmp_path / "wide.safetensors"
    save_model(model, card, random_tensors(card))
    random = np.random.default_rng(3)
    series = tuple(
        TimeSeries(one, random.uniform(0.3, 0.7, (int(8 * one.rate_hz), one.width)))
        for one in streams
    )
    truth = Truth(card.muscles, card.unit, 100.0, np.zeros((800, len(card.muscles))))
    recording = Recording("p1_t1_1", "p1", "t1", "1", series, truth)
    data = write_dataset(
        tmp_path / "set", About(name="wide", simulated=True), [recording], {"test": ["p1_t1_1"]}
    )
    reader = watched(node, domain, model, data, "p1_t1_1")
    assert reader.muscles == card.muscles


def test_a_network_of_windows_runs_live_half_a_window_behind(node, domain, tmp_path) -> None:
    view = joints(3)
    one = find_architecture("mia-paper-cnn")
    card = one.new_card(
        name="mia", streams=Streams((view,)), muscles=MUSCLES, unit=COUNTS, rate_hz=10
    )
    model = tmp_path / "mia.safetensors"
    save_model(model, card, random_tensors(card))
    rows = np.random.default_rng(3).uniform(-0.5, 0.5, (80, view.width))
    truth = Truth(MUSCLES, COUNTS, 10.0, np.zeros((80, len(MUSCLES))))
    recording = Recording("p1_t1_1", "p1", "t1", "1", (TimeSeries(view, rows),), truth)
    about = About(name="joints", simulated=True)
    data = write_dataset(tmp_path / "set", about, [recording], {"test": ["p1_t1_1"]})
    reader = watched(node, domain, model, data, "p1_t1_1")
    assert reader.muscles == MUSCLES
