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

"""Which hand is which, from frame to frame: by where it was, and by many votes on its handedness.

A tracker labels every picture anew and errs in several percent of them, most of all where hands
overlap or a thumb is hidden. Here a hand keeps its name while it moves as hands move, crossed hands
too: however often it is labelled otherwise. Only of a hand that has just come into sight, new or
again, may the votes of many frames say that the name was wrong. One person is assumed: there is at
most one left and one right hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.hands.detection import Detection, Handedness, palm_centre
from kpm_ros.sense.tracking.tracker import extent, in_widths

HANDS: tuple[Handedness, Handedness] = ("left", "right")


@dataclass(frozen=True)
class IdentityRules:
    """What is believed of a hand. Distances are in hand lengths; costs are in log odds."""

    same_hand: float = 0.3
    """Two detections closer than this are one hand seen twice."""
    reach: float = 0.3
    """How far a hand may be from where it is expected, and be it easily ..."""
    reach_per_s: float = 5.0
    """... and how much further for every second that it was out of sight."""
    predict_s: float = 0.05
    """A hand out of sight is expected to have gone on for this long, and then to have stopped."""
    distance_cost_most: float = 6.0
    """Further away is all the same: hands leave the picture and come back elsewhere."""
    label_cost: float = 2.0
    """Cost of a fully certain label that contradicts the hand's name."""
    unseen_cost_per_s: float = 5.0
    """A hand out of sight is this much less likely to be what is seen now, per second ..."""
    unseen_cost_most: float = 1.0
    """... up to this."""
    remembered_s: float = 3.0
    """A hand out of sight for longer has no known place any more."""
    vote_most: float = 2.0
    """No single frame has a larger say (log odds)."""
    votes_most: float = 12.0
    """Nor have all past frames together, so that a wrong name can be righted."""
    rename_at: float = 12.0
    """The names are exchanged when the votes speak against them by this much ..."""
    doubtful_s: float = 2.0
    """... within this time after a hand has come into sight ..."""
    continuous_s: float = 0.3
    """... having been out of it for longer than this: where it went meanwhile, nobody saw."""


@dataclass
class _Hand:
    """One physical hand: where it was last, and what the votes say it is."""

    centre: NDArray[np.float64]
    velocity: NDArray[np.float64]
    length: float
    seen_ns: int
    right_votes: float = 0.0

    def expected(self, age_s: float, rules: IdentityRules) -> NDArray[np.float64]:
        return self.centre + self.velocity * min(age_s, rules.predict_s)


