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

"""How much effort muscles have at rest and at their strongest, in training and in one person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import Array, Example, Tensors, stride_between
from kpm_ros.models.intervals import Intervals

REST, STRONGEST = 0.05, 0.995
"""Quantiles of the effort in training."""
OF_MAXIMUM = ("maximum", "mvc")
"""Words of units in which the maximum contraction is 1."""

Levels = Mapping[str, Sequence[float]]
"""Of each muscle, at rest and at its strongest."""


def levels_of(card: ModelCard, examples: Sequence[Example]) -> dict[str, list[float]]:
    """Find a card's levels in training; empty where some muscle is never known."""
    every = stride_between(card.rate_hz)
    effort = np.concatenate([np.asarray(one.effort)[::every] for one in examples])
    if not len(effort) or not np.isfinite(effort).any(axis=0).all():
        return {}
    low, high = np.nanquantile(effort, (REST, STRONGEST), axis=0)
    if in_maxima(card.unit):
        high = np.ones_like(high)
    return {
        name: [float(f"{rest:.5g}"), float(f"{max(rest, strongest):.5g}")]
        for name, rest, strongest in zip(card.muscles, low, high, strict=True)
    }


def in_maxima(unit: str) -> bool:
    """Whether effort is told as a part of the person's own maximum.

    >>> in_maxima("fraction of MVC"), in_maxima("uV")
    (True, False)
    """
    return any(word in unit.lower() for word in OF_MAXIMUM)


def with_levels(
    card: ModelCard, tensors: Tensors, own: Levels
) -> tuple[ModelCard, dict[str, Array]]:
    """Bring a model's effort from the levels of its training to those of one person.

    Muscles of which nothing is told stay as they are.
    """
    from kpm_ros.models.registry import architecture_of

    unknown = [name for name in own if name not in card.muscles]
    if unknown:
        raise ValueError(f"the model estimates {', '.join(card.muscles)}, not {unknown[0]!r}")
    if not card.levels:
        raise ValueError(
            f"the card of {card.name} does not say how strong muscles were in its training: train "
            "it anew, or adapt it to recordings"
        )
    gain, offset = np.ones(len(card.muscles)), np.zeros(len(card.muscles))
    for muscle, name in enumerate(card.muscles):
        if name not in own:
            continue
        (rest, strongest), (own_rest, own_strongest) = card.levels[name], own[name]
        if not own_rest < own_strongest:
            raise ValueError(
                f"{name} has {own_strongest:g} at its maximum and {own_rest:g} at rest: the "
                "maximum must be above it"
            )
        if rest < strongest:
            gain[muscle] = (own_strongest - own_rest) / (strongest - rest)
            offset[muscle] = own_rest - gain[muscle] * rest
    readout = architecture_of(card).readout(card, tensors)
    changed = readout.put(tensors, readout.scaled(readout.weights(tensors), gain, offset))
    return replace(card, interval=_moved(card, gain, offset), levels=_told(card, own)), changed


def _told(card: ModelCard, own: Levels) -> dict[str, list[float]]:
    return {
        name: [float(each) for each in own.get(name, card.levels[name])] for name in card.muscles
    }


def _moved(card: ModelCard, gain: np.ndarray, offset: np.ndarray) -> dict[str, list[float]]:
    intervals = Intervals.of(card)
    if intervals is None:
        return {}
    at = intervals.at * gain[:, None] + offset[:, None]
    return Intervals(at, intervals.half * gain[:, None]).on_card(card.muscles)
