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

"""How a model is brought to one person: ever more of it changes, first in closed form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from operator import add
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.examples import Array, Example
from kpm_ros.models.intervals import Checked
from kpm_ros.models.own_scale import movement_of, own_card
from kpm_ros.models.readout import Readout, Sums, Weights
from kpm_ros.models.trained import Trained

AS_IT_IS, MOVEMENT, GAIN, ADAPTER, LAST_LAYER, EVERYTHING = (
    "as it is",
    "movement",
    "gain",
    "adapter",
    "last layer",
    "everything",
)
STEPS = {
    AS_IT_IS: "the model as it is",
    MOVEMENT: "columns brought to one size by the person's own movement; no EMG is needed",
    GAIN: "gain and offset of each muscle",
    ADAPTER: "gain and offset, and the last layer held to what people have in common",
    LAST_LAYER: "the last layer anew, held to nothing",
    EVERYTHING: "the whole network, taught on from where its training ended",
}
GAIN_PRIOR_S, OFFSET_PRIOR_S = 60.0, 30.0
"""Seconds of the person that count as much as what people have in common does: in fewer, somebody
has done one thing or two, and what fits those alone makes others worse."""
ADAPTER_PRIOR_S = 0.06
"""The same of the last layer, for each unit of power that is given to it."""
STRENGTHS = (1.0, 8.0)
"""Of that prior, of which one is chosen."""
WHOLE_NETWORK_S = 60.0
"""Of the person's effort that teaching the whole network takes: what is shorter is learnt by
heart."""
MOST_GAIN = 10.0
FOLDS = 5
BLOCK_S = 2.0
"""Where a task was done once only, takes are cut into such blocks, dealt out in turn: with a whole
take, all that is known of its task would be left out."""


class Choice(NamedTuple):
    """One way of adapting."""

    step: str
    strength: float = 1.0


CHOICES = (
    Choice(GAIN),
    *(Choice(ADAPTER, strength) for strength in STRENGTHS),
    Choice(LAST_LAYER),
)
"""Those that change the last layer alone."""


def to_movement(model: Trained, examples: Sequence[Example]) -> Trained:
    """Bring columns to one size by the person's own movement, where that is what a model takes."""
    if not model.architecture.own_scale:
        return model
    return replace(model, card=own_card(model.card, movement_of(model.card, examples)))


