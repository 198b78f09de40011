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

"""Checkpoints as torch writes them, read safely: tensors by name, and no code is run."""

from __future__ import annotations

import argparse
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MODEL_BYTES, opened, reading
from kpm_ros.core.pickle_limits import PickleError, look_through
from kpm_ros.models.card import ModelCard
from kpm_ros.models.weight_files import ModelFileError, check_tensors

_PICKLES_OF_OLD = 4
"""Before 2020 torch wrote four pickles one after the other, then the numbers."""
_COPIERS = frozenset({"_codecs encode", "builtins bytearray", "__builtin__ bytearray", "bytearray"})
"""Names by which a pickle could fill the memory, and which tensors do not need."""
_PLAIN: list[Any] = [argparse.Namespace]
"""What published trainings save beside their tensors, and which does nothing when it is made."""
_TABLES = ("state_dict", "my_model")
"""Names under which published trainings save the table of tensors."""

State = dict[str, torch.Tensor]
Tensors = dict[str, NDArray[np.float32]]


def read_state(path: Path | str) -> State:
    """Read a checkpoint's tensors by their published names; no code in the file is run."""
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"no checkpoint at {path}")
    try:
        with reading(path, "a whole checkpoint", ModelFileError):
            loaded = load_tensors_only(path)
    except ModelFileError as error:
        if isinstance(error.__cause__, pickle.UnpicklingError):
            raise ModelFileError(
                f"{path} is no checkpoint, or holds something other than tensors, and was not "
                "loaded"
            ) from None
        raise
    state = loaded
    if isinstance(loaded, Mapping):
        state = next((loaded[name] for name in _TABLES if name in loaded), loaded)
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise ModelFileError(f"{path} holds no table of named tensors")
    return dict(state)


def without_prefix(state: Mapping[str, torch.Tensor], last: str) -> State | None:
    """Name tensors without what stands before all; None where none, or several, end in `last`."""
    prefixes = {name[: -len(last)] for name in state if name.endswith(last)}
    if len(prefixes) != 1:
        return None
    prefix = prefixes.pop()
    return {name.removeprefix(prefix): value for name, value in state.items()}


def load_tensors_only(path: Path) -> Any:
    """Load what torch has saved, tensors and plain values only, that holds no more than it has."""
    with opened(path, MODEL_BYTES) as file:
        zipped = zipfile.is_zipfile(file)
        file.seek(0)
        if zipped:
            _look_through_archive(file, path.stat().st_size)
        else:
            _look_through_pickles(file)
    with torch.serialization.safe_globals(_PLAIN):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)


def _look_through_pickles(file: BinaryIO) -> None:
    """Look through as many as there are; of one that is cut off torch says so itself."""
    for _ in range(_PICKLES_OF_OLD):
        try:
            look_through(file, _COPIERS)
        except PickleError:
            raise
        except Exception:
            return


def _look_through_archive(file: BinaryIO, size: int) -> None:
    """See that nothing in the archive is compressed, as torch writes it."""
    with zipfile.ZipFile(file) as archive:
        entries = archive.infolist()
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > size:
            raise ModelFileError("its parts are compressed, as torch never leaves them")
        for entry in entries:
            if entry.filename.endswith("data.pkl"):
                look_through(archive.read(entry), _COPIERS)


def plain_array(
    path: Path | str, state: Mapping[str, torch.Tensor], name: str, shape: tuple[int, ...]
) -> NDArray[np.float32]:
    """Take a tensor of a shape out of a checkpoint; a ModelFileError says why it cannot be."""
    value = state.get(name)
    if not isinstance(value, torch.Tensor):
        raise ModelFileError(f"{path} lacks the tensor {name!r}")
    if tuple(value.shape) != shape:
        raise ModelFileError(
            f"{path}: {name!r} has shape {tuple(value.shape)} where {shape} is due"
        )
    if not value.is_floating_point() or value.layout != torch.strided:
        raise ModelFileError(f"{path}: {name!r} is not a plain array of numbers")
    if value.numel() * value.element_size() > value.untyped_storage().nbytes():
        raise ModelFileError(f"{path}: {name!r} repeats the numbers that it holds")
    return value.to(torch.float32).numpy().copy()


def check_model(path: Path | str, card: ModelCard, tensors: Tensors) -> None:
    """See that tensors are those of the card's network."""
    try:
        check_tensors(card, tensors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
