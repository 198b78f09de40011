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

"""Training windows are shown with other hands and cameras, and nothing else about them changes."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from kpm_ros.learn.training.augment import Disguise, augment
from kpm_ros.learn.training.learner import Learner, Span
from kpm_ros.learn.training.settings import make_settings
from kpm_ros.learn.training.stream import Batch
from kpm_ros.models.card import ModelCard

NOBODY = Disguise().times(0)


@pytest.fixture(scope="module")
def batch() -> tuple[torch.Tensor, torch.Tensor]:
    """Three windows of a hand that moves."""
    draw = torch.Generator().manual_seed(1)
    hand = 0.5 + 0.05 * torch.randn(3, 84, 1, generator=draw)
    return hand + 0.001 * torch.randn(3, 84, 40, generator=draw), torch.rand(3, 88, 40)


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_window_gets_a_disguise_of_its_own_for_its_whole_length(batch) -> None:
    pose, keys = batch
    changed, same = augment(pose, keys, seeded(2), amount=Disguise(size=0, nearness=0, turn_rad=0))
    shift = changed - pose
    assert torch.equal(same, keys)
    assert torch.allclose(shift, shift[..., :1].expand_as(shift), atol=1e-6)
    assert (shift[0] - shift[1]).abs().max() > 1e-3


def test_a_larger_hand_keeps_its_shape(batch) -> None:
    pose, keys = batch
    changed, _ = augment(pose, keys, seeded(3), amount=Disguise(0, 0, 0, size=0.2, landmark=0))
    before, after = (
        (x.unflatten(1, (2, 21, 2)) - x.unflatten(1, (2, 21, 2))[:, :, 9:10])
        for x in (pose, changed)
    )
    ratio = (after.square().sum(dim=(1, 2, 3)) / before.square().sum(dim=(1, 2, 3))).sqrt()
    assert torch.allclose(ratio, ratio[:, :1].expand_as(ratio), rtol=1e-4)
    assert torch.allclose(after, before * ratio[:, None, None, None], atol=1e-5)
    assert ratio.std() > 0.01


def test_the_same_seed_draws_the_same_and_another_seed_something_else(batch) -> None:
    one, again, other = (augment(*batch, seeded(seed))[0] for seed in (4, 4, 5))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_a_missing_pose_stays_missing(batch) -> None:
    pose, keys = batch[0].clone(), batch[1]
    neutral = torch.linspace(0, 1, 84)
    pose[1, :, 10:20] = neutral[:, None]
    changed, _ = augment(pose, keys, seeded(6), neutral=neutral)
    assert torch.equal(changed[1, :, 10:20], pose[1, :, 10:20])
    assert not torch.equal(changed[1, :, :10], pose[1, :, :10])


def test_no_disguise_changes_nothing(batch) -> None:
    assert torch.allclose(augment(*batch, seeded(7), amount=NOBODY)[0], batch[0], atol=1e-6)


class Looking(nn.Module):
    """Keeps what it is shown, and estimates one number."""

    def __init__(self) -> None:
        super().__init__()
        self.card = ModelCard(architecture="touchnet", optional=("pose",), pose_offset=(0.5,) * 84)
        self.guess = nn.Parameter(torch.zeros(1))

    def forward(self, pose: torch.Tensor, keys: torch.Tensor) -> torch.Tensor:
        """Estimate the same for everything."""
        self.seen = pose
        return self.guess.expand(len(pose), 6, pose.shape[-1])


@pytest.mark.parametrize("amount", [0.0, 1.0])
def test_training_shows_disguised_windows_if_asked_to(batch, amount) -> None:
    pose, keys = batch[0].clone(), batch[1]
    pose[2] = 0.5
    network = Looking()
    settings = make_settings("quick", disguise=amount, window=40, sinkhorn=0.0)
    learner = Learner(network, settings, Span(1, 1), 1.0)
    learner.training_step(Batch(pose, keys, torch.zeros(3, 6, 40)), 0)
    assert torch.equal(network.seen[:2], pose[:2]) == (amount == 0)
    assert torch.equal(network.seen[2], pose[2])


def test_a_negative_disguise_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="disguise must be 0 or more, not -1"):
        make_settings("quick", disguise=-1.0)
