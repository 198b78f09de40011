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

"""Whatever the architecture: a stream gives what one pass gives, however the signal is cut up."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.models.missing_senses import neutral_pose
from kpm_ros.models.pianokpm.layers import run_layers
from kpm_ros.models.registry import streaming_estimator
from kpm_ros.models.touchnet.kernels import run_frames
from support.streams import stream


class Kind(NamedTuple):
    """One architecture: how a small model and a signal for it are made."""

    make: Any
    play: Any
    tolerance: float
    name: str


@pytest.fixture(scope="module", params=["pianokpm", "touchnet"])
def kind(request):
    named = request.getfixturevalue
    if request.param == "pianokpm":
        return Kind(named("light"), named("play"), 1e-4, "light")
    return Kind(named("small"), named("played"), 1e-5, "small")


@pytest.fixture(scope="module")
def worked(kind, one_pass):
    """One estimator, a signal with senses missing here and there, and what one pass makes of it."""
    card, tensors = kind.make(seed=5, optional=("pose", "keys"), pose_offset=(0.4,) * 84)
    pose, keys = kind.play(card, 140)
    pose[30:60] = neutral_pose(card)
    keys[50:85] = -1
    return streaming_estimator(card, tensors), pose, keys, one_pass(card, tensors, pose, keys)


def agrees(kind, effort, expected):
    return effort.shape == expected.shape and np.abs(effort - expected).max() < kind.tolerance


@given(hops=st.lists(st.integers(1, 60), min_size=1, max_size=12))
@settings(max_examples=50, deadline=None)
def test_hops_of_any_sizes_give_the_same_numbers(kind, worked, hops):
    estimator, pose, keys, expected = worked
    assert agrees(kind, stream(estimator, pose, keys, hops), expected)


@given(cut=st.integers(0, 139), hop=st.integers(1, 40))
@settings(max_examples=30, deadline=None)
def test_a_restored_state_goes_on_as_if_nothing_had_happened(kind, worked, cut, hop):
    estimator, pose, keys, expected = worked
    estimator.reset(0)
    first = estimator.push(pose[:cut], keys[:cut])
    stored = io.BytesIO()
    np.savez(stored, **estimator.state())
    estimator.reset(3)
    estimator.push(pose[::-1], keys[::-1])
    stored.seek(0)
    estimator.restore(np.load(stored))
    rest = [
        estimator.push(pose[at : at + hop], keys[at : at + hop])
        for at in range(cut, len(pose), hop)
    ]
    assert agrees(kind, np.concatenate([first, *rest, estimator.flush()]), expected)


@pytest.mark.parametrize("samples", [0, 1, 7, 8, 30, 31, 32])
def test_a_stream_shorter_than_its_lookahead_is_flushed_exactly(kind, one_pass, samples):
    card, tensors = kind.make()
    pose, keys = (x[:samples] for x in kind.play(card, 40))
    estimator = streaming_estimator(card, tensors)
    estimator.reset(0)
    effort = np.concatenate([estimator.push(pose, keys), estimator.flush()])
    assert effort.shape == (samples, 6)
    if samples:
        assert agrees(kind, effort, one_pass(card, tensors, pose, keys))


def test_reset_forgets_everything_even_after_the_end(kind, worked):
    estimator, pose, keys, expected = worked
    estimator.reset(50)
    estimator.push(pose[50:100], keys[50:100])
    estimator.flush()
    with pytest.raises(RuntimeError, match="ended"):
        estimator.push(pose, keys)
    with pytest.raises(RuntimeError, match="ended"):
        estimator.flush()
    estimator.reset(0)
    assert estimator.pushed == estimator.given == 0
    assert agrees(kind, stream(estimator, pose, keys, (48,)), expected)


def test_the_type_and_layout_of_the_input_change_nothing_and_compile_nothing(kind, worked):
    estimator, pose, keys, expected = worked
    compiled = len(run_frames.signatures) + len(run_layers.signatures)
    frozen = [x.copy() for x in (pose, keys)]
    for x in frozen:
        x.setflags(write=False)
    for change in (
        lambda x: x.astype(np.float64),
        np.asfortranarray,
        lambda x: np.repeat(x, 2, axis=0)[::2],
        lambda x: frozen[0] if x is pose else frozen[1],
        lambda x: x.astype(">f4"),
    ):
        effort = stream(estimator, change(pose), change(keys), (1, 10, 11))
        assert effort.dtype == np.float32
        assert agrees(kind, effort, expected)
    assert len(run_frames.signatures) + len(run_layers.signatures) == compiled


def test_warming_up_changes_nothing(kind, worked):
    estimator, pose, keys, expected = worked
    estimator.reset(0)
    first = estimator.push(pose[:61], keys[:61])
    estimator.warm_up()
    rest = estimator.push(pose[61:], keys[61:])
    assert agrees(kind, np.concatenate([first, rest, estimator.flush()]), expected)


def test_a_long_run_neither_drifts_nor_grows(kind):
    card, tensors = kind.make()
    estimator = streaming_estimator(card, tensors)
    estimator.reset(0)
    pose, keys = kind.play(card, 200)
    size = sum(array.nbytes for array in estimator.state().values())
    for _ in range(40):
        last = estimator.push(pose, keys)
    fresh = streaming_estimator(card, tensors)
    fresh.reset(38 * 200)
    fresh.push(pose, keys)
    # The decoder of PianoKPM Net forgets where it began, but not at once.
    assert agrees(kind, fresh.push(pose, keys)[100:], last[100:])
    assert sum(array.nbytes for array in estimator.state().values()) == size


def test_input_that_does_not_fit_is_refused_and_leaves_the_stream_as_it_was(kind, worked):
    estimator, pose, keys, expected = worked
    estimator.reset(0)
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
    rest = estimator.push(pose[70:], keys[70:])
    assert agrees(kind, np.concatenate([first, rest, estimator.flush()]), expected)


def test_a_state_of_another_model_is_refused(kind, worked):
    other = streaming_estimator(*kind.make(inputs=("keys",)))
    other.reset(0)
    worked[0].reset(0)
    with pytest.raises(ValueError, match=f"does not belong to '{kind.name}'"):
        worked[0].restore(other.state())
    with pytest.raises(ValueError, match="'pushed' does not belong"):
        worked[0].restore({k: v for k, v in worked[0].state().items() if k != "pushed"})
