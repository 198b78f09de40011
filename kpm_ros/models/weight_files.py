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

"""Model files of any architecture: safetensors with a card, checked when they are read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import MODEL_BYTES, opened, reading
from kpm_ros.models.architecture import ANY_SIZE
from kpm_ros.models.card import CardError, ModelCard
from kpm_ros.models.registry import architecture_of

MAX_HEADER_BYTES = 1 << 20
"""Longest header read before a file is called something else."""


class ModelFileError(ValueError):
    """A file cannot be used as a model; the message says in one sentence why."""


def check_tensors(card: ModelCard, tensors: Mapping[str, NDArray[np.generic]]) -> None:
    """See that a model's tensors are those its card asks for, all finite."""
    try:
        shapes = architecture_of(card).shapes(card)
    except CardError as error:
        raise ModelFileError(str(error)) from None
    for name, shape in shapes.items():
        if name not in tensors:
            raise ModelFileError(f"the tensor {name!r} is missing")
        array = tensors[name]
        if len(array.shape) != len(shape) or any(
            due not in (ANY_SIZE, size) for due, size in zip(shape, array.shape, strict=True)
        ):
            raise ModelFileError(
                f"the tensor {name!r} has shape {array.shape} where the model's card asks for "
                f"{shape}"
            )
        if array.dtype.kind != "f":
            raise ModelFileError(f"the tensor {name!r} holds {array.dtype}, not floating point")
        if not np.isfinite(array).all():
            raise ModelFileError(f"the tensor {name!r} holds values that are not finite")
    unknown = sorted(set(tensors) - set(shapes))
    if unknown:
        raise ModelFileError(f"the tensor {unknown[0]!r} belongs to no layer of the network")


def save_model(
    path: Path | str, card: ModelCard, tensors: Mapping[str, NDArray[Any]], exact: bool = False
) -> None:
    """Write a model of any architecture, whole or not at all.

    Networks are kept in float16; with `exact`, weights that float16 would change in float32. What
    was fitted in one go is kept in float32. Raises ModelFileError when the tensors do not fit the
    card, or float16's range.
    """
    path = Path(path)
    check_tensors(card, tensors)
    single = architecture_of(card).fitted
    stored: dict[str, NDArray[np.generic]] = {}
    for name, array in tensors.items():
        with np.errstate(over="ignore"):
            half = np.ascontiguousarray(array, np.float16)
        changed = single or (exact and not np.array_equal(half, array))
        if not (changed or np.isfinite(half).all()):
            raise ModelFileError(f"the tensor {name!r} holds values beyond float16's range")
        stored[name] = np.ascontiguousarray(array, np.float32) if changed else half
    write_atomically(path, save(stored, metadata=card.to_metadata()))


def save_card(path: Path | str, card: ModelCard) -> None:
    """Put another card into a model's file, and leave its weights as they are."""
    save_model(path, card, load_tensors(path), exact=True)


def read_metadata(path: Path | str) -> Any:
    """Read what a safetensors file says of itself, without its tensors."""
    path = Path(path)
    with reading(path, "a model", ModelFileError), opened(path, MODEL_BYTES) as file:
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length) if length <= MAX_HEADER_BYTES else b""
    try:
        header = json.loads(raw) if len(raw) == length else None
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ModelFileError(f"{path} is not a safetensors file, or is cut short")
    return header.get("__metadata__")


def read_card(path: Path | str) -> ModelCard:
    """Read a model's card without its weights."""
    metadata = read_metadata(path)
    try:
        return ModelCard.from_metadata(metadata)
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from None
    except (RecursionError, TypeError, AttributeError) as error:
        raise ModelFileError(f"{path}: the model card is no table of fields") from error


def load_model(path: Path | str) -> tuple[ModelCard, dict[str, NDArray[np.float32]]]:
    """Read a model's card and its weights as float32, having checked both."""
    card = read_card(path)
    stored = load_tensors(path)
    try:
        check_tensors(card, stored)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return card, {name: array.astype(np.float32) for name, array in stored.items()}


def load_tensors(path: Path | str) -> dict[str, NDArray[np.generic]]:
    """Read the arrays of a safetensors file, whatever they are."""
    with reading(path, "a whole safetensors file", ModelFileError), opened(path, MODEL_BYTES):
        return load_file(path)


MADE_UP_SIZE = 16
"""Of a tensor in a dimension that no card tells."""


def random_tensors(card: ModelCard, seed: int = 0) -> dict[str, NDArray[np.float32]]:
    """Make up weights for the card's network, exact in float16: to measure it, or to test it."""
    random = np.random.default_rng(seed)
    architecture = architecture_of(card)
    tensors = {}
    for name, listed in architecture.shapes(card).items():
        shape = tuple(MADE_UP_SIZE if size == ANY_SIZE else size for size in listed)
        layer, _, kind = name.rpartition(".")
        if layer.rpartition(".")[-1].startswith(("norm", "conv_norm", "linear_norm")):
            values = random.normal(float(kind == "weight"), 0.1, shape)
        elif kind == "running_var":
            values = random.uniform(0.5, 1.5, shape)
        else:
            fan_in = np.prod(shape[1:]) if len(shape) > 1 else 25
            values = random.normal(
                0, architecture.random_gain.get(layer, 1.0) * fan_in**-0.5, shape
            )
        tensors[name] = values.astype(np.float16).astype(np.float32)
    return tensors
