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

"""Every architecture there is, by the names that users and cards give it."""

from __future__ import annotations

import importlib
from functools import lru_cache

from kpm_ros.models.architecture import Architecture
from kpm_ros.models.card import CardError, ModelCard

FOLDERS = (
    "baselines",
    "bodynet",
    "codetalker",
    "kernel",
    "mia",
    "neuropose",
    "pianokpm",
    "touchnet",
)
"""Each has a module `configuration` with a tuple ARCHITECTURES."""

_added: list[Architecture] = []


def architectures() -> dict[str, Architecture]:
    """List all, by the names that users give them."""
    return {one.name: one for one in (*_own(), *_added)}


def find_architecture(name: str) -> Architecture:
    """Find one by the name that users give it."""
    known = architectures()
    if name not in known:
        raise ValueError(f"there is no model {name!r}: choose from {', '.join(known)}")
    return known[name]


def architecture_of(card: ModelCard) -> Architecture:
    """Find the architecture of a card's model, having seen that the card fits it."""
    known = {one.card_name: one for one in architectures().values()}
    if card.architecture not in known:
        raise CardError(
            f"the architecture {card.architecture!r} is not known: {', '.join(known)} are"
        )
    found = known[card.architecture]
    found.check(card)
    return found


def register(architecture: Architecture) -> None:
    """Add an architecture from outside this package, for this process."""
    known = architectures()
    names = {name for one in known.values() for name in (one.name, one.card_name)}
    for name in (architecture.name, architecture.card_name):
        if name in names:
            raise ValueError(f"there is an architecture {name!r} already")
    _added.append(architecture)


def unregister(architecture: Architecture) -> None:
    """Take one away again that was added."""
    _added.remove(architecture)


@lru_cache(maxsize=1)
def _own() -> tuple[Architecture, ...]:
    found: list[Architecture] = []
    for folder in FOLDERS:
        module = importlib.import_module(f"kpm_ros.models.{folder}.configuration")
        found += module.ARCHITECTURES
    return tuple(found)
