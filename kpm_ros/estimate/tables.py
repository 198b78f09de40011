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

"""Which tensors each known architecture holds."""

from __future__ import annotations

from collections.abc import Callable

from kpm_ros.estimate import layout
from kpm_ros.estimate.layout import CardError, TensorSpec
from kpm_ros.estimate.touch import layout as touch_layout
from kpm_ros.models.card import ModelCard

Table = Callable[[ModelCard], dict[str, TensorSpec]]

TABLES: dict[str, Table] = {
    **dict.fromkeys(layout.ARCHITECTURES, layout.tensor_table),
    **dict.fromkeys(touch_layout.ARCHITECTURES, touch_layout.tensor_table),
}
"""Architectures that files may hold; others, which are not run live, are entered where they are."""


def tensor_table(card: ModelCard) -> dict[str, TensorSpec]:
    """List every tensor of the card's model by its name in our files."""
    table = TABLES.get(card.architecture)
    if table is None:
        raise CardError(
            f"the architecture {card.architecture!r} is not known: {', '.join(TABLES)} are"
        )
    return table(card)
