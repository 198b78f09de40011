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

"""Figures of takes that were measured before, so that an interrupted evaluation goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from kpm_ros.core.atomic_files import write_atomically
from kpm_ros.core.foreign_files import read_json
from kpm_ros.core.resources import user_cache
from kpm_ros.learn.scores.score_table import without_nan

if TYPE_CHECKING:
    from kpm_ros.models.trained import Trained

ROOMS = (
    *("core", "sense", "align", "estimate", "models", "wire", "replay"),
    *("learn/recordings", "learn/scores"),
)
"""Their code decides what an estimate and its figures are."""


class Plain(Protocol):
    """Figures that can be kept."""

    def as_plain(self) -> dict[str, Any]:
        """Put them in the form of JSON."""
        ...


Figures = TypeVar("Figures", bound=Plain)


class TakeCache:
    """A folder of figures, each named after all that it depends on."""

    def __init__(self, folder: Path | None = None) -> None:
        """Note the folder, the user's own where none is given; made with the first figures."""
        self.folder = folder or user_cache() / "scores"

    def get(
        self,
        key: str,
        make: Callable[[], Figures],
        read: Callable[[Mapping[str, Any]], Figures],
    ) -> Figures:
        """Give the figures of this key, measured now if they were not before."""
        path = self._path(key)
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            return read(read_json(path))
        figures = make()
        with suppress(OSError):  # without a cache, everything is measured each time
            write_atomically(path, json.dumps(without_nan(figures.as_plain())).encode())
        return figures

    def holds(self, key: str) -> bool:
        """Whether figures of this key were kept."""
        return self._path(key).is_file()

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / f"{key}.json"


def take_key(*parts: object) -> str:
    """Name figures after everything that they depend on."""
    return hashlib.sha256(json.dumps([_code(), *parts], sort_keys=True).encode()).hexdigest()


@cache
def _code() -> str:
    """Tell the code that runs from any other: what is changed measures anew."""
    package = Path(__file__).parents[2]
    digest = hashlib.sha256()
    for path in sorted(one for room in ROOMS for one in (package / room).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def model_digest(model: Trained) -> str:
    """Tell a model's card and weights from any other's."""
    digest = hashlib.sha256(json.dumps(model.card.to_metadata(), sort_keys=True).encode())
    for name, tensor in sorted(model.tensors.items()):
        digest.update(json.dumps([name, tensor.shape]).encode())
        digest.update(np.ascontiguousarray(tensor, np.float32).tobytes())
    return digest.hexdigest()
