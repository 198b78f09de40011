"""Model files: safetensors in float16 with the model's card, checked when they are read."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from kpm_ros.estimate.card import ModelCard
from kpm_ros.estimate.layout import CardError, tensor_table

MAX_HEADER_BYTES = 1 << 20
"""Longest header read before a file is called something else."""


class ModelFileError(ValueError):
    """A file cannot be used as a model; the message says in one sentence why."""


def check_tensors(card: ModelCard, tensors: Mapping[str, NDArray[np.generic]]) -> None:
    """See that a model's tensors are those its card asks for, all finite."""
    try:
        table = tensor_table(card)
    except CardError as error:
        raise ModelFileError(str(error)) from None
    for name, spec in table.items():
        if name not in tensors:
            raise ModelFileError(f"the tensor {name!r} is missing")
        array = tensors[name]
        if array.shape != spec.shape:
            raise ModelFileError(
                f"the tensor {name!r} has shape {array.shape} where the model's card asks for "
                f"{spec.shape}"
            )
        if array.dtype.kind != "f":
            raise ModelFileError(f"the tensor {name!r} holds {array.dtype}, not floating point")
        if not np.isfinite(array).all():
            raise ModelFileError(f"the tensor {name!r} holds values that are not finite")
    unknown = sorted(set(tensors) - set(table))
    if unknown:
        raise ModelFileError(f"the tensor {unknown[0]!r} belongs to no layer of {card.architecture}")


def save_model(path: Path | str, card: ModelCard, tensors: Mapping[str, NDArray]) -> None:
    """Write a model in float16, whole or not at all.

    Raises ModelFileError when the tensors do not fit the card or float16's range.
    """
    path = Path(path)
    with np.errstate(over="ignore"):
        half = {
            name: np.ascontiguousarray(array, dtype=np.float16) for name, array in tensors.items()
        }
    check_tensors(card, half)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(save(half, metadata=card.to_metadata()))
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_card(path: Path | str) -> ModelCard:
    """Read a model's card without its weights."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            raw = file.read(length) if length <= MAX_HEADER_BYTES else b""
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read: {error.strerror}") from None
    try:
        header = json.loads(raw) if len(raw) == length else None
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise ModelFileError(f"{path} is not a safetensors file, or is cut short")
    try:
        return ModelCard.from_metadata(header.get("__metadata__"))
    except ValueError as error:
        raise ModelFileError(f"{path}: {error}") from None


def load_model(path: Path | str) -> tuple[ModelCard, dict[str, NDArray[np.float32]]]:
    """Read a model's card and its weights as float32, having checked both."""
    card = read_card(path)
    try:
        stored = load_file(path)
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ModelFileError(f"{path} is not a whole safetensors file: {error}") from None
    try:
        check_tensors(card, stored)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return card, {name: array.astype(np.float32) for name, array in stored.items()}
