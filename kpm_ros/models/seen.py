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

"""Who and what a model has met in training, as short digests that travel on its card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields

DIGITS = 12
"""Of a digest: two of a hundred thousand takes are alike by chance once in 50 000 data sets."""


def digest(*words: object) -> str:
    """Shorten whatever tells a person, a task or a take from others."""
    content = "\n".join(str(word) for word in words)
    return hashlib.sha256(content.encode()).hexdigest()[:DIGITS]


@dataclass(frozen=True)
class Seen:
    """What a model, and every model that it goes on from, was trained on or chosen by."""

    people: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    takes: frozenset[str] = frozenset()
    unknown: frozenset[str] = frozenset()
    """Names of models that it goes on from and of which nobody noted what they were trained on."""

    def __or__(self, other: Seen) -> Seen:
        """Put together what two trainings have met."""
        return Seen(
            *(getattr(self, spec.name) | getattr(other, spec.name) for spec in fields(Seen))
        )

    def on_card(self) -> dict[str, list[str]]:
        """Write it as a card holds it."""
        return {spec.name: sorted(getattr(self, spec.name)) for spec in fields(Seen)}

    @classmethod
    def from_card(cls, value: Mapping[str, object]) -> Seen | None:
        """Read it back; None for a card that says nothing of it."""
        if not value:
            return None
        names = [spec.name for spec in fields(cls)]
        lists = [value.get(name) for name in names]
        if set(value) != set(names) or not all(
            isinstance(words, list)
            and all(isinstance(word, str) and word.isprintable() for word in words)
            for words in lists
        ):
            raise ValueError(
                f"the model card's 'seen' must hold lists of words: {', '.join(names)}"
            )
        return cls(*(frozenset(words) for words in lists if isinstance(words, list)))
