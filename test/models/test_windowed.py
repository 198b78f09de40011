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

"""The networks that see whole windows: what they take, give, and see."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks, Streams
from kpm_ros.models.architecture import Stretch
from kpm_ros.models.card import CardError
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.models.registry import architectures, find_architecture
from kpm_ros.models.torch_layers import samples_a_frame
from kpm_ros.models.windowed import WindowedArchitecture
from support.models import LARGE, listed

COMPARED = [
    name
    for name, one in architectures().items()
    if isinstance(one, WindowedArchitecture) and name not in LARGE
]
BODY = Streams((Landmarks("front", find_skeleton("mediapipe-body"), rate_hz=30.0),))


def new_card(name, **fields):
    given = {"streams": listed(), "muscles": MUSCLES, "unit": "1", "rate_hz": 1024, **fields}
    return find_architecture(name).new_card(**given)


def network_of(name, seed=0, **fields):
    card = new_card(name, **fields)
    return find_architecture(name).initial_network(card, [], seed).eval()


def values_of(samples, batch=1, width=172):
    draw = torch.Generator().manual_seed(0)
    return torch.rand(batch, width, samples, generator=draw)


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("samples", [1024, 500])
def test_effort_comes_sample_by_sample_whatever_the_length(name, samples):
    assert network_of(name)(values_of(samples, batch=2)).shape == (2, 6, samples)


@pytest.mark.parametrize("name", COMPARED)
@pytest.mark.parametrize("rate_hz", [30, 100, 2000])
def test_other_bodies_muscles_and_rates_are_taken(name, rate_hz):
    fields = {"streams": BODY, "muscles": tuple("abcdefgh"), "rate_hz": rate_hz}
    card = new_card(name, **fields)
    window = find_architecture(name).window(card)
    assert samples_a_frame(card) == max(1, round(rate_hz / 64))
    assert window == pytest.approx(rate_hz, abs=2)
    assert network_of(name, **fields)(values_of(window, width=66)).shape == (1, 8, window)


@pytest.mark.parametrize("name", COMPARED)
def test_a_window_is_judged_by_itself(name):
    network, values = network_of(name), values_of(256, batch=3)
    with torch.inference_mode():
        assert torch.allclose(network(values)[1:2], network(values[1:2]), atol=1e-5)


@pytest.mark.parametrize("name", COMPARED)
def test_columns_are_normalised_as_the_card_says(name):
    plain = network_of(name, 3)
    scaled = network_of(name, 3, offset=(0.5,) * 172, scale=(2.0,) * 172)
    values = values_of(256)
    with torch.inference_mode():
        assert torch.allclose(plain((values - 0.5) / 2), scaled(values), atol=1e-5)


@pytest.mark.parametrize("name", [name for name in COMPARED if name != "codetalker-light"])
def test_every_weight_takes_part(name):
    network = network_of(name)
    (network(values_of(512)) ** 2).sum().backward()
    still = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not still


def test_the_transformer_sees_its_whole_window_and_the_cnn_a_part():
    seen = {}
    for name in ("mia-transformer", "mia-cnn"):
        network, values = network_of(name), values_of(1024)
        changed = values.clone()
        changed[:, :84, 1000:] += 1
        with torch.inference_mode():
            moved = (network(values) - network(changed)).abs().amax(dim=(0, 1)) > 1e-6
        seen[name] = int(moved.nonzero()[0])
    assert seen["mia-transformer"] == 0
    assert seen["mia-cnn"] > 700


def test_the_transformer_tells_instants_apart_that_look_alike():
    found = {}
    for name in ("mia-transformer", "mia-cnn"):
        with torch.inference_mode():
            middle = network_of(name)(torch.full((1, 172, 1024), 0.5))[..., 400:624]
        found[name] = float((middle - middle[..., :1]).abs().max())
    assert found["mia-transformer"] > 0.01
    assert found["mia-cnn"] < 1e-5


def test_what_neuropose_finds_on_the_way_down_is_added_on_the_way_up():
    network = network_of("neuropose")
    with torch.no_grad():
        for parameter in network.up.parameters():
            parameter.zero_()
    with torch.inference_mode():
        effort = network(values_of(512))
    assert (effort - effort[..., :1]).abs().max() > 0.01


def test_the_middle_of_overlapping_windows_is_used():
    card, network = new_card("mia-cnn"), network_of("mia-cnn")
    tensors = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    rows = values_of(2900)[0].T.numpy()
    batch = find_architecture("mia-cnn").batch(card, tensors)
    (effort,) = batch.run([Stretch(0, rows)])

    def window(start):
        with torch.inference_mode():
            return network(torch.from_numpy(rows[start : start + 1024].T.copy())[None])[0].T.numpy()

    assert effort[:768] == pytest.approx(window(0)[:768], abs=1e-5)
    assert effort[768:1280] == pytest.approx(window(512)[256:768], abs=1e-5)
    assert effort[-256:] == pytest.approx(window(len(rows) - 1024)[-256:], abs=1e-5)
    assert [len(one) for one in batch.run([Stretch(0, rows[:0]), Stretch(0, rows[:7])])] == [0, 7]


def test_what_a_window_is_follows_from_the_look_ahead():
    neuropose = find_architecture("neuropose")
    assert neuropose.window(new_card("neuropose")) == 1024
    assert neuropose.window(new_card("neuropose", lookahead=383)) == 512
    with pytest.raises(CardError, match="less one sample, such as 767, not 31"):
        new_card("neuropose", lookahead=31)


@pytest.mark.parametrize("name", COMPARED)
def test_it_says_that_it_cannot_be_run_live(name):
    one = find_architecture(name)
    assert not one.live
    for asked in (lambda: one.span(new_card(name)), lambda: one.stream(new_card(name), {})):
        with pytest.raises(CardError, match="cannot be run live"):
            asked()
    with pytest.raises(CardError, match=f"{name} needs a stream or more"):
        new_card(name, streams=Streams())


def test_a_window_that_holds_something_else_than_numbers_is_refused():
    card = new_card("mia-cnn")
    tensors = {n: t.numpy() for n, t in network_of("mia-cnn").state_dict().items()}
    rows = np.full((10, 172), np.nan, np.float32)
    with pytest.raises(ValueError, match="top holds a value that is not finite"):
        find_architecture("mia-cnn").batch(card, tensors).run([Stretch(0, rows)])
