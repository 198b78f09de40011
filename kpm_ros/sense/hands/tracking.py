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

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import CheckedSettings, ConfigurationError, check_choice, setting
from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.sense.hands.detection import Detection, Handedness, TrackedHand, extent, in_widths
from kpm_ros.sense.hands.following import FixedRegion, FollowingRegion
from kpm_ros.sense.hands.hand_identity import HANDS, HandIdentities, IdentityRules
from kpm_ros.sense.hands.mediapipe_hands import COMPLEXITY, Model, make_detector
from kpm_ros.sense.samples import HAND

HandChoice = Literal["left", "right", "nearest"]

SMALLEST_HAND = 0.01
"""Smaller than this part of the picture's width, a hand is noise."""
OUTSIDE = 0.5
"""Landmarks may lie outside the picture, as far as a hand reaches, but not further."""


@dataclass(frozen=True)
class HandTrackerConfig(CheckedSettings):
    """How hands are looked for."""

    hands: int = setting(
        2, "hands in sight; with 1 tracking is cheaper, but takes whichever comes", least=1, most=2
    )
    mirrored: bool = setting(
        False,
        "whether the picture is a mirror image (a selfie camera, or one flip): it decides "
        "which hand is the left one",
    )
    task_file: str = setting("", "a .task file for MediaPipe instead of the model in its package")
    min_confidence: float = setting(
        0.5, "a hand of less confidence is not published", least=0.0, most=1.0, live=True
    )
    detection_confidence: float = setting(
        0.5, "how sure the search for a hand must be", least=0.0, most=1.0
    )
    tracking_confidence: float = setting(
        0.5, "how sure a hand must be to be followed", least=0.0, most=1.0
    )
    follow: bool = setting(
        False, "whether to look only around the hands once found: for hands that are small"
    )
    model: Model = "full"
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    """Part of the picture in which to look: left, top, right, bottom as fractions."""

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        super().__post_init__()
        check_choice("model", self.model, tuple(COMPLEXITY))
        left, top, right, bottom = self.region
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ConfigurationError(
                f"region is {list(self.region)}, but must be left, top, right, bottom as "
                "fractions of the picture, such as 0, 0.5, 1, 1 for its lower half"
            )


class HandTracker:
    """Tracks the hands of one person through a video.

    It follows the hands from picture to picture, so give it one camera's pictures in order.
    """

    def __init__(
        self,
        config: HandTrackerConfig | None = None,
        rules: IdentityRules | None = None,
    ) -> None:
        """Load the models; TrackerUnavailableError says in a sentence why that cannot be done."""
        self.config = config = config or HandTrackerConfig()
        self.refused = 0
        """Hands that were found but could not be: too small, too unsure, outside, not numbers."""
        self._shape = (len(find_skeleton(HAND)), 3)
        self._identities = HandIdentities(rules or IdentityRules())
        make = partial(
            make_detector,
            config.hands,
            config.model,
            config.task_file,
            config.detection_confidence,
            config.tracking_confidence,
        )
        self._detector: FixedRegion | FollowingRegion
        if config.follow:
            searcher = partial(make, single_pictures=True)
            self._detector = FollowingRegion(make(), searcher, config.region, config.hands)
        else:
            self._detector = FixedRegion(make(), config.region)

    def track(self, image: NDArray[np.uint8], stamp_ns: int) -> list[TrackedHand]:
        """Hands in an RGB picture (height, width, 3), left before right."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise ValueError(
                f"the picture is {image.dtype} {image.shape}, but must be uint8 (height, width, 3)"
            )
        size = (image.shape[1], image.shape[0])
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

    def close(self) -> None:
        """Free the models."""
        self._detector.close()

    def __enter__(self) -> HandTracker:
        """Track for a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free the models at the block's end."""
        self.close()

    def _is_usable(self, hand: Detection, size: tuple[int, int]) -> bool:
        points = hand.points
        if points.shape != self._shape or not np.isfinite(points).all():
            return False
        inside = bool((np.abs(points[:, :2] - 0.5) <= 0.5 + OUTSIDE).all())
        large = extent(in_widths(points, size)) >= SMALLEST_HAND
        return inside and large and hand.confidence >= self.config.min_confidence

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
