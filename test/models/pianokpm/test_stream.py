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

"""PianoKPM Net's stream gives what one pass over the whole signal gives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from kpm_ros.models.weight_files import random_tensors
from support.models import KEYS_ONLY, POSE_ONLY, light, listed, one_pass, signal
from support.streams import stream

TOLERANCE = 1e-4
BODY = Landmarks("front", find_skeleton("mediapipe-body"), dimensions=3, rate_hz=30.0)


@pytest.fixture(scope="module")
def published(shared: Path) -> tuple[PianoKPMStream, np.lib.npyio.NpzFile]:
    stored = np.load(shared / "parity" / "weights_f16.npz")
    card = published_card()
    table = tensor_table(card)
    tensors = {name: stored[spec.published].astype(np.float32) for name, spec in table.items()}
    return PianoKPMStream(card, tensors), np.load(shared / "parity" / "continuous_3s.npz")


@pytest.mark.parametrize("hops", [(1,), (10, 11, 10, 10), (3072,), (7, 200, 1, 33)])
def test_it_gives_what_the_published_network_gives_in_one_pass(published, hops) -> None:
    network, reference = published
    values = np.concatenate([reference["pose_1024hz"], reference["keys"]]).T
    effort = stream(network, values, hops)
    assert np.abs(effort - reference["effort"].T).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 7, 31])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"streams": POSE_ONLY},
        {"streams": KEYS_ONLY},
        {"streams": listed(views=("top",))},
        {"streams": listed(keys=61, skeleton="fingertips"), "muscles": ("ADM",)},
        {"streams": Streams((BODY, Channels("force", ("a", "b"), "N", 200.0))), "rate_hz": 30},
    ],
    ids=["pose+keys", "pose", "keys", "one view", "other sizes", "body and forces"],
)
def test_every_combination_of_senses_and_lookahead_streams_exactly(fields, lookahead) -> None:
    card, tensors = light(lookahead=lookahead, **fields)
    values = signal(card, 150)
    effort = stream(PianoKPMStream(card, tensors), values, (10, 11, 3))
    assert np.abs(effort - one_pass(card, tensors, values)).max() < TOLERANCE


def test_the_published_architecture_streams_exactly_with_weights_of_either_precision() -> None:
    card = published_card(lookahead=20)
    exact_in_half = random_tensors(card, 3)
    values = signal(card, 120)
    for tensors in (exact_in_half, {k: v * np.float32(1.001) for k, v in exact_in_half.items()}):
        effort = stream(PianoKPMStream(card, tensors), values, (10,))
        assert np.abs(effort - one_pass(card, tensors, values)).max() < TOLERANCE


def test_columns_are_normalised_as_the_card_says() -> None:
    width = published_card().streams.width
    card, tensors = light(
        offset=tuple(np.linspace(-1, 1, width).tolist()),
        scale=tuple(np.linspace(0.5, 2, width).tolist()),
    )
    values = signal(card, 100)
    before = values.copy()
    effort = stream(PianoKPMStream(card, tensors), values, (9,))
    assert np.abs(effort - one_pass(card, tensors, values)).max() < TOLERANCE
    assert np.array_equal(values, before)


def test_keys_that_all_move_at_once_stream_exactly() -> None:
    card, tensors = light(streams=KEYS_ONLY)
    values = np.random.default_rng(2).uniform(-1, 1, (80, card.streams.width)).astype(np.float32)
    effort = stream(PianoKPMStream(card, tensors), values, (10,))
    assert np.abs(effort - one_pass(card, tensors, values)).max() < TOLERANCE


STREAM_SOME = """
import sys, numpy as np
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.pianokpm.stream import PianoKPMStream
from kpm_ros.models.weight_files import random_tensors
card = published_card(architecture="pianokpm-light")
random = np.random.default_rng(0)
network = PianoKPMStream(card, random_tensors(card))
network.reset(0)
np.save(sys.argv[1], network.push(random.random((100, card.streams.width), np.float32)))
"""


def in_another_process(target: Path, **environment: str) -> np.ndarray:
    """Stream a hundred samples in a process with variables of its own."""
    command = [sys.executable, "-c", STREAM_SOME, str(target)]
    root = Path(__file__).resolve().parents[3]
    subprocess.run(command, check=True, cwd=root, env=os.environ | environment, timeout=100)
    return np.load(target)


def test_neither_threads_nor_who_compiled_it_change_a_bit_nor_fewer_instructions_much(
    tmp_path: Path,
) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    results = [
        in_another_process(
            tmp_path / f"{threads}.npy",
            # The first one compiles, the second one reads from the disk what it has compiled.
            NUMBA_CACHE_DIR=str(tmp_path / "compiled"),
            NUMBA_CPU_NAME="generic",
            **dict.fromkeys(names, threads),
        )
        for threads in ("1", "2")
    ]
    assert np.array_equal(*results)
    here = in_another_process(tmp_path / "here.npy")
    assert np.abs(here - results[0]).max() < TOLERANCE
