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

"""Models to compare, from what a user calls them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.learn.models.families import ARCHITECTURES, new_card
from kpm_ros.learn.models.zoo import fit
from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.learn.scores.scoreboard import Contestant
from kpm_ros.models.trained import Trained, load

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.release import Release

WEIGHTS = "model.safetensors"
"""What a training's folder calls its model."""


def find_contestant(word: str, release: Release) -> Contestant:
    """Load what `word` names; a rule named by itself is fitted to the data set's training part.

    `word` is a shipped model's name, a rule's, a weights file, a training's folder, or any of
    these behind `LABEL=`.
    """
    label, equals, source = word.partition("=")
    if not equals:
        label, source = "", word
    if source in ARCHITECTURES and ARCHITECTURES[source].kind == "closed-form":
        return Contestant(label or source, _fitted(source, release))
    path = Path(source).expanduser()
    if path.is_dir():
        path /= WEIGHTS
        if not path.is_file():
            raise FileNotFoundError(f"{path.parent} holds no {WEIGHTS}: it is no finished training")
    file = path.name == WEIGHTS and path.parent != Path()
    return Contestant(label or (path.parent.name if file else path.stem), load(path))


def _fitted(name: str, release: Release) -> Trained:
    if not release.splits.get("train"):
        raise ValueError(f"{name} is fitted to the data set's training part, and it has none")
    fitted_to = (*release.splits["train"], *release.splits.get("val", ()))
    card = new_card(
        name,
        views=tuple(release.views),
        muscles=tuple(release.muscles),
        trained_on=f"the training part of data set {release.fingerprint[:12]}",
        seen=seen_of(release.identities[name] for name in fitted_to).on_card(),
    )
    return Trained(*fit(card, release))
