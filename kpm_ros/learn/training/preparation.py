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

"""What a training is made of before it begins: the model's card, the data, the first weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kpm_ros.learn.models import zoo
from kpm_ros.learn.recordings.release import Recording, Release
from kpm_ros.learn.training import outcome
from kpm_ros.learn.training.settings import Settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.seen import Seen

_START_MINUTES = 60.0
"""Training data, evenly chosen, that the first weights are suited to."""


def new_card(settings: Settings, release: Release) -> ModelCard:
    """Describe the model that is to be trained, or refuse it."""
    family = zoo.find_family(settings.model)
    if settings.teacher_forcing and not family.name.startswith("pianokpm"):
        raise ValueError(
            f"teacher-forcing shows a decoder the true effort before, but {settings.model} has no "
            "such decoder: leave it away"
        )
    given: dict[str, Any] = {"inputs": settings.inputs} if settings.inputs else {}
    if settings.lookahead is not None:
        given["lookahead"] = settings.lookahead
    senses = settings.inputs or family.inputs
    return zoo.new_card(
        settings.model,
        optional=senses if settings.drop_senses else (),
        views=settings.views,
        muscles=release.muscles,
        licence="Apache-2.0" if release.simulated else "",
        **given,
    )


def training_part(release: Release, settings: Settings) -> list[Recording]:
    """Take the training performances, or so many minutes of them, drawn by the seed."""
    names = list(release.splits.get("train", ()))
    if not names:
        raise ValueError(f"{settings.split_file} names no performance to train on")
    if not math.isfinite(settings.max_train_minutes):
        return [release.performance(name) for name in names]
    order = np.random.default_rng(settings.seed).permutation(len(names))
    left, chosen = settings.max_train_minutes * 60 * ModelCard().rate_hz, []
    for i in order:
        if left > 0:
            chosen.append(release.performance(names[i]))
            left -= len(chosen[-1].effort)
    return chosen


def first_network(
    card: ModelCard, recordings: Sequence[Recording], settings: Settings
) -> tuple[ModelCard, Any]:
    """Make the network that training begins with, and its card."""
    from kpm_ros.models.pianokpm.initial_values import load_start, tuned_network

    if settings.init_from:
        before = load_start(settings.init_from, card)
        seen = Seen.from_card(before.card.seen) or Seen(unknown=frozenset({before.card.name}))
        card = replace(
            card,
            pose_offset=before.card.pose_offset,
            pose_scale=before.card.pose_scale,
            seen=seen.on_card(),
        )
        return card, tuned_network(card, before.tensors)
    card = outcome.normalised(card, recordings)
    most = _START_MINUTES * 60 * card.rate_hz
    every = max(1, math.ceil(sum(len(one.effort) for one in recordings) / most))
    return card, zoo.build(card, recordings[::every], settings.seed)


def effort_variance(recordings: Sequence[Recording]) -> float:
    """Variance of the effort, averaged over muscles."""
    count = sum(len(one.effort) for one in recordings)
    total = sum(one.effort.sum(axis=0, dtype=np.float64) for one in recordings)
    square = sum((one.effort.astype(np.float64) ** 2).sum(axis=0) for one in recordings)
    return float(np.mean(square / count - (total / count) ** 2))
