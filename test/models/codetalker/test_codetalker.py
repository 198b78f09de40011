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

"""CodeTalker: its codes, the decoder that says them, and what each stage of training changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kpm_ros.models.codetalker.codes import Codes, Size
from kpm_ros.models.pianokpm.published import MUSCLES, published_streams
from kpm_ros.models.registry import find_architecture
from support.models import made_examples

TINY = Size(width=16, hidden=24, layers=1, tokens=2, token_width=4, entries=8)


def new_card(name="codetalker-light"):
    return find_architecture(name).new_card(
        streams=published_streams(), muscles=MUSCLES, unit="1", rate_hz=1024
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    found = find_architecture("codetalker-light").network(new_card()).eval()
    # As if it had been trained: what it says of codes depends on what it sees.
    torch.nn.init.normal_(found.next_codes.weight, 0, 0.05)
    torch.nn.init.normal_(found.codes.book, 0, 0.3)
    return found


def values_of(frames, batch=1):
    return torch.rand(batch, 172, 16 * frames, generator=torch.Generator().manual_seed(1))


def effort_of(frames, batch=1):
    return torch.rand(batch, 6, 16 * frames, generator=torch.Generator().manual_seed(2))


def test_the_published_widths_give_as_many_weights_as_their_layers_have():
    width, hidden, flat, muscles, columns = 1024, 1536, 8 * 128, 6, 172
    norm, square = 2 * width, width * width
    linear = square + width
    layer = 2 * norm + 3 * square + linear + (width + 1) * hidden + (hidden + 1) * width
    trunk = 5 * square + width + linear + 6 * layer
    codes = (muscles + 1) * width + (width + 1) * flat + (flat + 1) * width
    codes += 2 * trunk + 256 * 128 + width * muscles
    attention = 4 * linear
    decoding = 2 * attention + (width + 1) * 2 * width + (2 * width + 1) * width + 3 * norm
    decoder = 21 * columns * width + width + (muscles + 1) * width + 12 * decoding + width * flat
    shapes = find_architecture("codetalker").shapes(new_card("codetalker"))
    found = {name: int(np.prod(shape)) for name, shape in shapes.items()}
    assert sum(found.values()) == codes + decoder + 2 * muscles
    assert sum(size for name, size in found.items() if name.startswith("codes.")) == codes
    assert (codes, decoder) == (102_904_832, 155_959_296)


def test_each_code_becomes_the_nearest_entry_of_the_book():
    codes = Codes(TINY, 3)
    with torch.no_grad():
        codes.book.copy_(torch.arange(8.0)[:, None].expand(8, 4))
    said = torch.tensor([0.2, 0.2, 0.2, 0.2, 6.6, 6.6, 6.6, 6.6])[None, None]
    assert codes.nearest(said)[0, 0].tolist() == [0.0] * 4 + [7.0] * 4


def test_gradients_pass_the_book_as_if_it_were_not_there():
    codes = Codes(TINY, 3)
    said = torch.randn(1, 5, 8, requires_grad=True)
    codes(said).square().sum().backward()
    assert said.grad.abs().sum(dim=-1).min() > 0


def test_the_first_stage_learns_codes_of_effort_whatever_is_seen(network):
    values, effort = values_of(32, 4), effort_of(32, 4)
    assert float(network.first_losses(values, effort)["loss"].detach()) == pytest.approx(
        float(network.first_losses(0 * values, effort)["loss"].detach())
    )
    adam = torch.optim.Adam(network.parameters(), 3e-3)
    before = None
    for _ in range(25):
        losses = network.first_losses(values, effort)
        before = before or float(losses["reconstruction"].detach())
        adam.zero_grad()
        losses["loss"].backward()
        adam.step()
    assert float(losses["reconstruction"].detach()) < 0.7 * before
    taught = {name for name, weight in network.named_parameters() if weight.grad is not None}
    assert taught == {name for name, _ in network.named_parameters() if name.startswith("codes.")}


def test_the_second_stage_teaches_the_decoder_and_leaves_the_codes_as_they_are(network):
    losses = network.second_losses(values_of(16, 2), effort_of(16, 2))
    losses["motion"].backward()
    idle = {name for name, one in network.named_parameters() if one.grad is None}
    assert idle == {name for name, _ in network.named_parameters() if name.startswith("codes.")}
    # Of one frame alone there is nothing to choose: who asks and who answers does not matter.
    asked = {n: p.grad for n, p in network.named_parameters() if p.grad is not None}
    still = {name for name, grad in asked.items() if not grad.any()}
    assert not {name for name in still if "multihead_attn" not in name}


def test_effort_that_is_not_known_costs_nothing(network):
    values, effort = values_of(16), effort_of(16)
    unknown = effort.clone()
    unknown[:, 2, 40:80] = np.nan
    for losses_of in (network.first_losses, network.second_losses):
        losses = losses_of(values, unknown)
        assert all(torch.isfinite(loss) for loss in losses.values())
    strange = torch.where(unknown.isnan(), 5.0, effort)
    parts = network.first_losses(values, unknown)
    assert parts["reconstruction"] < network.first_losses(values, strange)["reconstruction"]


def test_a_frame_is_said_from_those_before_it_and_from_what_is_seen_around_it(network):
    said = torch.randn(1, 40, 6)
    with torch.inference_mode():
        seen = network._look(values_of(40))
        before = network._next(said, seen)
        later = said.clone()
        later[:, 20:] += 1
        moved = (network._next(later, seen) - before).abs().amax(dim=(0, 2)) > 1e-6
        assert moved.nonzero()[0] == 20
        other = seen.clone()
        other[:, 30] += 1
        moved = (network._next(said, other) - before).abs().amax(dim=(0, 2)) > 1e-6
    assert moved.nonzero()[0] == 30


def test_what_it_has_said_is_what_it_is_told_next(network):
    with torch.inference_mode():
        values = values_of(3)
        seen = network._look(values)
        told = torch.zeros(1, 1, 6)
        for _ in range(3):
            effort = network.codes(network._next(told, seen))
            told = torch.cat((told, effort[:, -1:]), dim=1)
        drawn = network(values)
    assert drawn[0, :, 0] == pytest.approx(effort[0, 0], abs=1e-5)
    assert drawn[0, :, -1] == pytest.approx(effort[0, -1], abs=1e-5)


def test_it_begins_about_the_mean_effort_with_deviations_of_one_size():
    card = new_card()
    examples = made_examples(card)
    found = find_architecture("codetalker-light").initial_network(card, examples, 1)
    effort = np.concatenate([one.effort for one in examples])
    assert found.template.numpy() == pytest.approx(effort.mean(axis=0), abs=1e-5)
    assert found.size.numpy() == pytest.approx(effort.std(axis=0), rel=1e-3)
