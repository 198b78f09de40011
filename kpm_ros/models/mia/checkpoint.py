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

"""Checkpoints of the published networks of Muscles in Action among published checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

from kpm_ros.core.streams import Channels, Landmarks, Streams
from kpm_ros.models.architecture import Shapes
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.mia.published import (
    COUNTS,
    FIRST_MUSCLES,
    MUSCLES,
    PERSONS,
    RATE_HZ,
    WINDOW,
    joints,
)
from kpm_ros.models.mia.published_networks import WIDTH
from kpm_ros.models.registry import find_architecture
from kpm_ros.models.torch_checkpoints import (
    State,
    Tensors,
    check_model,
    plain_array,
    without_prefix,
)
from kpm_ros.models.torch_layers import places
from kpm_ros.models.weight_files import ModelFileError

_FIRST, _LAST = "conv1.weight", "out0.weight"
_CNN_LAST = "conv5.weight"
_PLACES = "positional_encoder.pos_encoding"
_UNUSED = ("jointdim.", "bn.", "encoder_layer.", "out.")
"""Layers that the published Transformers hold and do not use: another last one, a normalisation,
the layer that all others are copies of."""
_COUNTER = "num_batches_tracked"
_PLACES_OFF = 1e-3


class _Sight(NamedTuple):
    """What a network sees, and gives, as its first and last layer's sizes tell."""

    architecture: str
    streams: Streams
    muscles: tuple[str, ...]
    unit: str


def published_names(state: Mapping[str, torch.Tensor]) -> State | None:
    """Name a checkpoint's tensors as published; None where it is of another network."""
    for last in (_LAST, _CNN_LAST):
        named = without_prefix(state, last)
        first = None if named is None else named.get(_FIRST)
        if named is not None and isinstance(first, torch.Tensor) and first.ndim == 4:
            return named
    return None


def import_state(
    path: Path | str, state: Mapping[str, torch.Tensor], views: Sequence[str] = (), **given: Any
) -> tuple[ModelCard, Tensors]:
    """Take a model from tensors by their published names: its card, and tensors under ours."""
    try:
        sight = _sight(state, tuple(views))
        architecture = find_architecture(given.pop("architecture", sight.architecture))
        card = architecture.new_card(
            streams=given.pop("streams", sight.streams),
            muscles=given.pop("muscles", sight.muscles),
            unit=given.pop("unit", sight.unit),
            rate_hz=RATE_HZ,
            **({"trained_on": "not known: imported from a checkpoint"} | given),
        )
        shapes = architecture.shapes(card)
    except CardError as error:
        raise ModelFileError(f"{path} cannot be imported: {error}") from None
    named = {ours: _published(ours, sight.architecture) for ours in shapes}
    unknown = sorted(
        name
        for name in set(state) - set(named.values())
        if not name.startswith(_UNUSED) and name != _PLACES and not name.endswith(_COUNTER)
    )
    if unknown:
        raise ModelFileError(f"{path} holds {unknown[0]!r}, which {architecture.name} has not")
    _check_places(path, state, shapes)
    tensors: Tensors = {}
    for ours, shape in shapes.items():
        published = named[ours]
        tensors[ours] = plain_array(path, state, published, _due(published, shape)).reshape(shape)
    check_model(path, card, tensors)
    return card, tensors


def _sight(state: Mapping[str, torch.Tensor], views: tuple[str, ...]) -> _Sight:
    """Tell by sizes what a network is."""
    first = state[_FIRST]
    width, columns = int(first.shape[0]), int(first.shape[2])
    last = state.get(_LAST, state.get(_CNN_LAST))
    outputs = int(last.shape[0]) if isinstance(last, torch.Tensor) and last.ndim else 0
    views_seen = {joints(d).width: joints(d) for d in (3, 2)}
    first_version = _CNN_LAST in state or width == WIDTH
    muscles = FIRST_MUSCLES if first_version else MUSCLES
    told = () if first_version else (PERSONS,)
    architecture = "mia-paper-transformer" if first_version else "mia-iccv"
    if _CNN_LAST in state:
        architecture = "mia-paper-cnn"
    if columns in views_seen and outputs == len(muscles):
        view = _named(views_seen[columns], views)
        return _Sight(architecture, Streams((view, *told)), muscles, COUNTS)
    if columns == len(MUSCLES) and outputs in views_seen and told:
        given = Channels("muscles", MUSCLES, COUNTS, float(RATE_HZ))
        pose = views_seen[outputs]
        unit = "m" if pose.dimensions == 3 else "fraction of the picture"
        return _Sight("mia-iccv-pose", Streams((given, *told)), pose.columns, unit)
    sizes = " or ".join(str(size) for size in views_seen)
    raise CardError(
        f"it turns {columns} columns into {outputs}, but the published networks turn {sizes} "
        f"(25 joints) into {len(MUSCLES)} (muscles), or muscles into joints"
    )


def _named(view: Landmarks, views: tuple[str, ...]) -> Landmarks:
    if len(views) > 1:
        raise CardError(f"it sees one view, but {len(views)} are named: {', '.join(views)}")
    return replace(view, name=views[0]) if views else view


def _published(ours: str, architecture: str) -> str:
    """Say what a tensor is called in a published checkpoint."""
    layer, _, rest = ours.partition(".")
    if architecture == "mia-paper-cnn":
        number, _, kind = rest.partition(".")
        return f"{'conv' if layer == 'convs' else 'bn'}{int(number) + 1}.{kind}"
    return {"conv": "conv1", "encoder": "transformer0", "last": "out0"}[layer] + f".{rest}"


def _due(published: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Give a tensor's published shape: kernels span one row of all columns, or of one channel."""
    if published == _FIRST:
        return (shape[0], 1, *shape[1:])
    if published.startswith("conv") and len(shape) == 3:
        return (*shape[:2], 1, shape[2])
    return shape


def _check_places(path: Path | str, state: Mapping[str, torch.Tensor], shapes: Shapes) -> None:
    """See that frames are told apart as ours are, where the checkpoint says how."""
    told = state.get(_PLACES)
    if told is None:
        return
    width = shapes["conv.weight"][0] if "conv.weight" in shapes else 0
    if not isinstance(told, torch.Tensor) or told.ndim != 3 or told.shape[0] != 1:
        raise ModelFileError(f"{path}: {_PLACES!r} is no table of places")
    length = int(told.shape[1])
    if length < WINDOW or tuple(told.shape[2:]) != (width,):
        raise ModelFileError(
            f"{path}: {_PLACES!r} has shape {tuple(told.shape)} where (1, {WINDOW}, {width}) is due"
        )
    own = plain_array(path, state, _PLACES, (1, length, width))[0, :WINDOW]
    ours = places(WINDOW, width, torch.zeros(1)).numpy()
    if not np.abs(own - ours).max() < _PLACES_OFF:
        raise ModelFileError(
            f"{path} tells frames apart by other numbers than sines and cosines of 10000 ** (2 k / "
            f"{width}): it is no network as published"
        )
