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

"""What a model's card says of hands that it was trained on: their sizes, or places in pictures."""

from __future__ import annotations

from collections.abc import Sequence

from kpm_ros.align.hand_measures import MOMENT_S, measures_of, ranges_of
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.models.card import ModelCard


def familiar_hands(card: ModelCard, recordings: Sequence[GridRecording]) -> dict[str, list[float]]:
    """Lowest and highest of each measure of hands in recordings; empty of what is no hand."""
    step = round(card.rate_hz * MOMENT_S)
    hands = [hand for hand in card.streams.landmarks if measures_of(hand)]
    looked_through = [one.window(step=step) for one in recordings] if hands else []
    found: dict[str, list[float]] = {}
    for hand in hands:
        columns, absent = card.streams.columns[hand.name], 1 << card.streams.names.index(hand.name)
        found |= ranges_of(
            hand, [rows.values[(rows.missing & absent) == 0, columns] for rows in looked_through]
        )
    return found


def widened(familiar: dict[str, list[float]], by: dict[str, list[float]]) -> dict[str, list[float]]:
    """Put other hands' ranges to those of a card; what it says nothing of stays unsaid.

    >>> widened({"hand_size": [0.9, 1.1], "cameras": [1.0, 3.0]}, {"hand_size": [0.7, 0.8]})
    {'hand_size': [0.7, 1.1], 'cameras': [1.0, 3.0]}
    """
    return {
        name: [min(low, by.get(name, (low,))[0]), max(high, by.get(name, (high,))[-1])]
        for name, (low, high) in familiar.items()
    }
