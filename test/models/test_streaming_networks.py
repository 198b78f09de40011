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
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.models.architecture import Stretch
from kpm_ros.models.missing_senses import neutral_row
from kpm_ros.models.pianokpm.layers import run_layers
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.touchnet.kernels import run_frames
from kpm_ros.models.weight_files import random_tensors
from support.models import KEYS_ONLY, light, one_pass, playing, signal, small
from support.streams import stream


class Kind(NamedTuple):
    """One architecture: how a small model and a signal for it are made."""

    make: Callable[..., Any]
    play: Callable[..., Any]
    tolerance: float


def baseline(name: str) -> Callable[..., Any]:
    def make(seed: int = 0, **fields: Any) -> Any:
        card = published_card(**{"name": name, "architecture": name, **fields})
        return card, random_tensors(card, seed)

    return make


KINDS = {
    "pianokpm": Kind(light, signal, 1e-4),
    "touchnet": Kind(small, playing, 1e-5),
    "ridge": Kind(baseline("ridge"), signal, 1e-4),
    "kernel": Kind(baseline("kernel"), signal, 1e-4),
    "nearest": Kind(baseline("nearest"), signal, 1e-5),
    "mean": Kind(baseline("mean"), signal, 1e-6),
}


@pytest.fixture(scope="module", params=KINDS)
def kind(request):
    return KINDS[request.param]


def stream_of(card, tensors):
    return architecture_of(card).stream(card, tensors)


def whole(card, tensors, values):
    """What one pass makes of a signal; a baseline has no other way than its stream in one hop."""
    if architecture_of(card).fitted:
        network = stream_of(card, tensors)
        network.reset(0)
        return np.concatenate([network.push(values), network.flush()])
    return one_pass(card, tensors, values)


@pytest.fixture(scope="module")
def worked(kind):
    """One stream, a signal with senses missing here and there, and what one pass makes of it."""
    offset = (0.4,) * 84 + (0.0,) * 88
    card, tensors = kind.make(seed=5, optional=("pose", "keys"), offset=offset)
    values = kind.play(card, 140)
    pose, keys = card.streams.senses["pose"], card.streams.senses["keys"]
    values[30:60, pose] = neutral_row(card)[pose]
    values[50:85, keys] = -1
    return stream_of(card, tensors), values, whole(card, tensors, values)


def agrees(kind, effort, expected):
    return effort.shape == expected.shape and np.abs(effort - expected).max() < kind.tolerance


