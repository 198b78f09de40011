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

"""Pictures in, the landmarks of left and right hand out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import CheckedSettings, ConfigurationError, setting
from kpm_ros.core.sides import BOTH
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.hands.detection import Detection, Handedness, TrackedHand
from kpm_ros.sense.hands.hand_identity import HANDS, HandIdentities, IdentityRules
from kpm_ros.sense.hands.mediapipe_hands import make_detector
from kpm_ros.sense.samples import HAND
from kpm_ros.sense.tracking.detecting import Detecting
from kpm_ros.sense.tracking.tracker import (
    COMPLEXITY,
    Model,
    Seen,
    TrackerConfig,
    can_be_seen,
    check_picture,
)

HandChoice = Literal["left", "right", "nearest"]

SMALLEST_HAND = 0.01
"""Smaller than this part of the picture's width, a hand is noise."""


@dataclass(frozen=True)
class HandRules(CheckedSettings):
    """Which hand is published."""

    hand: str = setting(
        "right",
        "which hand is published; both = each on a topic of its own; nearest = the one nearest to "
        "near_x, near_y, until it is gone",
        choices=("left", "right", "both", "nearest"),
        live=True,
    )
    near_x: float = setting(
        0.5, "the point, from the left, as a fraction", least=0.0, most=1.0, live=True
    )
    near_y: float = setting(
        0.5, "the point, from the top, as a fraction", least=0.0, most=1.0, live=True
    )
    hands: int = setting(
        2, "hands in sight; with 1 tracking is cheaper, but takes whichever comes", least=1, most=2
    )

    def __post_init__(self) -> None:
        """Refuse to look for two hands by finding one."""
        super().__post_init__()
        if self.hand == BOTH and self.hands < len(HANDS):
            raise ConfigurationError(
                f"hand is {self.hand!r}, but hands is {self.hands}: it must be {len(HANDS)}"
            )


class HandTracker(Detecting[Detection]):
    """Tracks the hands of one person through a video.

    It follows the hands from picture to picture, so give it one camera's pictures in order.
    """

    def __init__(
        self,
        config: TrackerConfig | None = None,
        hands: int = HandRules.hands,
        rules: IdentityRules | None = None,
    ) -> None:
        """Load the models."""
        super().__init__(partial(make_detector, hands=hands), config or TrackerConfig(), hands)
        self._points = len(find_skeleton(HAND))
        self._identities = HandIdentities(rules or IdentityRules())

    def track(self, image: NDArray[np.uint8], stamp_ns: int) -> list[TrackedHand]:
        """Hands in an RGB picture (height, width, 3), left before right."""
        size = check_picture(image)
        found = self._detector.detect(image, stamp_ns)
        usable = [self._relabelled(hand) for hand in found if self._is_usable(hand, size)]
        self.refused += len(found) - len(usable)
        named = self._identities.name(usable, stamp_ns, size)
        return [
            TrackedHand(named[name].points, name, named[name].confidence)
            for name in HANDS
            if name in named
        ]

    @property
    def renamed(self) -> int:
        """How often left and right had to be exchanged afterwards."""
        return self._identities.renamed

    def _is_usable(self, hand: Detection, size: tuple[int, int]) -> bool:
        sure = hand.confidence >= self.config.min_confidence
        return sure and can_be_seen(hand.points, self._points, size, SMALLEST_HAND)

    def _relabelled(self, hand: Detection) -> Detection:
        """In a mirror, a left hand looks like a right one."""
        if not self.config.mirrored:
            return hand
        other: Handedness = "left" if hand.handedness == "right" else "right"
        return Detection(hand.points, other, hand.confidence)


