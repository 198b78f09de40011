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

"""How far off a trained model is of somebody new: intervals by people whom training left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.identity import what_was_met
from kpm_ros.learn.scores.protocols import estimate_continuous
from kpm_ros.models.card import ModelCard
from kpm_ros.models.intervals import Checked, calibrate
from kpm_ros.models.seen import Seen
from kpm_ros.models.trained import Trained

SPLITS = ("val", "test_cross_user")
"""Where they are looked for; the first that has some is taken."""


def with_intervals(model: Trained, dataset: DataSet, trained_on: Sequence[str]) -> ModelCard:
    """Put intervals on a model's card, where the data set has people who are new to it.

    A card that has some, and a model that gives no effort, is left as it is; so is one of muscles
    of which nothing is known in those people.
    """
    card = model.card
    if card.interval or model.architecture.turned:
        return card
    met = {dataset.recording(name).person for name in trained_on}
    for split in SPLITS:
        names = dataset.splits.get(split, ())
        new = [name for name in names if dataset.recording(name).person not in met]
        if new:
            return calibrated(model, [(dataset, new)], f" of {split}")
    return card


def unmet(card: ModelCard, dataset: DataSet) -> list[str]:
    """Name the recordings of people of whom a model, by its card, has met nothing."""
    seen = Seen.from_card(card.seen) or Seen()
    identities = dataset.identities
    return [name for name in dataset.names if not what_was_met(identities[name], seen, "person")]


def calibrated(
    model: Trained, recordings: Sequence[tuple[DataSet, Sequence[str]]], of: str = ""
) -> ModelCard:
    """Put intervals on a card by recordings of people who are new to the model.

    It stays as it is where nothing is known of a muscle in them.
    """
    card = model.card
    checked = [one for dataset, names in recordings for one in _checked(model, dataset, names)]
    if not np.isfinite(np.concatenate([one.truth for one in checked])).any(axis=0).all():
        return card
    people = "1 person" if len(checked) == 1 else f"{len(checked)} people"
    before = re.sub(r" ?Intervals calibrated on [^.]* new to it\.", "", card.trained_on)
    words = f"{before} Intervals calibrated on {people}{of}, new to it."
    return replace(
        card,
        interval=calibrate(checked).on_card(card.muscles),
        trained_on=words.lstrip(),
    )


def _checked(model: Trained, dataset: DataSet, names: Sequence[str]) -> list[Checked]:
    """Estimate people as live, each of them whole."""
    by_person: dict[str, list[Checked]] = {}
    for one in dataset.on_grid(names, model.card):
        said = estimate_continuous(model, one)
        truth = np.asarray(one.effort, np.float32)
        by_person.setdefault(one.person, []).append(Checked(one.person, said, truth))
    return [
        Checked(
            person,
            np.concatenate([one.estimate for one in parts]),
            np.concatenate([one.truth for one in parts]),
        )
        for person, parts in by_person.items()
    ]
