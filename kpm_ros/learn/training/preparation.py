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
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from kpm_ros.core.streams import NEWEST, Landmarks, Stream, Streams
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.training.training_settings import Settings
from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import effort_variances, normalised_card
from kpm_ros.models.registry import architecture_of, find_architecture
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained, load

_START_MINUTES = 60.0
"""Training data, evenly chosen, that the first weights are suited to."""


def new_card(settings: Settings, dataset: DataSet) -> ModelCard:
    """Describe the model that is to be trained, or refuse it."""
    architecture = find_architecture(settings.model)
    if settings.teacher_forcing and not architecture.fed_back:
        raise ValueError(
            f"teacher-forcing shows a decoder the true effort before, but {settings.model} has no "
            "such decoder: leave it away"
        )
    streams = chosen_streams(dataset.streams, settings, architecture.usual_streams)
    if settings.pose_timing == NEWEST:
        streams = told_newest(streams)
    senses = tuple(streams.senses)
    if settings.drop_senses and len(senses) < 2:
        raise ValueError(
            "drop-senses takes away one of several senses, but the inputs are "
            f"{', '.join(senses)} alone: leave it at 0"
        )
    rate_hz = settings.rate_hz or architecture.grid_rate_hz or dataset.grid_rate_hz
    given: dict[str, Any] = {}
    if settings.lookahead is not None:
        given["lookahead"] = settings.lookahead
    elif settings.lookahead_s is not None:
        given["lookahead"] = round(settings.lookahead_s * rate_hz)
    return architecture.new_card(
        streams=streams,
        muscles=dataset.muscles,
        unit=dataset.unit,
        rate_hz=rate_hz,
        optional=senses if settings.drop_senses else (),
        licence=dataset.licence if dataset.simulated else "",
        **given,
    )


def chosen_streams(
    had: Streams, settings: Settings, usual: Callable[[Streams], Streams] = lambda had: had
) -> Streams:
    """Take of a data set's streams those of the senses, or of the names, that are asked for.

    Where nothing is asked for, the usual ones.
    """
    if not settings.inputs and not settings.streams:
        return usual(had)
    for asked, known, what in (
        (settings.inputs, had.senses, "inputs"),
        (settings.streams, had.names, "streams"),
    ):
        unknown = [name for name in asked if name not in known]
        if unknown:
            raise ValueError(f"{what} are of {', '.join(known)}, not {unknown}")
    chosen: list[Stream] = [had[name] for name in settings.streams or had.names]
    if settings.inputs:
        chosen = [stream for stream in chosen if stream.sense in settings.inputs]
    if not chosen:
        raise ValueError("the inputs and the streams that are asked for have none in common")
    return Streams(tuple(chosen))


def told_newest(streams: Streams) -> Streams:
    """Tell a model the newest points of each view, and how old they are, instead of lines."""
    return Streams(
        tuple(
            replace(stream, timing=NEWEST) if isinstance(stream, Landmarks) else stream
            for stream in streams
        )
    )


def training_part(dataset: DataSet, settings: Settings, card: ModelCard) -> list[GridRecording]:
    """Take the training recordings, or so many minutes of them, drawn by the seed."""
    names = list(dataset.splits.get("train", ()))
    if not names:
        raise ValueError(f"{dataset.split_file} names no recording to train on")
    if not math.isfinite(settings.max_train_minutes):
        return dataset.on_grid(names, card)
    order = np.random.default_rng(settings.seed).permutation(len(names))
    left: float = settings.max_train_minutes * 60 * card.rate_hz
    chosen: list[GridRecording] = []
    for i in order:
        if left > 0:
            chosen += dataset.on_grid([names[i]], card)
            left -= len(chosen[-1])
    return chosen


def first_network(
    card: ModelCard, recordings: Sequence[GridRecording], settings: Settings
) -> tuple[ModelCard, nn.Module]:
    """Make the network that training begins with, and its card."""
    architecture = architecture_of(card)
    if settings.init_from:
        before = load_base(settings.init_from, card)
        seen = Seen.from_card(before.card.seen) or Seen(unknown=frozenset({before.card.name}))
        card = replace(
            card, offset=before.card.offset, scale=before.card.scale, seen=seen.on_card()
        )
        network = architecture.network(card)
        state = {name: torch.from_numpy(array) for name, array in before.tensors.items()}
        network.load_state_dict(state)
        return card, network
    most = _START_MINUTES * 60 * card.rate_hz
    some = recordings[:: max(1, math.ceil(sum(len(one) for one in recordings) / most))]
    if not architecture.raw_columns:
        card = normalised_card(card, some)
    return card, architecture.initial_network(card, some, settings.seed)


def load_base(name: str, card: ModelCard) -> Trained:
    """Read a model that differs from the card in nothing but its look-ahead and normalisation."""
    base = load(name)
    wanted, had = _essence(card), _essence(base.card)
    for what, value in wanted.items():
        if had[what] != value:
            raise ValueError(
                f"{name} cannot be fine-tuned into this model: its {what} is {had[what]!r}, not "
                f"{value!r}"
            )
    return base


def _essence(card: ModelCard) -> dict[str, Any]:
    """What two models must have in common for one to go on from the other."""
    streams = [
        {name: value for name, value in stream.items() if name not in ("rate_hz", "camera")}
        for stream in card.streams.as_plain()
    ]
    return {
        "architecture": card.architecture,
        "streams": streams,
        "muscles": card.muscles,
        "rate_hz": card.rate_hz,
    }


def effort_variance(recordings: Sequence[GridRecording]) -> float:
    """Variance of the effort where it is known, averaged over muscles."""
    return float(np.nanmean(effort_variances(recordings)))
