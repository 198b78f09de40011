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

"""The real graph with models of every set of senses, and with senses that go and come back."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from kpm_ros.client import EffortReader
from kpm_ros.core.flags import Flag
from kpm_ros.models.pianokpm.published import published_card, published_streams
from kpm_ros.models.weight_files import random_tensors, save_model
from kpm_ros.sense.samples import LandmarkFrame
from support.graph import RunningGraph
from support.player import Player
from support.waiting import QUEUED, wait_for

ALONE = ["exo:=false", "gesture:=false"]
names = (f"senses_{i}" for i in itertools.count())


def model(folder, **fields) -> str:
    """Write a small model with random weights."""
    card = published_card(name="random", architecture="pianokpm-light", **fields)
    path = folder / "random.safetensors"
    save_model(path, card, random_tensors(card))
    return f"model:={path}"


def wait_for_samples(reader, wanted, what) -> None:
    """Wait for several samples in one go that are all as wanted."""
    wait_for(lambda: len(batch := reader.take()) > 10 and wanted(batch), what, 60)


@pytest.mark.parametrize(
    "streams",
    [
        published_streams(("right",), keys=False),
        published_streams(()),
    ],
    ids=["one view", "keys"],
)
def test_a_model_of_fewer_senses_runs_on_those_alone(node, domain, tmp_path, streams) -> None:
    options = [*ALONE, model(tmp_path, streams=streams)]
    with RunningGraph(next(names), options) as graph:
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        wait_for_samples(reader, lambda batch: batch.valid.all(), "valid effort")
        assert graph.stop() == 0


def test_effort_goes_on_while_the_camera_is_gone_and_when_the_keys_go_too(
    node, domain, tmp_path
) -> None:
    options = [*ALONE, "source:=topics", model(tmp_path, optional=("pose", "keys"))]
    with RunningGraph(next(names), options) as graph, Player(node, graph.namespace) as player:
        reader = EffortReader(node, f"/{graph.namespace}/effort", depth=QUEUED)
        wait_for_samples(reader, lambda batch: batch.valid.all(), "valid effort")

        player.alter = lambda sample: None if isinstance(sample, LandmarkFrame) else sample
        wait_for_samples(
            reader,
            lambda batch: (batch.flags & Flag.POSE_LOST).all() and batch.valid.all(),
            "valid effort without a camera",
        )

        player.alter = lambda sample: (
            replace(sample, points=None) if isinstance(sample, LandmarkFrame) else None
        )
        wait_for_samples(reader, lambda batch: not batch.valid.any(), "effort to be marked")
        assert "pose lost, channels missing" in reader.status().reason

        player.alter = lambda sample: sample if isinstance(sample, LandmarkFrame) else None
        wait_for_samples(
            reader,
            lambda batch: (batch.flags == Flag.CHANNELS_MISSING).all(),
            "valid effort without keys",
        )
