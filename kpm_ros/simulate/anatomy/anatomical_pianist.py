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

"""A pianist with real anatomy: MyoHand's bones led over the keys, and its muscles moving them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kpm_ros.sense.midi.score import Score
from kpm_ros.simulate.anatomy.body import Body
from kpm_ros.simulate.anatomy.posture import AnatomicalHand
from kpm_ros.simulate.anatomy.statics import CHANNELS, AnatomicalMuscles
from kpm_ros.simulate.learnt_cache import LearntCache
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import WHOLE, Learnt, Part, Pianist
from kpm_ros.simulate.products import Array


class WholeHand:
    """All muscles of the anatomical hand, the published channels before the others."""

    def __init__(self, person: Person, body: Body) -> None:
        """Order this body's muscles."""
        self._muscles = AnatomicalMuscles(person, body)
        self.names = self._muscles.names
        model_names = self._muscles.muscle_names
        seen = [model_names.index(CHANNELS[name]) for name in self.names]
        unseen = [k for k in range(len(model_names)) if k not in seen]
        self.deep = tuple(model_names[k] for k in unseen)
        self._order = [*seen, *unseen]

    def activation(self, posture: Array, force: Array, rate_hz: float) -> Array:
        """Activation of all of them, (n, names and deep)."""
        found = self._muscles.all_activations(posture, force, rate_hz)
        return np.asarray(found.activation[:, self._order])


def anatomical_pianist(
    score: Score,
    seed: int,
    person: Person,
    remembered: Path | None = None,
    part: Part = WHOLE,
) -> Pianist:
    """Set a pianist with this person's anatomy at the piano."""
    body = Body(person)
    cache = LearntCache(remembered, score, seed, person, body.corrections, part)
    kept = cache.load("knots", "activation")
    known = None if kept is None else Learnt(*kept)
    hand, muscles = AnatomicalHand(body), WholeHand(person, body)
    pianist = Pianist(score, seed, person, hand, muscles, known, part)
    if known is None:
        cache.save(**pianist.learnt._asdict())
    return pianist