class LastLayer:
    """A model's last layer and what its person's recordings say of it, in folds."""

    def __init__(
        self,
        model: Trained,
        examples: Sequence[Example],
        folds: int = FOLDS,
        tasks: Sequence[str] = (),
    ) -> None:
        """Sum up what recordings say; `tasks` tells what is done in each."""
        self.model = model
        self.readout: Readout = model.architecture.readout(model.card, model.tensors)
        self.base = self.readout.weights(model.tensors)
        self.frame_s = self.readout.frame_s
        self._examples, self._count = examples, folds
        self._takes = _takes_by_task(tasks)
        sums = [Sums(self.readout.stride, self.readout.muscles) for _ in range(folds)]
        for features, effort, fold in self._frames():
            for one in np.unique(fold):
                sums[one].add(features[fold == one], effort[fold == one])
        self.folds = {number: one for number, one in enumerate(sums) if one.frames}
        """What is known of each, by its number."""

    @property
    def all(self) -> Sums:
        """Of all recordings."""
        return total(list(self.folds.values()))

    @property
    def rests(self) -> dict[int, Sums]:
        """Of each fold, all others together."""
        return {
            left: total([one for number, one in self.folds.items() if number != left])
            for left in self.folds
        }

    def _frames(self) -> Iterator[tuple[Array, Array, NDArray[np.int64]]]:
        """Give features and effort of frames, and which fold each is in."""
        for number, example in enumerate(self._examples):
            at = 0
            for features, effort in self.readout.frames(example):
                fold = self._fold(number, np.arange(at, at + len(features)))
                yield features, effort, fold
                at += len(features)

    def _fold(self, number: int, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tell which fold frames of a recording are in."""
        if self._takes:
            return np.full(len(frames), self._takes[number] % self._count)
        return frames // max(1, round(BLOCK_S / self.frame_s)) % self._count

    def check(self, weights: Mapping[int, Weights]) -> list[Checked]:
        """Estimate some folds, each with weights of its own."""
        said: dict[int, list[Array]] = {fold: [] for fold in weights}
        truth: dict[int, list[Array]] = {fold: [] for fold in weights}
        for features, effort, fold in self._frames():
            for one in (number for number in np.unique(fold).tolist() if number in weights):
                some = fold == one
                single = weights[one].astype(np.float32)
                raw = features[some] @ single[:-1] + single[-1]
                said[one].append(np.maximum(raw, 0).reshape(-1, self.readout.muscles))
                truth[one].append(effort[some].reshape(said[one][-1].shape))
        return [
            Checked(str(fold), np.concatenate(said[fold]), np.concatenate(truth[fold]))
            for fold in weights
        ]

    def efforts(self, without: int | None = None) -> list[Array]:
        """Give the effort of each recording, NaN in one fold."""
        found = []
        frame = round(self.frame_s * self.model.card.rate_hz)
        for number, example in enumerate(self._examples):
            effort = np.array(example.effort, np.float32)
            fold = self._fold(number, np.arange(len(effort)) // frame)
            effort[fold == without] = np.nan
            found.append(effort)
        return found

    @property
    def seconds(self) -> float:
        """How long the person's effort is known."""
        return self.all.frames * self.frame_s

    def adapted(self, choice: Choice, sums: Sums) -> Weights:
        """Find the weights that one way of adapting makes of some recordings."""
        prior = choice.strength * ADAPTER_PRIOR_S / self.frame_s * sums.power
        if choice.step == LAST_LAYER:
            return sums.solve(prior)
        gained = self._gained(sums)
        if choice.step == GAIN:
            return gained
        return sums.solve(prior, gained, constant=OFFSET_PRIOR_S / self.frame_s)

    def _gained(self, sums: Sums) -> Weights:
        """Change each muscle's gain and offset, the less the less is known."""
        found = sums.moments(self.base)
        seconds = found["count"] * self.frame_s / self.readout.stride
        count = np.maximum(found["count"], 1)
        said, true = found["estimate"] / count, found["truth"] / count
        variance = np.maximum(found["estimate_square"] / count - said**2, 0)
        product = found["product"] / count - said * true
        known = (variance > 0) & (seconds > 0)
        prior = GAIN_PRIOR_S / np.maximum(seconds, self.frame_s)
        gain = (product + prior * variance) / np.where(known, (1 + prior) * variance, 1)
        gain = np.where(known, np.clip(gain, 0, MOST_GAIN), 1.0)
        share = seconds / (seconds + OFFSET_PRIOR_S)
        # Where the offset is not followed, the mean stays what it was.
        offset = said + share * (true - said) - gain * said
        return self.readout.scaled(self.base, gain, np.where(known, offset, share * (true - said)))

    def put(self, weights: Weights) -> Trained:
        """Give the model with other weights in its last layer."""
        return replace(self.model, tensors=self.readout.put(self.model.tensors, weights))


def total(sums: Sequence[Sums]) -> Sums:
    """Put sums together."""
    return reduce(add, sums)


def _takes_by_task(tasks: Sequence[str]) -> list[int]:
    """Number each take among those of its task; none where a task was done once only.

    >>> _takes_by_task(["grip", "tap", "grip", "tap"]), _takes_by_task(["grip", "tap", "grip"])
    ([0, 0, 1, 1], [])
    """
    if not tasks or min(tasks.count(task) for task in tasks) < 2:
        return []
    return [list(tasks[:number]).count(task) for number, task in enumerate(tasks)]
