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

"""MediaPipe's two hand trackers behind one face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.hands.detection import Detection, Handedness
from kpm_ros.sense.tracking.following import Detector
from kpm_ros.sense.tracking.mediapipe_package import (
    TaskLandmarker,
    coordinates,
    find,
    load_mediapipe,
    packaged,
)
from kpm_ros.sense.tracking.tracker import COMPLEXITY, TrackerConfig

MODELS = "hand_landmark"
"""What MediaPipe calls its models of hands."""


def make_detector(
    config: TrackerConfig, hands: int, *, single_pictures: bool = False
) -> Detector[Detection]:
    """Make the detector for a `.task` file, or without one for the models in MediaPipe's package.

    `single_pictures` searches each picture anew instead of following hands through a video.
    """
    mediapipe = load_mediapipe("hand")
    if config.task_file:
        return TaskLandmarker(
            mediapipe,
            "hand",
            config.task_file,
            single_pictures,
            _of_task,
            num_hands=hands,
            min_hand_detection_confidence=config.detection_confidence,
            min_hand_presence_confidence=config.tracking_confidence,
            min_tracking_confidence=config.tracking_confidence,
        )
    return _PackagedDetector(
        packaged(
            mediapipe,
            "hand",
            lambda: mediapipe.solutions.hands.Hands(
                static_image_mode=single_pictures,
                max_num_hands=hands,
                model_complexity=COMPLEXITY[config.model],
                min_detection_confidence=config.detection_confidence,
                min_tracking_confidence=config.tracking_confidence,
            ),
        )
    )


class _PackagedDetector:
    """The models that MediaPipe's package carries."""

    def __init__(self, hands: Any) -> None:
        self._hands = hands

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        landmarks, handedness = find(self._hands, image, "multi_hand_landmarks", "multi_handedness")
        labels = [entry.classification[0] for entry in handedness or []]
        return [
            # This interface names hands as if it looked into a mirror; the newer one does not.
            _detection(hand.landmark, _OTHER[label.label], label.score)
            for hand, label in zip(landmarks or [], labels, strict=True)
        ]

    def close(self) -> None:
        self._hands.close()


_SAME: dict[str, Handedness] = {"Left": "left", "Right": "right"}
_OTHER: dict[str, Handedness] = {"Left": "right", "Right": "left"}


def _detection(landmarks: Any, handedness: Handedness, score: float) -> Detection:
    return Detection(coordinates(landmarks), handedness, float(score))


def _of_task(found: Any) -> list[Detection]:
    """Read what MediaPipe's newer interface has found."""
    return [
        _detection(landmarks, _SAME[labels[0].category_name], labels[0].score)
        for landmarks, labels in zip(found.hand_landmarks, found.handedness, strict=True)
    ]
