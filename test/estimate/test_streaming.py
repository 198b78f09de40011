"""Streaming gives what one pass over the whole signal gives, however the signal is cut up."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.layout import tensor_table
from kpm_ros.estimate.network import build_network
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.estimate.weights import random_tensors

TOLERANCE = 1e-4


@torch.inference_mode()
def one_pass(card: ModelCard, tensors: dict, pose, keys) -> np.ndarray:
    rows = (torch.from_numpy(x.T.copy())[None] for x in (pose, keys))
    return build_network(card, tensors)(*rows)[0].T.numpy()


def stream(estimator: StreamingEstimator, pose, keys, hops) -> np.ndarray:
    """Push the signal in hops of the given sizes, over and over; then flush."""
    parts, at, turn = [], 0, 0
    while at < len(pose):
        hop = hops[turn % len(hops)]
        parts.append(estimator.push(pose[at : at + hop], keys[at : at + hop]))
        at, turn = at + hop, turn + 1
        assert sum(map(len, parts)) == max(0, min(at, len(pose)) - estimator.card.lookahead)
    return np.concatenate([*parts, estimator.flush()])


@pytest.fixture(scope="module")
def published(shared: Path) -> tuple[StreamingEstimator, np.lib.npyio.NpzFile]:
    stored = np.load(shared / "parity" / "weights_f16.npz")
    table = tensor_table(ModelCard())
    tensors = {name: stored[spec.published].astype(np.float32) for name, spec in table.items()}
    return StreamingEstimator(ModelCard(), tensors), np.load(
        shared / "parity" / "continuous_3s.npz"
    )


@pytest.mark.parametrize("hops", [(1,), (10, 11, 10, 10), (3072,), (7, 200, 1, 33)])
def test_it_gives_what_the_published_network_gives_in_one_pass(published, hops) -> None:
    estimator, reference = published
    estimator.reset()
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
    light, play, fields, lookahead
) -> None:
    card, tensors = light(lookahead=lookahead, **fields)
    pose, keys = play(card, 150)
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (10, 11, 3))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_the_published_architecture_streams_exactly_with_weights_of_either_precision(play) -> None:
    card = ModelCard(lookahead=20)
    exact_in_half = random_tensors(card, 3)
    pose, keys = play(card, 120)
    for tensors in (exact_in_half, {k: v * np.float32(1.001) for k, v in exact_in_half.items()}):
        effort = stream(StreamingEstimator(card, tensors), pose, keys, (10,))
        assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_the_pose_is_normalised_as_the_card_says(light, play) -> None:
    width = ModelCard().pose_channels
    card, tensors = light(
        pose_offset=tuple(np.linspace(-1, 1, width)), pose_scale=tuple(np.linspace(0.5, 2, width))
    )
    pose, keys = play(card, 100)
    before = pose.copy()
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (9,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE
    assert np.array_equal(pose, before)


@pytest.fixture(scope="module")
def worked(light, play):
    """One estimator, a signal, and what one pass makes of it."""
    card, tensors = light(seed=5)
    pose, keys = play(card, 130)
    return StreamingEstimator(card, tensors), pose, keys, one_pass(card, tensors, pose, keys)


@given(hops=st.lists(st.integers(1, 60), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_hops_of_any_sizes_give_the_same_numbers(worked, hops) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    assert np.abs(stream(estimator, pose, keys, hops) - expected).max() < TOLERANCE


@given(cut=st.integers(0, 129), hop=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_a_restored_state_goes_on_as_if_nothing_had_happened(worked, cut, hop) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:cut], keys[:cut])
    stored = io.BytesIO()
    np.savez(stored, **estimator.state())
    estimator.push(keys[:20, :1].repeat(84, 1), keys[:20])
    stored.seek(0)
    estimator.restore(np.load(stored))
    rest = [
        estimator.push(pose[at : at + hop], keys[at : at + hop])
        for at in range(cut, len(pose), hop)
    ]
    effort = np.concatenate([first, *rest, estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


@pytest.mark.parametrize("samples", [0, 1, 5, 30, 31, 32])
def test_a_stream_shorter_than_its_lookahead_is_flushed_exactly(light, play, samples) -> None:
    card, tensors = light()
    pose, keys = (x[:samples] for x in play(card, 40))
    estimator = StreamingEstimator(card, tensors)
    effort = np.concatenate([estimator.push(pose, keys), estimator.flush()])
    assert effort.shape == (samples, 6)
    if samples:
        assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_reset_forgets_everything_even_after_the_end(worked) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    estimator.push(pose[50:100], keys[50:100])
    estimator.flush()
    with pytest.raises(RuntimeError, match="ended"):
        estimator.push(pose, keys)
    estimator.reset()
    assert estimator.pushed == estimator.given == 0
    assert np.abs(stream(estimator, pose, keys, (48,)) - expected).max() < TOLERANCE


def test_the_type_and_layout_of_the_input_change_nothing(worked) -> None:
    estimator, pose, keys, expected = worked
    for change in (
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: x.astype(">f4"),
    ):
        estimator.reset()
        effort = stream(estimator, change(pose), change(keys), (10, 11))
        assert effort.dtype == np.float32
        assert np.abs(effort - expected).max() < TOLERANCE


def test_warming_up_changes_nothing(worked) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:60], keys[:60])
    estimator.warm_up()
    rest = estimator.push(pose[60:], keys[60:])
    effort = np.concatenate([first, rest, estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


def test_a_long_run_neither_drifts_nor_grows(light, play) -> None:
    card, tensors = light()
    estimator = StreamingEstimator(card, tensors)
    pose, keys = play(card, 200)
    size = sum(array.nbytes for array in estimator.state().values())
    for _ in range(40):
        last = estimator.push(pose, keys)
    fresh = StreamingEstimator(card, tensors)
    fresh.push(pose, keys)
    assert np.abs(fresh.push(pose, keys)[100:] - last[100:]).max() < TOLERANCE
    assert sum(array.nbytes for array in estimator.state().values()) == size


def test_keys_that_all_move_at_once_stream_exactly(light, play) -> None:
    card, tensors = light(inputs=("keys",))
    pose, _ = play(card, 80)
    keys = np.random.default_rng(2).uniform(-1, 1, (80, card.keys)).astype(np.float32)
    effort = stream(StreamingEstimator(card, tensors), pose, keys, (10,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


def test_input_that_does_not_fit_is_refused_and_leaves_the_stream_as_it_was(worked) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:70], keys[:70])
    spoilt = keys[70:80].copy()
    spoilt[3, 3] = np.nan
    for words, bad in {
        "needs pose": (None, keys),
        r"pose has shape \(130, 83\)": (pose[:, 1:], keys),
        "pose has 5 samples and keys 6": (pose[:5], keys[:6]),
        "keys holds a value that is not finite": (pose[70:80], spoilt),
    }.items():
        with pytest.raises(ValueError, match=words):
            estimator.push(*bad)
    effort = np.concatenate([first, estimator.push(pose[70:], keys[70:]), estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


def test_a_state_of_another_model_is_refused(worked, light) -> None:
    other = StreamingEstimator(*light(inputs=("keys",)))
    with pytest.raises(ValueError, match="'history' does not belong to 'light'"):
        worked[0].restore(other.state())
    with pytest.raises(ValueError, match="'pushed' does not belong"):
        worked[0].restore({k: v for k, v in worked[0].state().items() if k != "pushed"})


STREAM_SOME = """
import sys, numpy as np
from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.streaming import StreamingEstimator
from kpm_ros.estimate.weights import random_tensors
card = ModelCard(architecture="pianokpm-light")
random = np.random.default_rng(0)
estimator = StreamingEstimator(card, random_tensors(card))
rows = (random.random((100, n), np.float32) for n in (card.pose_channels, card.keys))
np.save(sys.argv[1], estimator.push(*rows))
"""


def in_another_process(target: Path, **environment: str) -> np.ndarray:
    """Stream a hundred samples in a process with variables of its own."""
    command = [sys.executable, "-c", STREAM_SOME, str(target)]
    root = Path(__file__).resolve().parents[2]
    subprocess.run(command, check=True, cwd=root, env=os.environ | environment, timeout=100)
    return np.load(target)


def test_the_number_of_threads_changes_nothing(tmp_path: Path) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    results = [
        in_another_process(tmp_path / f"{threads}.npy", **dict.fromkeys(names, threads))
        for threads in ("1", "2")
    ]
    assert np.array_equal(*results)


def test_a_cpu_with_fewer_instructions_gives_the_same(tmp_path: Path) -> None:
    here = in_another_process(tmp_path / "here.npy")
    there = in_another_process(tmp_path / "there.npy", NUMBA_CPU_NAME="generic")
    assert np.abs(here - there).max() < TOLERANCE
