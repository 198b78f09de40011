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

"""Missing senses: what a network is given in their place, and when effort is still to be believed.

Training and the live path both use `blank`, so that a network meets in use what it was trained on.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.streams import PianoKeys
from kpm_ros.models.card import ModelCard

Array = NDArray[np.float32]

_UNUSABLE, _INVALID = FlagBits(Flag.HIDDEN | Flag.UNFAMILIAR), FlagBits(Flag.INVALID)


def neutral_row(card: ModelCard) -> Array:
    """Give the row that stands for nothing known: "not sensed" for keys, else zero once normalised.

    No resting key reads "not sensed", so that a network can tell silence from absence.
    """
    row = card.streams.missing_row.copy()
    if card.offset:
        for stream in card.streams:
            if not isinstance(stream, PianoKeys):
                columns = card.streams.columns[stream.name]
                row[columns] = card.offset[columns]
    return row


def blank(values: Array, missing: NDArray[np.uint32], card: ModelCard) -> Array:
    """Put the neutral value where a sense is missing that the model was trained to do without.

    A stream that is missing makes its whole sense so. Other values are as they were, and nothing
    given is changed.
    """
    gone = _gone(missing, card, card.optional)
    if not any(samples.any() for samples in gone.values()):
        return values
    values, neutral = values.copy(), neutral_row(card)
    for sense, samples in gone.items():
        columns = card.streams.senses[sense]
        values[samples, columns] = neutral[columns]
    return values


def judge(
    flags: NDArray[FlagBits], missing: NDArray[np.uint32], card: ModelCard
) -> NDArray[FlagBits]:
    """Mark as invalid what is blind, made of guesses at hidden points, or unfamiliar."""
    unusable = blind(missing, card) | ((flags & _UNUSABLE) != 0)
    return np.asarray(flags | unusable * _INVALID, FlagBits)


def blind(missing: NDArray[np.uint32], card: ModelCard) -> NDArray[np.bool_]:
    """Find the samples without a sense the model needs, and those without any sense."""
    if not card.streams or not missing.any():
        return np.zeros(len(missing), np.bool_)
    gone = _gone(missing, card, card.streams.senses)
    unusable = np.logical_and.reduce(list(gone.values()))
    for sense, samples in gone.items():
        if sense not in card.optional:
            unusable |= samples
    return np.asarray(unusable)


def _gone(
    missing: NDArray[np.uint32], card: ModelCard, senses: Iterable[str]
) -> dict[str, NDArray[np.bool_]]:
    """Find the samples without each sense."""
    bits = {sense: np.uint32(card.streams.bits(sense)) for sense in senses}
    return {sense: (missing & bit) != 0 for sense, bit in bits.items()}
