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

"""The fast decoding of whole windows agrees with the plain one, and so do its gradients."""

from __future__ import annotations

import pytest
import torch

from kpm_ros.models.pianokpm.network import PianoKPMNet
from kpm_ros.models.pianokpm.published import published_card


def plain(network, features, previous):
    """One step after another, left to automatic differentiation."""
    steps = []
    for t in range(features.shape[-1]):
        previous = network.decoder(features[..., t], previous)
        steps.append(previous)
    return torch.stack(steps, dim=2)


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = PianoKPMNet(published_card(architecture="pianokpm-light"))
    with torch.no_grad():
        # As large as it is once trained: what goes round through the output must matter.
        network.decoder.linear3.weight.mul_(30)
    return network


@pytest.mark.parametrize(("batch", "samples"), [(1, 1), (3, 40)])
def test_effort_and_gradients_are_those_of_the_plain_decoding(network, batch, samples):
    features = torch.randn(batch, network.features.out_features, samples)
    start = torch.rand(batch, 6)
    results = []
    for decode in (plain, PianoKPMNet.decode_in_sequence):
        given, begin = features.clone().requires_grad_(), start.clone().requires_grad_()
        network.zero_grad()
        effort = decode(network, given, begin)
        (effort * torch.linspace(-1, 2, samples)).square().sum().backward()
        weights = {name: p.grad.clone() for name, p in network.decoder.named_parameters()}
        results.append({"effort": effort, "given": given.grad, "begin": begin.grad, **weights})
    for name, expected in results[0].items():
        size = float(expected.detach().abs().max())
        torch.testing.assert_close(
            results[1][name], expected, rtol=0, atol=2e-5 * size, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_effort_depends_on_the_effort_before(network):
    features = torch.randn(2, network.features.out_features, 5)
    none, some = (
        network.decode_in_sequence(features, torch.full((2, 6), start)) for start in (0.0, 1.0)
    )
    assert (none - some).abs().max() > 1e-3


def test_rounding_of_the_layers_before_does_not_reach_the_decoder(network):
    features = torch.randn(2, network.features.out_features, 30)
    exact = network.decode_in_sequence(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(network.decode_in_sequence(features), exact)


def test_no_samples_give_no_effort(network):
    features = torch.randn(2, network.features.out_features, 0)
    assert network.decode_in_sequence(features).shape == (2, 6, 0)