class HandSelector:
    """Chooses one of the tracked hands, and stays with it."""

    def __init__(
        self, choice: HandChoice, point: tuple[float, float] = (0.5, 0.5), keep_s: float = 0.5
    ) -> None:
        """Choose left, right, or the hand nearest a point (fractions of the picture).

        The nearest hand is kept until it has been out of sight for `keep_s`, however near the
        other one comes: two hands at a piano pass each other all the time.
        """
        self._choice = choice
        self._point = np.array(point)
        self._keep_ns = round(keep_s * 1e9)
        self._kept: Handedness | None = None if choice == "nearest" else choice
        self._seen_ns = 0

    @property
    def hand(self) -> Handedness:
        """The hand that is looked for at present."""
        return self._kept or "right"

    def select(self, hands: Sequence[TrackedHand], stamp_ns: int) -> TrackedHand | None:
        """Pick the chosen hand of one picture; None when it is not in sight."""
        for hand in hands:
            if hand.handedness == self._kept:
                self._seen_ns = stamp_ns
                return hand
        gone = not 0 <= stamp_ns - self._seen_ns <= self._keep_ns
        if self._choice != "nearest" or not hands or (self._kept is not None and not gone):
            return None
        nearest = min(hands, key=self._distance)
        self._kept, self._seen_ns = nearest.handedness, stamp_ns
        return nearest

    def _distance(self, hand: TrackedHand) -> float:
        return float(np.linalg.norm(hand.points[:, :2].mean(axis=0) - self._point))


class ChosenHands:
    """A `Tracker` of the one hand that is chosen, or of both."""

    models = tuple(COMPLEXITY)

    def __init__(self, config: TrackerConfig, rules: HandRules) -> None:
        """Load the models."""
        self._tracker = HandTracker(config, rules.hands)
        self._rules = rules
        self._selector = _selector(rules)
        self._tracked = self._both = 0

    @property
    def sides(self) -> tuple[str, ...]:
        """The hand that is looked for at present, or both."""
        return HANDS if self._rules.hand == BOTH else (self._selector.hand,)

    @property
    def identity(self) -> object:
        """Another hand, or one that was called by the other's name, has a past of its own."""
        return self.sides, self._tracker.renamed

    @property
    def model(self) -> str:
        """Model in use."""
        return self._tracker.config.model

    @property
    def cheaper(self) -> list[str]:
        """What would make tracking cheaper, in words."""
        helps = ["the lite model (model: lite)"] if self.model != "lite" else []
        return helps + (["following one hand (hands: 1)"] if self._rules.hands > 1 else [])

    def reconfigure(self, config: TrackerConfig, rules: HandRules) -> None:
        """Choose and believe otherwise from the next picture on, with the model that is loaded."""
        if (rules.hand == BOTH) != (self._rules.hand == BOTH):
            raise ConfigurationError(
                f"hand is {rules.hand!r}, but topics are of {self._rules.hand!r}: whether both are "
                "published is decided when the node starts"
            )
        self._tracker.config = replace(config, model=self._tracker.config.model)
        if rules != self._rules:
            self._selector, self._rules = _selector(rules), rules

    def use_model(self, model: Model) -> None:
        """Go on with another model."""
        self._tracker.use_model(model)

    def track(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Seen]:
        """Give the chosen hand, or both."""
        hands = self._tracker.track(image, stamp_ns)
        self._tracked += 1
        self._both += len(hands) > 1
        if self._rules.hand != BOTH:
            chosen = self._selector.select(hands, stamp_ns)
            hands = [] if chosen is None else [chosen]
        return [Seen(hand.points, hand.confidence, side=hand.handedness) for hand in hands]

    def counts(self) -> Mapping[str, object]:
        """How often both hands were seen since the last call, and what was put right in all."""
        both, self._both = self._both / max(self._tracked, 1), 0
        self._tracked = 0
        return {
            "hand": " and ".join(self.sides),
            "both_hands_fraction": both,
            "hands_renamed": self._tracker.renamed,
            "refused": self._tracker.refused,
        }

    def close(self) -> None:
        """Free the models."""
        self._tracker.close()


def _selector(rules: HandRules) -> HandSelector:
    # Of both, none is chosen.
    choice = cast(HandChoice, "right" if rules.hand == BOTH else rules.hand)
    return HandSelector(choice, (rules.near_x, rules.near_y))
