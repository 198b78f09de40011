"""Training state on disk, so that an interrupted training goes on where it was."""

from __future__ import annotations

import os
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch


class CheckpointError(ValueError):
    """A checkpoint cannot be used; the message says in one sentence why."""


class Checkpoint:
    """One file, replaced whole at every save, that belongs to one set of arguments."""

    def __init__(self, path: Path, arguments: dict[str, Any]) -> None:
        self.path = path
        self._arguments = arguments

    def save(self, state: dict[str, Any]) -> None:
        """Replace the file."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        try:
            torch.save({"arguments": self._arguments, "state": state}, unfinished)
            unfinished.replace(self.path)
        finally:
            unfinished.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """Read the state back; None when there is none, an error when it is of another training."""
        if not self.path.is_file():
            return None
        try:
            # Tensors and plain values only: a checkpoint can run no code.
            stored = torch.load(self.path, weights_only=True)
            before: dict[str, Any] = stored["arguments"]
            state: dict[str, Any] = stored["state"]
        except (RuntimeError, UnpicklingError, KeyError, TypeError, EOFError, ValueError):
            raise CheckpointError(
                f"{self.path} is not a checkpoint of this training: delete it to begin anew"
            ) from None
        for name, value in self._arguments.items():
            if before.get(name) != value:
                raise CheckpointError(
                    f"{self.path} is of a training with {name} = {before.get(name)!r}, not "
                    f"{value!r}: give that to go on with it, or delete it to begin anew"
                )
        return state

    def remove(self) -> None:
        """Forget it, once the training is done."""
        self.path.unlink(missing_ok=True)
