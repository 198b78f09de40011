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

"""What a model is of when it is used for the other hand, or for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kpm_ros.core.hands import muscles_of, streams_of
from kpm_ros.core.sides import RIGHT
from kpm_ros.core.streams import StreamError
from kpm_ros.models.card import CardError, ModelCard


def card_of_hand(card: ModelCard, hand: str) -> ModelCard:
    """Describe what a model is given and gives where it is used for this hand, or for both.

    It is no card to run a network by: the network's own card remains that.
    """
    if hand == RIGHT:
        return card
    try:
        streams = streams_of(card.streams, hand)
    except StreamError as error:
        raise CardError(
            f"the model {card.name} cannot be used with hand:={hand}: {error}"
        ) from None
    muscles = muscles_of(card.muscles, hand)
    return replace(
        card,
        streams=streams,
        muscles=muscles,
        offset=(),
        scale=(),
        interval=_of_each(card.interval, card.muscles, muscles),
        levels=_of_each(card.levels, card.muscles, muscles),
    )


def _of_each(
    told: Mapping[str, list[float]], names: Sequence[str], muscles: Sequence[str]
) -> dict[str, list[float]]:
    """Tell of each muscle what is told of its like: both hands have the same, one hand's first."""
    return {name: told[names[k % len(names)]] for k, name in enumerate(muscles)} if told else {}
