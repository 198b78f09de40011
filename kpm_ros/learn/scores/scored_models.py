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

"""Models to score, from what a user calls them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kpm_ros.learn.recordings.identity import seen_of
from kpm_ros.learn.recordings.turned import turned
from kpm_ros.models.registry import architectures
from kpm_ros.models.trained import Trained, load

if TYPE_CHECKING:
    from kpm_ros.learn.recordings.data_set import DataSet

WEIGHTS = "model.safetensors"
"""What a training's folder calls its model."""


@dataclass(frozen=True)
class ScoredModel:
    """A model under the name that the table gives it."""

    name: str
    model: Trained


def find_scored_model(word: str, dataset: DataSet) -> ScoredModel:
    """Load what `word` names; a baseline named by itself is fitted to the training recordings.

    `word` is a shipped model's name, a baseline's, a weights file, a training's folder, or any of
    these behind `LABEL=`.
    """
    label, equals, source = word.partition("=")
    if not equals:
        label, source = "", word
    known = architectures()
    if source in known and known[source].fitted:
        return ScoredModel(label or source, _fitted(source, dataset))
    path = Path(source).expanduser()
    if path.is_dir():
        path /= WEIGHTS
        if not path.is_file():
            raise FileNotFoundError(f"{path.parent} holds no {WEIGHTS}: it is no finished training")
    file = path.name == WEIGHTS and path.parent != Path()
    return ScoredModel(label or (path.parent.name if file else path.stem), load(path))


def _fitted(name: str, dataset: DataSet) -> Trained:
    training, choosing = (dataset.splits.get(split, ()) for split in ("train", "val"))
    if not training:
        raise ValueError(f"{name} is fitted to the data set's training part, and it has none")
    architecture = architectures()[name]
    dataset = turned(dataset) if architecture.turned else dataset
    card = architecture.new_card(
        streams=architecture.usual_streams(dataset.streams),
        muscles=dataset.muscles,
        unit=dataset.unit,
        rate_hz=architecture.grid_rate_hz or dataset.grid_rate_hz,
        trained_on=f"the training part of data set {dataset.fingerprint[:12]}",
        seen=seen_of(dataset.identities[one] for one in (*training, *choosing)).on_card(),
    )
    examples = dataset.on_grid(training, card), dataset.on_grid(choosing, card)
    return Trained(*architecture.fit(card, *examples))
