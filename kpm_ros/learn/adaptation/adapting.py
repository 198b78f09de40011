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

"""Chooses how far a model is brought to a person, by takes of that person that are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from kpm_ros.learn.adaptation.steps import (
    AS_IT_IS,
    CHOICES,
    EVERYTHING,
    MOVEMENT,
    WHOLE_NETWORK_S,
    Choice,
    LastLayer,
    to_movement,
)
from kpm_ros.models.examples import Array, Example
from kpm_ros.models.intervals import calibrate
from kpm_ros.models.readout import Weights
from kpm_ros.models.trained import Trained

WORTH = 0.02
"""By so much a step that changes more must be better than one that changes less: what is left out
tells two almost equal ones apart by chance."""


@dataclass(frozen=True)
class Adapted:
    """A model of a person, and how it was chosen."""

    model: Trained
    choice: Choice
    seconds: float
    """Of the person's effort that it was adapted to."""
    errors: dict[Choice, float]
    """RMSE of each way on takes, or blocks of them, that were left out in turn."""


def adapt(model: Trained, examples: Sequence[Example], tasks: Sequence[str] = ()) -> Adapted:
    """Bring a model to the person whose recordings these are; `tasks` tells what is done in each.

    Raises a CardError for a model whose last layer cannot be fitted.
    """
    moved = to_movement(model, examples)
    layer = LastLayer(moved, examples, tasks=tasks)
    if not layer.folds:
        raise ValueError("the person's effort is known nowhere in these recordings")
    errors = {Choice(AS_IT_IS): _error_as_it_is(model, moved, layer, examples)}
    if moved is not model:
        errors[Choice(MOVEMENT)] = float(np.sqrt(layer.all.squared_error(layer.base)))
    left_out: dict[Choice, list[LeftOut]] = {}
    if len(layer.folds) > 1:
        rests = layer.rests
        for choice in CHOICES:
            found = {fold: layer.adapted(choice, rest) for fold, rest in rests.items()}
            left_out[choice] = [LeftOut(layer, found)]
        if layer.seconds >= WHOLE_NETWORK_S and not moved.architecture.fitted:
            left_out[Choice(EVERYTHING)] = _taught_without(layer, examples, tasks)
    errors |= {choice: _error(parts) for choice, parts in left_out.items()}
    choice = chosen_of(errors)
    if choice.step == AS_IT_IS:
        chosen = model
    elif choice.step == MOVEMENT:
        chosen = moved
    elif choice.step == EVERYTHING:
        chosen = _taught(moved, examples, layer.efforts())
    else:
        chosen = layer.put(layer.adapted(choice, layer.all))
    if choice in left_out:
        chosen = _with_intervals(chosen, left_out[choice])
    return Adapted(chosen, choice, layer.seconds, errors)


class LeftOut(NamedTuple):
    """Weights of a model's last layer to look at on folds that they were found without."""

    layer: LastLayer
    weights: Mapping[int, Weights]
    """By the fold."""


def _taught(model: Trained, examples: Sequence[Example], efforts: Sequence[Array]) -> Trained:
    from kpm_ros.learn.adaptation.whole_network import taught

    return taught(model, examples, efforts)


def _taught_without(
    layer: LastLayer, examples: Sequence[Example], tasks: Sequence[str]
) -> list[LeftOut]:
    """Teach the whole network without each fold."""
    found = []
    for fold in layer.folds:
        other = _taught(layer.model, examples, layer.efforts(without=fold))
        of_other = LastLayer(other, examples, tasks=tasks)
        found.append(LeftOut(of_other, {fold: of_other.base}))
    return found


def _error(parts: Sequence[LeftOut]) -> float:
    sums = [(one.layer.folds[fold], each) for one in parts for fold, each in one.weights.items()]
    squares = [some.squared_error(weights) for some, weights in sums]
    return float(np.sqrt(np.average(squares, weights=[some.frames for some, _ in sums])))


def _with_intervals(model: Trained, parts: Sequence[LeftOut]) -> Trained:
    """Say how far off the model is, by what it was not adapted to; all muscles must be known."""
    checked = [each for one in parts for each in one.layer.check(one.weights)]
    known = [np.isfinite(one.truth).any(axis=0) for one in checked]
    if not np.any(known, axis=0).all():
        return model
    interval = calibrate(checked).on_card(model.card.muscles)
    return replace(model, card=replace(model.card, interval=interval))


def chosen_of(errors: dict[Choice, float]) -> Choice:
    """Choose the step, and its strength, that change least of those about as good as any."""
    best = Choice(AS_IT_IS)
    for step in dict.fromkeys(choice.step for choice in errors):
        some = [choice for choice in errors if choice.step == step]
        least = min(errors[choice] for choice in some)
        good = [choice for choice in some if errors[choice] <= (1 + WORTH) * least]
        found = max(good, key=lambda choice: choice.strength)
        if errors[found] < (1 - WORTH) * errors[best]:
            best = found
    return best


def _error_as_it_is(
    model: Trained, moved: Trained, layer: LastLayer, examples: Sequence[Example]
) -> float:
    before = layer if moved is model else LastLayer(model, examples, folds=1)
    return float(np.sqrt(before.all.squared_error(before.base)))
