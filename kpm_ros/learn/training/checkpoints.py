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

"""Training state on disk, so that an interrupted training goes on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io import TorchCheckpointIO

from kpm_ros.core.atomic_files import atomic_file
from kpm_ros.core.foreign_files import is_our_mistake, must_be_file

IDENTITY = "identity"
"""Under which name a checkpoint says of which training it is."""
PROGRESS = "progress"
"""Under which name a checkpoint says how far it has come."""


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says in one sentence why."""


class AtomicCheckpoints(TorchCheckpointIO):
    """Replaces a checkpoint whole or not at all, a power cut included."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write it."""
        with atomic_file(Path(path), durable=True) as file:
            torch.save(checkpoint, file)


def read_checkpoint(path: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """Read a checkpoint; None when there is none, an error when it is of another training."""
    if not path.exists():
        return None
    try:
        # Tensors and plain values only: a checkpoint can run no code.
        must_be_file(path)
        stored: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        before: dict[str, Any] = stored[IDENTITY]
        int(stored[PROGRESS]["step"])  # that of version 0.1.0 has none
        asked = {name: before.get(name) for name in identity}
    except Exception as error:  # a damaged file can make the reader fail in any way
        if is_our_mistake(error):
            raise
        raise CheckpointError(
            f"{path} is not a checkpoint of a training: delete it to begin anew"
        ) from None
    for name, value in identity.items():
        if asked[name] != value:
            raise CheckpointError(
                f"{path} is of a training with {name.replace('_', '-')} {_spoken(asked[name])}, "
                f"not {_spoken(value)}: give that to go on with it, or train into another folder"
            )
    return stored


def _spoken(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else f"{value!r}"