@given(hops=st.lists(st.integers(1, 60), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_hops_of_any_sizes_give_the_same_numbers(kind, worked, hops):
    network, values, expected = worked
    assert agrees(kind, stream(network, values, hops), expected)


@given(cut=st.integers(0, 139), hop=st.integers(1, 40))
@settings(max_examples=20, deadline=None)
def test_a_restored_state_goes_on_as_if_nothing_had_happened(kind, worked, cut, hop):
    network, values, expected = worked
    network.reset(0)
    first = network.push(values[:cut])
    stored = io.BytesIO()
    np.savez(stored, **network.state())
    network.reset(3)
    network.push(values[::-1])
    stored.seek(0)
    network.restore(np.load(stored))
    rest = [network.push(values[at : at + hop]) for at in range(cut, len(values), hop)]
    assert agrees(kind, np.concatenate([first, *rest, network.flush()]), expected)


@pytest.mark.parametrize("samples", [0, 1, 7, 8, 30, 31, 32])
def test_a_stream_shorter_than_its_lookahead_is_flushed_exactly(kind, samples):
    card, tensors = kind.make()
    values = kind.play(card, 40)[:samples]
    network = stream_of(card, tensors)
    network.reset(0)
    effort = np.concatenate([network.push(values), network.flush()])
    assert effort.shape == (samples, 6)
    if samples:
        assert agrees(kind, effort, whole(card, tensors, values))


def test_whole_recordings_at_once_give_what_streaming_gives(kind, worked):
    network, values, expected = worked
    card = network.card
    tensors = kind.make(seed=5, optional=card.optional, offset=card.offset)[1]
    batch = architecture_of(card).batch(card, tensors)
    efforts = batch.run([Stretch(0, values), Stretch(0, values[:0]), Stretch(0, values[:90])])
    assert agrees(kind, efforts[0], expected)
    assert [len(effort) for effort in efforts[1:]] == [0, 90]
    with pytest.raises(ValueError, match=r"rows of 172 columns, .* shape \(140, 171\)"):
        batch.run([Stretch(0, values[:, 1:])])


def test_reset_forgets_everything_even_after_the_end(kind, worked):
    network, values, expected = worked
    network.reset(50)
    network.push(values[50:100])
    network.flush()
    with pytest.raises(RuntimeError, match="ended"):
        network.push(values)
    with pytest.raises(RuntimeError, match="ended"):
        network.flush()
    network.reset(0)
    assert network.pushed == network.given == 0
    assert agrees(kind, stream(network, values, (48,)), expected)


def test_the_type_and_layout_of_the_input_change_nothing_and_compile_nothing(kind, worked):
    network, values, expected = worked
    compiled = len(run_frames.signatures) + len(run_layers.signatures)
    frozen = values.copy()
    frozen.setflags(write=False)
    for changed in (
        values.astype(np.float64),
        np.asfortranarray(values),
        np.repeat(values, 2, axis=0)[::2],
        frozen,
        values.astype(">f4"),
    ):
        effort = stream(network, changed, (1, 10, 11))
        assert effort.dtype == np.float32
        assert agrees(kind, effort, expected)
    assert len(run_frames.signatures) + len(run_layers.signatures) == compiled


def test_warming_up_changes_nothing(kind, worked):
    network, values, expected = worked
    network.reset(0)
    first = network.push(values[:61])
    network.warm_up()
    rest = network.push(values[61:])
    assert agrees(kind, np.concatenate([first, rest, network.flush()]), expected)


def test_a_long_run_neither_drifts_nor_grows(kind):
    card, tensors = kind.make()
    network = stream_of(card, tensors)
    network.reset(0)
    values = kind.play(card, 200)
    size = sum(array.nbytes for array in network.state().values())
    for _ in range(40):
        last = network.push(values)
    fresh = stream_of(card, tensors)
    behind = max(1, -(-network.settling // 200))
    fresh.reset((39 - behind) * 200)
    for _ in range(behind):
        fresh.push(values)
    # The decoder of PianoKPM Net forgets where it began, but not at once.
    assert agrees(kind, fresh.push(values)[100:], last[100:])
    assert sum(array.nbytes for array in network.state().values()) == size


def test_input_that_does_not_fit_is_refused_and_leaves_the_stream_as_it_was(kind, worked):
    network, values, expected = worked
    network.reset(0)
    first = network.push(values[:70])
    spoilt = values[70:80].copy()
    spoilt[3, -3] = np.nan
    for words, bad in {
        r"rows of 172 columns, but was given values of the shape \(140, 171\)": values[:, 1:],
        r"shape \(172,\)": values[0],
        "keys holds a value that is not finite": spoilt,
    }.items():
        with pytest.raises(ValueError, match=words):
            network.push(bad)
    rest = network.push(values[70:])
    assert agrees(kind, np.concatenate([first, rest, network.flush()]), expected)


def test_a_state_of_another_model_is_refused(kind, worked):
    if not worked[0].state().keys() - {"first_index", "pushed", "ended"}:
        pytest.skip("it remembers nothing that another model would not")
    other = stream_of(*kind.make(streams=KEYS_ONLY))
    other.reset(0)
    worked[0].reset(0)
    with pytest.raises(ValueError, match=f"does not belong to '{worked[0].card.name}'"):
        worked[0].restore(other.state())
    with pytest.raises(ValueError, match="'pushed' does not belong"):
        worked[0].restore({k: v for k, v in worked[0].state().items() if k != "pushed"})


def test_a_stream_that_nobody_began_takes_nothing(kind):
    fresh = stream_of(*kind.make())
    fresh.warm_up()
    for use in (lambda: fresh.push(np.zeros((1, 172))), fresh.flush, fresh.state):
        with pytest.raises(RuntimeError, match="reset"):
            use()
