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

from __future__ import annotations

import pytest
import torch

from kpm_ros.models.pianomotion.features import nothing_played
from kpm_ros.models.pianomotion.gesture import make_network, start_network
from kpm_ros.models.pianomotion.mamba import Mamba
from kpm_ros.models.pianomotion.motion_card import (
    ANGLES,
    GESTURE,
    PLACES,
    POSITION,
    SEQUENCES,
    SSM,
    TRANSFORMER,
    MotionCard,
    MotionCardError,
)
from kpm_ros.models.pianomotion.position import position_losses
from kpm_ros.models.pianomotion.recipes import AS_CODED, AS_WRITTEN
from kpm_ros.models.pianomotion.transformer import PERIOD, AlignedTransformer
from kpm_ros.models.torch_layers import falling_mask


def card(**given):
    return MotionCard(**{"name": "x", "stage": POSITION, **given})


def parameters(network) -> int:
    return sum(weight.numel() for weight in network.parameters())


@pytest.mark.parametrize(
    ("size", "unet", "transformer", "ssm"),
    [
        ("base", 227_874_400, 45_698_048, 3_715_584),
        ("large", 228_791_904, 151_216_128, 6_617_088),
    ],
)
def test_the_published_sizes_have_these_many_weights(size, unet, transformer, ssm) -> None:
    for sequence, expected in ((TRANSFORMER, transformer), (SSM, ssm)):
        with torch.device("meta"):
            network = make_network(card(stage=GESTURE, size=size, sequence=sequence))
        assert parameters(network.unet) == unet
        assert parameters(network.sequence) == expected


def test_the_base_model_by_wav2vec_has_the_published_323_million_weights_within_a_hundredth() -> (
    None
):
    from transformers import Wav2Vec2Config

    # The published count is a profiler's, which leaves attention out, of the conditions too.
    sound = Wav2Vec2Config().to_dict()
    with torch.device("meta"):
        network = make_network(card(stage=GESTURE, size="base", features="wav2vec2", sound=sound))
    counted = parameters(network.unet) + parameters(network.position.features)
    assert counted / 1e6 == pytest.approx(323, rel=0.01)


@pytest.mark.parametrize("sequence", SEQUENCES)
def test_both_stages_keep_the_frames_that_they_are_given(sequence) -> None:
    made = card(stage=GESTURE, sequence=sequence)
    network = start_network(made, 0)
    given = torch.stack([nothing_played(made, 48)] * 2)
    places, _ = network.position(given, 48)
    assert places.shape == (2, 48, PLACES)
    assert places.abs().max() <= 1
    conditions = network.conditions(given, 48)
    said = network(torch.randn(2, ANGLES, 48), torch.tensor([0, 999]), conditions)
    assert said.shape == (2, ANGLES, 48)


def test_the_first_stage_is_not_trained_by_the_second() -> None:
    network = start_network(card(stage=GESTURE), 0).train()
    given = torch.rand(2, 48, nothing_played(network.card, 1).shape[1])
    said = network(torch.randn(2, ANGLES, 48), torch.tensor([3, 4]), network.conditions(given, 48))
    said.sum().backward()
    assert all(weight.grad is None for weight in network.position.parameters())
    assert network.widen.weight.grad.abs().sum() > 0
    assert network.training
    assert not network.position.training


def test_the_same_seed_gives_the_same_start() -> None:
    first, again, other = (start_network(card(), seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_a_decoders_frame_sees_of_the_encoder_only_its_own() -> None:
    torch.manual_seed(0)
    network = AlignedTransformer(16, 1, 2, 32, masked_alone=False).eval()
    seen = {}

    def note(module, given, made):
        seen["weights"] = made[1]

    cross = network.decoder.layers[0].multihead_attn
    cross.register_forward_hook(note)
    forward = cross.forward
    cross.forward = lambda *args, **more: forward(*args, **{**more, "need_weights": True})
    network(torch.randn(2, 5, 16))
    assert torch.allclose(seen["weights"], torch.eye(5).expand(2, 5, 5))


def test_as_coded_a_window_alone_is_not_told_of_what_comes_later_by_its_decoder() -> None:
    mask = falling_mask(4, 61, PERIOD)
    assert torch.isinf(mask[:, 0, 1]).all()
    assert mask[0, 60, 60] == 0
    assert mask[0, 60, 30] == -0.25  # one period old
    assert mask[1, 60, 0] == -2 * 0.25**2
    torch.manual_seed(0)
    network = AlignedTransformer(16, 1, 4, 32, masked_alone=True).eval()
    frames = torch.randn(2, 40, 16)
    together = network(frames)
    assert not torch.allclose(network(frames[:1])[0], together[0], atol=1e-4)
    network.masked_alone = False
    assert torch.allclose(network(frames[:1])[0], together[0], atol=1e-5)


def test_a_selective_state_space_sees_what_was_and_not_what_comes() -> None:
    torch.manual_seed(0)
    block = Mamba(8, 4)
    frames = torch.randn(1, 12, 8)
    changed = frames.clone()
    changed[:, 6] += 1
    before, after = block(frames), block(changed)
    assert torch.equal(before[:, :6], after[:, :6])
    assert (before[:, 6:] - after[:, 6:]).abs().sum(-1).min() > 0


def test_the_scan_is_the_recurrence_that_it_stands_for() -> None:
    torch.manual_seed(1)
    block = Mamba(4, 3)
    frames = torch.randn(1, 5, 4)
    values, gate = block.enter(frames).chunk(2, dim=-1)
    padded = torch.nn.functional.pad(values.transpose(1, 2), (3, 0))
    values = torch.nn.functional.conv1d(
        padded, block.conv.weight, block.conv.bias, groups=values.shape[-1]
    )
    values = torch.nn.functional.silu(values).transpose(1, 2)[0]
    state, made = torch.zeros(8, 3), []
    for value, open_ in zip(values, gate[0], strict=True):
        rank, into, out_of = block.select(value).split((1, 3, 3))
        step = torch.nn.functional.softplus(block.step(rank))
        decay = torch.exp(-step[:, None] * torch.exp(block.log_decay))
        state = decay * state + step[:, None] * value[:, None] * into
        read = state @ out_of + block.skip * value
        made.append(block.leave(read * torch.nn.functional.silu(open_)))
    assert torch.allclose(block(frames)[0], torch.stack(made), atol=1e-5)


def test_places_count_where_hands_are_visible_and_differences_everywhere() -> None:
    truth = torch.zeros(1, 3, PLACES)
    estimate = torch.zeros(1, 3, PLACES)
    estimate[0, 1, 3:] = 0.5  # the left hand's, in a frame where it is not seen
    visible = torch.ones(1, 3, 2)
    visible[0, 1, 1] = 0
    coded = position_losses(estimate, truth, visible, AS_CODED)
    assert coded.place == 0
    assert coded.velocity == pytest.approx(0.5 * 6 / 12)
    written = position_losses(estimate, truth, visible, AS_WRITTEN)
    assert written.velocity == pytest.approx(0.25 * 6 / 12)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"size": "huge"}, "size is 'huge'"),
        ({"features": "wav2vec2"}, "encoder is None"),
        ({"place_scale": (1.0, 0.0, 1.0) * 2}, "above 0"),
        ({"place_offset": (0.0,)}, "must be 6 numbers"),
    ],
)
def test_a_card_of_no_network_is_refused_in_a_sentence(given, said) -> None:
    with pytest.raises(MotionCardError, match=said):
        card(**given)
