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

"""Streaming gives what one pass over the whole signal gives, however the signal is cut up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.pianokpm.stream import StreamingEstimator
from kpm_ros.models.weight_files import random_tensors
from support.streams import stream

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def published(shared: Path) -> tuple[StreamingEstimator, np.lib.npyio.NpzFile]:
    stored = np.load(shared / "parity" / "weights_f16.npz")
    table = tensor_table(published_card())
    tensors = {name: stored[spec.published].astype(np.float32) for name, spec in table.items()}
    return StreamingEstimator(published_card(), tensors), np.load(
        shared / "parity" / "continuous_3s.npz"
    )


@pytest.mark.parametrize("hops", [(1,), (10, 11, 10, 10), (3072,), (7, 200, 1, 33)])
def test_it_gives_what_the_published_network_gives_in_one_pass(published, hops) -> None:
    estimator, reference = published
    effort = stream(estimator, reference["pose_1024hz"].T, reference["keys"].T, hops)
    assert np.abs(effort - reference["effort"].T).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 7, 31])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"inputs": ("pose",)},
        {"inputs": ("keys",)},
        {"inputs": ("pose", "keys"), "views": ("top",)},
        {"keys": 61, "muscles": ("ADM",), "landmarks": 5},
    ],
    ids=["pose+keys", "pose", "keys", "one view", "other sizes"],
)
def test_every_combination_of_senses_and_lookahead_streams_exactly(
    light, play, one_pass, fields, lookahead
) -> None:
    card, tensors = light(lookahead=lookahead, **fields)
    pose, keys = play(card, 150)
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (10, 11, 3))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_the_published_architecture_streams_exactly_with_weights_of_either_precision(
    play, one_pass
) -> None:
    card = published_card(lookahead=20)
    exact_in_half = random_tensors(card, 3)
    pose, keys = play(card, 120)
    for tensors in (exact_in_half, {k: v * np.float32(1.001) for k, v in exact_in_half.items()}):
        effort = stream(StreamingEstimator(card, tensors), pose, keys, (10,))
        assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_the_pose_is_normalised_as_the_card_says(light, play, one_pass) -> None:
    width = published_card().pose_channels
    card, tensors = light(
        pose_offset=tuple(np.linspace(-1, 1, width)), pose_scale=tuple(np.linspace(0.5, 2, width))
    )
    pose, keys = play(card, 100)
    before = pose.copy()
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (9,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE
    assert np.array_equal(pose, before)


def test_keys_that_all_move_at_once_stream_exactly(light, play, one_pass) -> None:
    card, tensors = light(inputs=("keys",))
    pose, _ = play(card, 80)
    keys = np.random.default_rng(2).uniform(-1, 1, (80, card.keys)).astype(np.float32)
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (10,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


STREAM_SOME = """
import sys, numpy as np
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.stream import StreamingEstimator
from kpm_ros.models.weight_files import random_tensors
card = published_card(architecture="pianokpm-light")
random = np.random.default_rng(0)
estimator = StreamingEstimator(card, random_tensors(card))
estimator.reset(0)
rows = (random.random((100, n), np.float32) for n in (card.pose_channels, card.keys))
np.save(sys.argv[1], estimator.push(*rows))
"""


def in_another_process(target: Path, **environment: str) -> np.ndarray:
    """Stream a hundred samples in a process with variables of its own."""
    command = [sys.executable, "-c", STREAM_SOME, str(target)]
    root = Path(__file__).resolve().parents[2]
    subprocess.run(command, check=True, cwd=root, env=os.environ | environment, timeout=100)
    return np.load(target)


def test_neither_threads_nor_who_compiled_it_change_a_bit(tmp_path: Path) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    results = [
        in_another_process(
            tmp_path / f"{threads}.npy",
            # The first one compiles, the second one reads from the disk what it has compiled.
            NUMBA_CACHE_DIR=str(tmp_path / "compiled"),
            **dict.fromkeys(names, threads),
        )
        for threads in ("1", "2")
    ]
    assert np.array_equal(*results)


def test_a_cpu_with_fewer_instructions_gives_the_same(tmp_path: Path) -> None:
    here = in_another_process(tmp_path / "here.npy")
    there = in_another_process(tmp_path / "there.npy", NUMBA_CPU_NAME="generic")
    assert np.abs(here - there).max() < TOLERANCE
