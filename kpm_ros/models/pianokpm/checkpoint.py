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

"""Checkpoints of the published PianoKPM Net among published checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from kpm_ros.core.stream_kinds import MIDI_NOTES
from kpm_ros.core.streams import (
    KEYS,
    MOST_STREAMS,
    POSE,
    Landmarks,
    PianoKeys,
    StreamError,
    Streams,
)
from kpm_ros.models.card import MOST_MUSCLES, CardError, ModelCard
from kpm_ros.models.pianokpm.configuration import ARCHITECTURES
from kpm_ros.models.pianokpm.published import MUSCLES, VIEWS, published_card, published_streams
from kpm_ros.models.pianokpm.shapes import tensor_table
from kpm_ros.models.registry import architecture_of
from kpm_ros.models.torch_checkpoints import (
    State,
    Tensors,
    check_model,
    plain_array,
    without_prefix,
)
from kpm_ros.models.weight_files import ModelFileError

LAST_BIAS = "decoder.mlp.6.bias"
FIRST_WEIGHTS = {
    POSE: "network.pose_conv.0.conv.0.weight",
    KEYS: "network.key_conv.0.conv.0.weight",
}
ALIASES = ("network.pose_tds.", "network.key_tds.")
"""The published module lists its encoders and stages a second time under these names."""


def published_names(state: Mapping[str, torch.Tensor]) -> State | None:
    """Name a checkpoint's tensors as published; None where it is of another network."""
    named = without_prefix(state, LAST_BIAS)
    if named is None:
        return None
    return {name: value for name, value in named.items() if not name.startswith(ALIASES)}


def infer_card(
    state: Mapping[str, torch.Tensor], views: Sequence[str] = (), **given: Any
) -> ModelCard:
    """Describe a checkpoint as far as its shapes tell; what is given goes first.

    Published networks see one hand in some views; `views` names them in order.
    """
    widths = {
        sense: int(state[name].shape[1])
        for sense, name in FIRST_WEIGHTS.items()
        if isinstance(state.get(name), torch.Tensor) and state[name].ndim == 3
    }
    known: dict[str, Any] = {"trained_on": "not known: imported from a checkpoint"} | given
    known.setdefault("streams", _streams(widths, views))
    last = state.get(LAST_BIAS)
    if isinstance(last, torch.Tensor) and last.shape != (len(MUSCLES),):
        names = tuple(f"muscle{i + 1}" for i in range(min(last.numel(), MOST_MUSCLES)))
        known.setdefault("muscles", names)
    card = published_card(**known)
    if "architecture" in given:
        return card
    candidates = [replace(card, architecture=one.card_name) for one in ARCHITECTURES]
    return max(candidates, key=lambda candidate: _matches(candidate, state))


def _streams(widths: Mapping[str, int], views: Sequence[str]) -> Streams:
    """List the views and the keys that first layers of such widths take."""
    hand, piano = published_streams().landmarks[0], published_streams().keys
    listed: list[Landmarks | PianoKeys] = []
    if POSE in widths:
        count = max(1, min(widths[POSE] // hand.width, MOST_STREAMS - 1))
        spare = tuple(f"view{i + 1}" for i in range(len(VIEWS), count))
        names = tuple(views) or (*VIEWS, *spare)[:count]
        listed += [replace(hand, name=name) for name in names]
    if KEYS in widths and piano:
        count = widths[KEYS]
        first = min(piano.first_note, max(0, MIDI_NOTES - count))
        listed.append(replace(piano, first_note=first, count=count))
    try:
        return Streams(tuple(listed))
    except StreamError as error:
        raise CardError(f"its inputs cannot be listed: {error}") from None


def import_state(
    path: Path | str, state: Mapping[str, torch.Tensor], **given: Any
) -> tuple[ModelCard, Tensors]:
    """Take a model from tensors by their published names: its card, and tensors under ours."""
    try:
        card = infer_card(state, **given)
        architecture_of(card)
        table = tensor_table(card)
    except CardError as error:
        raise ModelFileError(f"{path} cannot be imported: {error}") from None
    known = {spec.published for spec in table.values()}
    unknown = sorted(set(state) - known)
    if unknown:
        raise ModelFileError(f"{path} holds {unknown[0]!r}, which {card.architecture} has not")
    tensors = {
        name: plain_array(path, state, spec.published, spec.shape) for name, spec in table.items()
    }
    check_model(path, card, tensors)
    return card, tensors


def _matches(card: ModelCard, state: Mapping[str, torch.Tensor]) -> int:
    """How many of the checkpoint's tensors have the shapes of the card's network."""
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in state.items()}
    return sum(shapes.get(spec.published) == spec.shape for spec in tensor_table(card).values())
