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

"""What the card of an adapted model says: all that its base's says, and of whom it now is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import isfinite

from kpm_ros.learn.adaptation.gained import Gained
from kpm_ros.learn.adaptation.steps import STEPS
from kpm_ros.learn.adaptation.takes import Part, names_of
from kpm_ros.learn.recordings.data_set import DataSet
from kpm_ros.learn.recordings.familiar_hands import familiar_hands, widened
from kpm_ros.learn.recordings.identity import seen_of, what_was_met
from kpm_ros.learn.training.outcome import SIMULATED_ONLY
from kpm_ros.models.card import ModelCard
from kpm_ros.models.seen import Seen


def seen_before(card: ModelCard) -> Seen:
    """Say what a base has met, or that nobody knows."""
    return Seen.from_card(card.seen) or Seen(unknown=frozenset({card.name}))


def refuse_met(card: ModelCard, dataset: DataSet, held_out: Sequence[Part]) -> None:
    """Refuse to look what was gained on takes that a base was trained on."""
    seen = seen_before(card)
    for name in names_of(held_out):
        if what_was_met(dataset.identities[name], seen, "") == "take":
            raise ValueError(
                f"{card.name} was trained on the take {name}, which is to show what is gained: "
                "adapt a model that has not met it"
            )


def adapted_card(
    base: ModelCard, base_sha256: str, dataset: DataSet, own: Sequence[Part], gained: Gained
) -> ModelCard:
    """Describe a model that was adapted to a person's takes."""
    adapted, card = gained.adapted, gained.adapted.model.card
    kind = "simulated recordings" if dataset.simulated else "recordings"
    words = (
        f"{base.trained_on} Adapted to {own[0].person}: {adapted.seconds:.0f} s of {kind}, data "
        f"set {dataset.fingerprint[:16]} ({dataset.description})."
    )
    if dataset.simulated and SIMULATED_ONLY not in words:
        words += f" {SIMULATED_ONLY}"
    met = seen_of(dataset.identities[name] for name in names_of(own))
    scores = {
        "held_out_rmse": gained.after.rmse,
        "held_out_correlation": gained.after.correlation,
        "held_out_rmse_before": gained.before.rmse,
        "held_out_within_intervals": gained.after.coverage,
    }
    return replace(
        card,
        name=f"{base.name}-{own[0].person}",
        trained_on=words,
        seen=(seen_before(base) | met).on_card(),
        familiar=widened(base.familiar, familiar_hands(card, [part.recording for part in own])),
        scores={name: round(value, 4) for name, value in scores.items() if isfinite(value)},
        notes=f"adapted from {base.name} ({base_sha256[:16]}) by {STEPS[adapted.choice.step]}. "
        f"Of that: {base.notes}",
    )


def levelled_card(base: ModelCard, base_sha256: str, card: ModelCard, person: str) -> ModelCard:
    """Describe a model that was brought to a person's levels alone."""
    return replace(
        card,
        name=f"{base.name}-{person}",
        trained_on=f"{base.trained_on} Brought to the rest and maximum of {person}.",
        scores={},
        notes=f"adapted from {base.name} ({base_sha256[:16]}) by levels of rest and maximum alone; "
        f"how good it is of {person} was not looked at. Of the base: {base.notes}",
    )
