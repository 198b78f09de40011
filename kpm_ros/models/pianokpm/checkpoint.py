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

"""Checkpoints of the published PianoKPM Net: read safely, and turned into model files."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MODEL_BYTES, opened, reading
from kpm_ros.core.pickle_limits import PickleError, look_through
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
from kpm_ros.models.weight_files import ModelFileError, check_tensors, save_model

LAST_BIAS = "decoder.mlp.6.bias"
FIRST_WEIGHTS = {
    POSE: "network.pose_conv.0.conv.0.weight",
    KEYS: "network.key_conv.0.conv.0.weight",
}
ALIASES = ("network.pose_tds.", "network.key_tds.")
"""The published module lists its encoders and stages a second time under these names."""

_PICKLES_OF_OLD = 4
"""Before 2020 torch wrote four pickles one after the other, then the numbers."""
_COPIERS = frozenset({"_codecs encode", "builtins bytearray", "__builtin__ bytearray", "bytearray"})
"""Names by which a pickle could fill the memory, and which tensors do not need."""

Tensors = dict[str, NDArray[np.float32]]


def read_state(path: Path | str) -> dict[str, torch.Tensor]:
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
    state = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(name, str) for name in state):
        raise ModelFileError(f"{path} holds no table of named tensors")
    prefixes = {name[: -len(LAST_BIAS)] for name in state if name.endswith(LAST_BIAS)}
    if len(prefixes) != 1:
        raise ModelFileError(f"{path} holds no PianoKPM Net: {LAST_BIAS!r} is missing")
    prefix = prefixes.pop()
    named = {name.removeprefix(prefix): value for name, value in state.items()}
    return {name: value for name, value in named.items() if not name.startswith(ALIASES)}


def load_tensors_only(path: Path) -> Any:
    """Load what torch has saved, tensors and plain values only, that holds no more than it has."""
    with opened(path, MODEL_BYTES) as file:
        zipped = zipfile.is_zipfile(file)
        file.seek(0)
        if zipped:
            _look_through_archive(file, path.stat().st_size)
        else:
            _look_through_pickles(file)
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


def import_checkpoint(path: Path | str, **given: Any) -> tuple[ModelCard, Tensors]:
    """Read a published checkpoint as a model: its card and its tensors under our names."""
    state = read_state(path)
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
    tensors: Tensors = {}
    for name, spec in table.items():
        value = state.get(spec.published)
        if not isinstance(value, torch.Tensor):
            raise ModelFileError(f"{path} lacks the tensor {spec.published!r}")
        if tuple(value.shape) != spec.shape:
            raise ModelFileError(
                f"{path}: {spec.published!r} has shape {tuple(value.shape)} where "
                f"{spec.shape} is due"
            )
        if not value.is_floating_point() or value.layout != torch.strided:
            raise ModelFileError(f"{path}: {spec.published!r} is not a plain array of numbers")
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise ModelFileError(f"{path}: {spec.published!r} repeats the numbers that it holds")
        tensors[name] = value.to(torch.float32).numpy().copy()
    try:
        check_tensors(card, tensors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from None
    return card, tensors


def convert_checkpoint(source: Path | str, target: Path | str, **given: Any) -> ModelCard:
    """Turn a published checkpoint into a model file; returns the card written to it.

    `given` names fields of the card, which go before what the checkpoint's shapes tell. Weights
    that float16 would change are kept in float32.
    """
    card, tensors = import_checkpoint(source, **given)
    save_model(target, card, tensors, exact=True)
    return card


def _matches(card: ModelCard, state: Mapping[str, torch.Tensor]) -> int:
    """How many of the checkpoint's tensors have the shapes of the card's network."""
    shapes = {name: tuple(getattr(value, "shape", ())) for name, value in state.items()}
    return sum(shapes.get(spec.published) == spec.shape for spec in tensor_table(card).values())
