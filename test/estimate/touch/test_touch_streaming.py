"""TouchNet's stream gives what one pass over the whole signal gives, however it is cut up."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.align.chunk import AlignedChunk
from kpm_ros.estimate.engines import streaming_estimator
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.estimate.senses import neutral_pose
from kpm_ros.estimate.touch import kernels
from kpm_ros.estimate.touch.streaming import TouchStreaming
from kpm_ros.estimate.weights import random_tensors

TOLERANCE = 1e-5


def stream(estimator, pose, keys, hops) -> np.ndarray:
    """Push the signal in hops of the given sizes, over and over; then flush."""
    parts, at, turn = [], 0, 0
    while at < len(pose):
        hop = hops[turn % len(hops)]
        parts.append(estimator.push(pose[at : at + hop], keys[at : at + hop]))
        at, turn = at + hop, turn + 1
        due = max(0, min(at, len(pose)) - estimator.card.lookahead)
        assert sum(map(len, parts)) == due == estimator.given
    return np.concatenate([*parts, estimator.flush()])


@pytest.mark.parametrize("lookahead", [0, 5, 8, 31])
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"inputs": ("pose",)},
        {"inputs": ("keys",)},
        {"views": ("top",)},
        {"keys": 61, "first_note": 36, "muscles": ("ADM",)},
    ],
    ids=["pose+keys", "pose", "keys", "one view", "other sizes"],
)
def test_every_combination_of_senses_and_lookahead_streams_exactly(
    small, played, one_pass, fields, lookahead
) -> None:
    card, tensors = small(lookahead=lookahead, **fields)
    pose, keys = played(card, 150)
    effort = stream(streaming_estimator(card, tensors), pose, keys, (10, 11, 3))
    expected = one_pass(card, tensors, pose, keys)
    assert expected.std() > 0.05
    assert np.abs(effort - expected).max() < TOLERANCE


def test_the_full_network_streams_exactly(small, played, one_pass) -> None:
    light, place = small()
    card = replace(light, architecture="touchnet")
    tensors = random_tensors(card)
    tensors["features.place"] = place["features.place"]
    tensors["outlet.weight"] *= np.float32(0.2)
    pose, keys = played(card, 600)
    effort = stream(TouchStreaming(card, tensors), pose, keys, (10,))
    assert np.abs(effort - one_pass(card, tensors, pose, keys)).max() < TOLERANCE


@pytest.fixture(scope="module")
def worked(small, played, one_pass):
    """One estimator, a signal with senses missing here and there, and what one pass makes of it."""
    card, tensors = small(seed=5, optional=("pose", "keys"), pose_offset=(0.4,) * 84)
    pose, keys = played(card, 140)
    pose[30:60] = neutral_pose(card)
    keys[50:85] = -1
    return TouchStreaming(card, tensors), pose, keys, one_pass(card, tensors, pose, keys)


@given(hops=st.lists(st.integers(1, 60), min_size=1, max_size=12))
@settings(max_examples=40, deadline=None)
def test_hops_of_any_sizes_give_the_same_numbers(worked, hops) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    assert np.abs(stream(estimator, pose, keys, hops) - expected).max() < TOLERANCE


@given(cut=st.integers(0, 139), hop=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_a_restored_state_goes_on_as_if_nothing_had_happened(worked, cut, hop) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:cut], keys[:cut])
    stored = io.BytesIO()
    np.savez(stored, **estimator.state())
    estimator.push(pose[::-1], keys[::-1])
    stored.seek(0)
    estimator.restore(np.load(stored))
    rest = [
        estimator.push(pose[at : at + hop], keys[at : at + hop])
        for at in range(cut, len(pose), hop)
    ]
    effort = np.concatenate([first, *rest, estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


@pytest.mark.parametrize("samples", [0, 1, 7, 8, 30, 31, 32])
def test_a_stream_shorter_than_its_lookahead_is_flushed_exactly(
    small, played, one_pass, samples
) -> None:
    card, tensors = small()
    pose, keys = (x[:samples] for x in played(card, 40))
    estimator = TouchStreaming(card, tensors)
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
    with pytest.raises(RuntimeError, match="ended"):
        estimator.flush()
    estimator.reset()
    assert estimator.pushed == estimator.given == 0
    assert np.abs(stream(estimator, pose, keys, (48,)) - expected).max() < TOLERANCE


def test_the_type_and_layout_of_the_input_change_nothing_and_compile_nothing(worked) -> None:
    estimator, pose, keys, expected = worked
    compiled = len(kernels.run_frames.signatures)
    frozen = [x.copy() for x in (pose, keys)]
    for x in frozen:
        x.setflags(write=False)
    for change in (
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: frozen[0] if x is pose else frozen[1],
        lambda x: x.astype(">f4"),
    ):
        estimator.reset()
        effort = stream(estimator, change(pose), change(keys), (1, 10, 11))
        assert effort.dtype == np.float32
        assert np.abs(effort - expected).max() < TOLERANCE
    assert len(kernels.run_frames.signatures) == compiled


def test_warming_up_changes_nothing(worked) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:61], keys[:61])
    estimator.warm_up()
    rest = estimator.push(pose[61:], keys[61:])
    effort = np.concatenate([first, rest, estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


@pytest.mark.parametrize("lookahead", [0, 12, 31])
def test_no_effort_depends_on_what_lies_beyond_the_lookahead(small, played, lookahead) -> None:
    card, tensors = small(lookahead=lookahead)
    pose, keys = played(card, 120)
    changed = pose.copy()
    changed[80:] += np.linspace(0, 0.3, pose.shape[1], dtype=np.float32)
    one, other = (stream(TouchStreaming(card, tensors), x, keys, (10,)) for x in (pose, changed))
    # The network runs every eighth sample, so that an effort may see less than it might.
    first = np.flatnonzero(np.abs(one - other).max(axis=1) > 1e-6)[0]
    assert 80 - lookahead <= first < 80 - lookahead + 8


def test_a_long_run_neither_drifts_nor_grows(small, played) -> None:
    card, tensors = small()
    estimator = TouchStreaming(card, tensors)
    pose, keys = played(card, 200)
    size = sum(array.nbytes for array in estimator.state().values())
    for _ in range(40):
        last = estimator.push(pose, keys)
    fresh = TouchStreaming(card, tensors)
    fresh.push(pose, keys)
    assert np.abs(fresh.push(pose, keys) - last).max() < TOLERANCE
    assert sum(array.nbytes for array in estimator.state().values()) == size


def test_input_that_does_not_fit_is_refused_and_leaves_the_stream_as_it_was(worked) -> None:
    estimator, pose, keys, expected = worked
    estimator.reset()
    first = estimator.push(pose[:70], keys[:70])
    spoilt = keys[70:80].copy()
    spoilt[3, 3] = np.nan
    for words, bad in {
        "needs pose": (None, keys),
        r"pose has shape \(140, 83\)": (pose[:, 1:], keys),
        "pose has 5 samples and keys 6": (pose[:5], keys[:6]),
        "keys holds a value that is not finite": (pose[70:80], spoilt),
    }.items():
        with pytest.raises(ValueError, match=words):
            estimator.push(*bad)
    effort = np.concatenate([first, estimator.push(pose[70:], keys[70:]), estimator.flush()])
    assert np.abs(effort - expected).max() < TOLERANCE


def test_a_state_of_another_model_is_refused(worked, small) -> None:
    other = TouchStreaming(*small(inputs=("keys",)))
    with pytest.raises(ValueError, match="'hand' does not belong to 'small'"):
        worked[0].restore(other.state())
    with pytest.raises(ValueError, match="'pushed' does not belong"):
        worked[0].restore({k: v for k, v in worked[0].state().items() if k != "pushed"})


def test_it_runs_in_the_live_estimator(small, played) -> None:
    card, tensors = small()
    pose, keys = played(card, 400)
    live = EffortEstimator(card, streaming_estimator(card, tensors), warm_up_s=0.0)
    got = []
    for start in range(0, len(pose), 10):
        part = slice(start, start + 10)
        flags = np.zeros(len(pose[part]), np.uint8)
        chunk = live.push(AlignedChunk(0, start, start, 1024, pose[part], keys[part], flags))
        if chunk is not None:
            got.append(chunk.effort)
    assert live.counts.not_finite == live.counts.resets == 0
    assert abs(sum(map(len, got)) - (400 - card.lookahead) * 2000 / 1024) < 3
