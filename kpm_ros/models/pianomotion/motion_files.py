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

"""Files of models of movement: safetensors with a card, checked when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save
from torch import nn

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import MODEL_BYTES, ForeignFileError, opened, reading
from kpm_ros.models.pianomotion.gesture import make_network
from kpm_ros.models.pianomotion.motion_card import MotionCard


def save_motion_model(
    path: Path, card: MotionCard, tensors: Mapping[str, NDArray[np.float32]]
) -> None:
    """Write a model, whole or not at all."""
    kept = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_atomically(path, save(kept, metadata=card.to_metadata()))


def load_motion_model(path: Path | str) -> tuple[MotionCard, nn.Module]:
    """Read a model, ready for use; a ForeignFileError says what is wrong with a file."""
    path = Path(path).expanduser()
    if path.is_dir():
        path = path / "model.safetensors"
    with reading(path, "a model of two hands' movement"), opened(path, MODEL_BYTES):
        with safe_open(path, "pt") as file:
            card = MotionCard.from_metadata(file.metadata())
            state: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        with torch.device("meta"):
            shapes = {name: each.shape for name, each in make_network(card).state_dict().items()}
        _check(path, shapes, state)
        network = make_network(card)
        network.load_state_dict(state)
    return card, network.eval()


def _check(path: Path, shapes: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Refuse tensors of another network, and numbers that are none."""
    wrong = sorted(set(shapes) ^ set(state))
    if wrong:
        raise ForeignFileError(f"{path}: the tensor {wrong[0]!r} is missing, or of no layer")
    for name, shape in shapes.items():
        if state[name].shape != shape:
            raise ForeignFileError(
                f"{path}: the tensor {name!r} has shape {tuple(state[name].shape)} where the card "
                f"asks for {tuple(shape)}"
            )
        if not torch.isfinite(state[name]).all():
            raise ForeignFileError(f"{path}: the tensor {name!r} holds values that are not finite")
