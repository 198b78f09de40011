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

"""Published checkpoints of any kind turned into model files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from kpm_ros.models.card import ModelCard
from kpm_ros.models.mia import checkpoint as mia
from kpm_ros.models.pianokpm import checkpoint as pianokpm
from kpm_ros.models.torch_checkpoints import State, Tensors, read_state
from kpm_ros.models.weight_files import ModelFileError, save_model


class Kind(NamedTuple):
    """One kind of published checkpoint."""

    what: str
    named: Callable[[Mapping[str, torch.Tensor]], State | None]
    """Names its tensors without what stands before all; None where it is of another kind."""
    take: Callable[..., tuple[ModelCard, Tensors]]
    """Takes a model from path and tensors, and from what the user says of it."""


KINDS = (
    Kind("PianoKPM Net", pianokpm.published_names, pianokpm.import_state),
    Kind("network of Muscles in Action", mia.published_names, mia.import_state),
)


def import_checkpoint(path: Path | str, **given: Any) -> tuple[ModelCard, Tensors]:
    """Read a published checkpoint as a model: its card, and its tensors under our names."""
    state = read_state(path)
    for kind in KINDS:
        named = kind.named(state)
        if named is not None:
            return kind.take(path, named, **given)
    kinds = " and no ".join(kind.what for kind in KINDS)
    raise ModelFileError(f"{path} holds no {kinds}: the layers that each has are missing")


def convert_checkpoint(source: Path | str, target: Path | str, **given: Any) -> ModelCard:
    """Turn a published checkpoint into a model file; returns the card written to it.

    `given` names fields of the card, which go before what the checkpoint's shapes tell. Weights
    that float16 would change are kept in float32.
    """
    card, tensors = import_checkpoint(source, **given)
    save_model(target, card, tensors, exact=True)
    return card
