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

"""Pictures in, the landmarks of one person's body out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.bodies.detection import Detection, skeleton
from kpm_ros.sense.bodies.mediapipe_bodies import make_detector
from kpm_ros.sense.bodies.person_identity import PersonIdentity, PersonRules, place_of
from kpm_ros.sense.bodies.pose_graph import MODELS
from kpm_ros.sense.tracking.detecting import Detecting
from kpm_ros.sense.tracking.mediapipe_package import load_mediapipe, packaged_models
from kpm_ros.sense.tracking.tracker import (
    Seen,
    TrackerConfig,
    can_be_seen,
    check_picture,
)

SMALLEST_BODY = 0.05
"""Smaller than this part of the picture's width, a body is noise."""


class BodyTracker(Detecting[Detection]):
    """A `Tracker` of one person's body.

    It follows the person from picture to picture, so give it one camera's pictures in order.
    """

    sides = ("",)

    def __init__(
        self, config: TrackerConfig | None = None, rules: PersonRules | None = None
    ) -> None:
        """Load the models."""
        super().__init__(make_detector, config or TrackerConfig(), 1)
        self._identity = PersonIdentity(rules)
        self.models = packaged_models(load_mediapipe("body"), MODELS)
        """Models that could be used here."""

    @property
    def identity(self) -> object:
        """Number of the person who is followed."""
        return self._identity.person

    @property
    def model(self) -> str:
        """Model in use."""
        return self.config.model

    @property
    def cheaper(self) -> list[str]:
        """What would make tracking cheaper, in words."""
        lite = "lite" in self.models and self.model != "lite"
        return ["the lite model (model: lite)"] if lite else []

    def reconfigure(self, config: TrackerConfig, rules: PersonRules) -> None:
        """Believe otherwise from the next picture on, with the model that is loaded."""
        self.config = replace(config, model=self.config.model)
        self._identity.rules = rules

    def track(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Seen]:
        """Give the body of the person who is followed; none where that person is not in sight."""
        size = check_picture(image)
        found = self._detector.detect(image, stamp_ns)
        usable = [body for body in found if self._is_usable(body, size)]
        self.refused += len(found) - len(usable)
        for body in usable:
            if self._identity.is_followed(place_of(body, stamp_ns, size)):
                return [self._seen(body)]
        return []

    def counts(self) -> Mapping[str, object]:
        """How often somebody else was seen, and how often that one was followed from then on."""
        return {
            "persons": self._identity.person + 1,
            "others_seen": self._identity.withheld,
            "refused": self.refused,
        }

    def _is_usable(self, body: Detection, size: tuple[int, int]) -> bool:
        numbers = np.isfinite(body.metres).all() and np.isfinite(body.visibility).all()
        return (
            bool(numbers)
            and can_be_seen(body.points, len(skeleton()), size, SMALLEST_BODY)
            and body.confidence >= self.config.min_confidence
        )

    def _seen(self, body: Detection) -> Seen:
        points, metres, visibility = body.points, body.metres, body.visibility
        if self.config.mirrored:
            # Whoever looks into a mirror sees their left side as another's right one.
            order = list(skeleton().mirrored())
            points, visibility = points[order], visibility[order]
            metres = metres[order] * np.array([-1, 1, 1], np.float32)
        return Seen(points, body.confidence, metres, visibility)
