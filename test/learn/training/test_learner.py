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

"""One step of training: what counts in it, and what goes wrong in words."""

from __future__ import annotations

import pytest
import torch
from geomloss import SamplesLoss
from torch import nn

from kpm_ros.core.streams import Streams
from kpm_ros.learn.training.batches import Batch
from kpm_ros.learn.training.learner import Learner
from kpm_ros.learn.training.losses import EffortLoss
from kpm_ros.learn.training.margins import inner_samples
from kpm_ros.learn.training.training_settings import make_settings
from kpm_ros.models.pianokpm.network import PianoKPMNet
from kpm_ros.models.pianokpm.published import published_card, published_streams

KEYS = published_streams()["keys"]
CARD = published_card(architecture="pianokpm-light", streams=Streams((KEYS,)))


def some_batch(samples=96):
    torch.manual_seed(1)
    missing = torch.zeros(2, samples, dtype=torch.int64)
    return Batch(torch.rand(2, 88, samples), missing, torch.rand(2, 6, samples))


def learner(**changes):
    torch.manual_seed(0)
    settings = make_settings("quick", model="pianokpm-light", window=96, **changes)
    return Learner(PianoKPMNet(CARD), settings)


def test_the_loss_is_squared_error_and_the_published_distance():
    batch = some_batch()
    losses = EffortLoss(transport=True, points=0)(batch.effort, batch.effort.flip(1))
    clouds = batch.effort.mT.contiguous(), batch.effort.flip(1).mT.contiguous()
    distance = SamplesLoss("sinkhorn", p=2, blur=0.05)(*clouds).mean()
    assert losses.squared == nn.functional.mse_loss(batch.effort, batch.effort.flip(1))
    assert torch.allclose(losses.transport, distance)
    assert losses.transport > 0.01


def test_the_distance_does_not_ask_when_but_how_strongly():
    effort = some_batch().effort
    losses = EffortLoss(transport=True, points=0)(effort.flip(2), effort)
    assert losses.squared > 0.1
    assert abs(float(losses.transport)) < 1e-5


def test_the_distance_of_some_samples_is_near_that_of_all():
    torch.manual_seed(3)
    effort = torch.rand(2, 6, 512)
    some = EffortLoss(transport=True, points=256)(1.5 * effort, effort).transport
    every = EffortLoss(transport=True, points=0)(1.5 * effort, effort).transport
    assert some != every
    assert float(some) == pytest.approx(float(every), rel=0.1)


def test_what_lies_near_the_ends_of_a_window_does_not_count():
    batch = some_batch()
    one = learner(sinkhorn=0.0)
    inner = inner_samples(CARD, 96, whole=False)
    assert (inner.start, inner.stop) == (31, 65)
    loss = one(batch)["loss"]
    batch.effort[..., : inner.start] += 5
    batch.effort[..., inner.stop :] += 5
    assert one(batch)["loss"] == loss
    batch.effort[..., inner.start] += 5
    assert one(batch)["loss"] > loss


def test_whole_windows_count_where_that_is_asked_for():
    assert inner_samples(CARD, 96, whole=True) == slice(0, 96)
    with pytest.raises(ValueError, match="within the model's reach of 62"):
        inner_samples(CARD, 62, whole=False)


def test_a_teacher_shows_the_true_effort_of_the_sample_before():
    batch = some_batch()
    taught = learner(teacher_forcing=True, sinkhorn=0.0)
    before = taught._estimate(batch.values, batch.effort)
    batch.effort[..., 40] += 1
    moved = (taught._estimate(batch.values, batch.effort) - before).abs().sum(dim=(0, 1)) > 0
    assert moved.nonzero().flatten().tolist() == [41]


def test_the_running_mean_follows_the_weights_slowly():
    one = learner(average=0.9)
    start = one.average.features.bias.clone()
    with torch.no_grad():
        one.network.features.bias.add_(1)
    one.follow(step=10_000, done=0.5)
    moved = one.best_network.features.bias - start
    assert torch.allclose(moved, torch.full_like(moved, 0.1), atol=1e-5)
