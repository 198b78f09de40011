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

"""Kernel regression solved in one go, of people whose movement is brought to one size."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from kpm_ros.models.card import ModelCard
from kpm_ros.models.examples import NO_EXAMPLES, Array, Example
from kpm_ros.models.intervals import Checked, calibrate
from kpm_ros.models.kernel.features import draw_directions
from kpm_ros.models.kernel.readout import KernelReadout
from kpm_ros.models.own_scale import by_person, movement_of, own_card, usual_card
from kpm_ros.models.readout import Sums, Weights

PENALTIES = (3e-3, 1e-2, 3e-2, 1e-1)
"""A frame, for features of unit size; one is chosen by leaving people out."""
DEFAULT_PENALTY = 1e-2
FOLDS = 12
"""Groups of people at most, of which each is left out in turn."""


@dataclass(frozen=True, eq=False)
class Summed:
    """One person's part in a fit."""

    name: str
    card: ModelCard
    """With the person's own offset and scale."""
    sums: Sums
    examples: Sequence[Example]

    def check(self, drawn: Mapping[str, Array], weights: Weights) -> Checked:
        """Estimate the person with weights that others were fitted with."""
        readout = KernelReadout(self.card, drawn)
        said, truth = [], []
        for example in self.examples:
            for features, effort in readout.frames(example):
                raw = features @ weights[:-1].astype(np.float32) + weights[-1].astype(np.float32)
                said.append(np.maximum(raw, 0).reshape(-1, len(self.card.muscles)))
                truth.append(effort.reshape(said[-1].shape))
        return Checked(self.name, np.concatenate(said), np.concatenate(truth))


def fit_kernel(
    card: ModelCard, training: Sequence[Example], choosing: Sequence[Example], seed: int
) -> tuple[ModelCard, dict[str, Array]]:
    """Solve for everyone together; what there is to choose is chosen by leaving people out.

    Of one person alone, by the examples to choose by. People who were left out also tell how far
    off the model is of somebody new.
    """
    grouped = by_person(training)
    if not grouped:
        raise ValueError(NO_EXAMPLES)
    if not card.scale:
        moved = {person: movement_of(card, some) for person, some in grouped.items()}
        card = usual_card(card, moved)
    drawn = draw_directions(card, seed)
    people = [summed(name, card, drawn, some) for name, some in sorted(grouped.items())]
    if len(people) > 1:
        return fit_people(card, people, drawn)
    checks = summed("", card, drawn, choosing).sums if choosing else None
    card, weights = _chosen_by_examples(card, people[0].sums, checks)
    return card, KernelReadout(card, drawn).put(drawn, weights)


def fit_people(
    card: ModelCard, people: Sequence[Summed], drawn: Mapping[str, Array]
) -> tuple[ModelCard, dict[str, Array]]:
    """Choose what does best on people who are left out, and learn from them how far off it is."""
    count = min(FOLDS, len(people))
    folds = [people[first::count] for first in range(count)]
    others = [_sum(one for one in people if one not in fold) for fold in folds]
    apart, errors = {}, {}
    for penalty in PENALTIES:
        apart[penalty] = [_solved(sums, penalty) for sums in others]
        errors[penalty] = float(
            np.mean(
                [
                    one.sums.squared_error(weights)
                    for fold, weights in zip(folds, apart[penalty], strict=True)
                    for one in fold
                ]
            )
        )
    chosen = min(PENALTIES, key=errors.__getitem__)
    checked = [
        one.check(drawn, weights)
        for fold, weights in zip(folds, apart[chosen], strict=True)
        for one in fold
    ]
    card = replace(
        card,
        interval=calibrate(checked).on_card(card.muscles),
        notes=f"penalty {chosen:g} chosen, and intervals calibrated, on people left out in turn",
    )
    return card, KernelReadout(card, drawn).put(drawn, _solved(_sum(people), chosen))


def _chosen_by_examples(
    card: ModelCard, sums: Sums, checks: Sums | None
) -> tuple[ModelCard, Weights]:
    """Choose for one person alone by other takes, where there are any."""
    if checks is None:
        return replace(card, notes=f"penalty {DEFAULT_PENALTY:g}"), _solved(sums, DEFAULT_PENALTY)
    found = {penalty: _solved(sums, penalty) for penalty in PENALTIES}
    chosen = min(PENALTIES, key=lambda penalty: checks.squared_error(found[penalty]))
    return replace(card, notes=f"penalty {chosen:g} chosen on the validation data"), found[chosen]


def summed(
    name: str, card: ModelCard, drawn: Mapping[str, Array], examples: Sequence[Example]
) -> Summed:
    """Sum up one person's recordings, in that person's own scale."""
    own = own_card(card, movement_of(card, examples))
    return Summed(name, own, KernelReadout(own, drawn).sums(examples), examples)


def _sum(people: Iterable[Summed]) -> Sums:
    return reduce(operator.add, (one.sums for one in people))


def _solved(sums: Sums, penalty: float) -> Weights:
    return sums.solve(penalty * sums.frames)