@dataclass
class HandIdentities:
    """Names the detections of each frame after the hands that they are."""

    rules: IdentityRules = field(default_factory=IdentityRules)
    renamed: int = 0
    """How often the votes have exchanged the names."""
    _hands: dict[Handedness, _Hand] = field(default_factory=dict)
    _newest_ns: int = -1
    _doubtful_ns: int = -1
    """Until then, votes may exchange the names."""

    def reset(self) -> None:
        """Forget every hand."""
        self._hands.clear()
        self._newest_ns = self._doubtful_ns = -1

    def name(
        self, detections: Sequence[Detection], stamp_ns: int, image_size: tuple[int, int]
    ) -> dict[Handedness, Detection]:
        """Assign this frame's detections to the two hands; at most two are kept."""
        if stamp_ns <= self._newest_ns:
            self.reset()
        self._newest_ns = stamp_ns
        self._forget(stamp_ns)
        distinct = self._distinct(detections, image_size)
        seen, flats = [hand for hand, _ in distinct], [flat for _, flat in distinct]
        names = self._best_names(seen, flats, stamp_ns)
        for detection, flat, name in zip(seen, flats, names, strict=True):
            self._update(name, detection, flat, stamp_ns)
        named = dict(zip(names, seen, strict=True))
        if stamp_ns <= self._doubtful_ns and self._misnamed():
            self._exchange()
            named = {_other(name): detection for name, detection in named.items()}
        return named

    def _forget(self, stamp_ns: int) -> None:
        for name, hand in list(self._hands.items()):
            if stamp_ns - hand.seen_ns > self.rules.remembered_s * 1e9:
                del self._hands[name]

    def _distinct(
        self, detections: Sequence[Detection], image_size: tuple[int, int]
    ) -> list[tuple[Detection, NDArray[np.float64]]]:
        """Keep the surest detections, each with its x, y in widths; not two of the same hand."""
        kept: list[tuple[Detection, NDArray[np.float64]]] = []
        for detection in sorted(detections, key=lambda d: -d.confidence):
            flat = in_widths(detection.points, image_size)
            near = self.rules.same_hand * extent(flat)
            if all(np.linalg.norm(flat - other, axis=1).mean() > near for _, other in kept):
                kept.append((detection, flat))
        return kept[: len(HANDS)]

    def _best_names(
        self, seen: list[Detection], flats: list[NDArray[np.float64]], stamp_ns: int
    ) -> tuple[Handedness, ...]:
        def cost(names: tuple[Handedness, ...]) -> float:
            return sum(
                self._cost(name, detection, flat, stamp_ns)
                for name, detection, flat in zip(names, seen, flats, strict=True)
            )

        return min(permutations(HANDS, len(seen)), key=cost)

    def _cost(
        self, name: Handedness, detection: Detection, flat: NDArray[np.float64], stamp_ns: int
    ) -> float:
        rules = self.rules
        certainty = 2.0 * detection.confidence - 1.0
        label = rules.label_cost * certainty if detection.handedness != name else 0.0
        hand = self._hands.get(name)
        if hand is None:
            return label + rules.distance_cost_most
        age_s = (stamp_ns - hand.seen_ns) / 1e9
        away = float(np.linalg.norm(palm_centre(flat) - hand.expected(age_s, rules)))
        reach = (rules.reach + rules.reach_per_s * age_s) * max(hand.length, 1e-6)
        distance = min((away / reach) ** 2, rules.distance_cost_most)
        unseen = min(age_s * rules.unseen_cost_per_s, rules.unseen_cost_most)
        return label + unseen + distance

    def _update(
        self, name: Handedness, detection: Detection, flat: NDArray[np.float64], stamp_ns: int
    ) -> None:
        rules = self.rules
        centre, length = palm_centre(flat), extent(flat)
        sure = min(max(detection.confidence, 0.5), 0.999)
        vote = min(float(np.log(sure / (1.0 - sure))), rules.vote_most)
        vote = vote if detection.handedness == "right" else -vote
        hand = self._hands.get(name)
        if hand is None or stamp_ns - hand.seen_ns > rules.continuous_s * 1e9:
            self._doubtful_ns = stamp_ns + round(rules.doubtful_s * 1e9)
        if hand is None:
            hand = self._hands[name] = _Hand(centre, np.zeros(2), length, stamp_ns)
        else:
            hand.velocity = (centre - hand.centre) / ((stamp_ns - hand.seen_ns) / 1e9)
            # A hand's length changes slowly; a fist or a glimpse must not shrink it at once.
            hand.length += 0.2 * (length - hand.length)
            hand.centre, hand.seen_ns = centre, stamp_ns
        hand.right_votes = float(
            np.clip(hand.right_votes + vote, -rules.votes_most, rules.votes_most)
        )

    def _misnamed(self) -> bool:
        """Whether what is called right is voted left and the other way round, by a clear margin."""
        against = 0.0
        if "right" in self._hands:
            against -= self._hands["right"].right_votes
        if "left" in self._hands:
            against += self._hands["left"].right_votes
        return against >= self.rules.rename_at

    def _exchange(self) -> None:
        self.renamed += 1
        self._hands = {_other(name): hand for name, hand in self._hands.items()}


def _other(name: Handedness) -> Handedness:
    return "left" if name == "right" else "right"
