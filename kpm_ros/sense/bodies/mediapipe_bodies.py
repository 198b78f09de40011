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

"""MediaPipe's two pose trackers behind one face."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.sense.bodies.detection import Detection
from kpm_ros.sense.bodies.pose_graph import MODELS, OUTPUTS, make_pose_graph
from kpm_ros.sense.tracking.following import Detector
from kpm_ros.sense.tracking.mediapipe_package import (
    TaskLandmarker,
    coordinates,
    find,
    load_mediapipe,
    model_file,
    packaged,
    packaged_models,
)
from kpm_ros.sense.tracking.tracker import TrackerConfig, TrackerUnavailableError


def make_detector(config: TrackerConfig, *, single_pictures: bool = False) -> Detector[Detection]:
    """Make the detector for a `.task` file, or without one for the models in MediaPipe's package.

    `single_pictures` searches each picture anew instead of following a body through a video.
    """
    mediapipe = load_mediapipe("body")
    if config.task_file:
        return TaskLandmarker(
            mediapipe,
            "pose",
            config.task_file,
            single_pictures,
            _of_task,
            num_poses=1,
            min_pose_detection_confidence=config.detection_confidence,
            min_pose_presence_confidence=config.tracking_confidence,
            min_tracking_confidence=config.tracking_confidence,
        )
    there = packaged_models(mediapipe, MODELS)
    if config.model not in there:
        # MediaPipe would download it without being asked.
        file = model_file(mediapipe, MODELS, config.model)
        raise TrackerUnavailableError(
            f"there is no {config.model} pose model in MediaPipe's package: use model: "
            f"{' or '.join(there) or 'another'}, or put {file.name} into {file.parent}"
        )
    return _PackagedDetector(
        packaged(
            mediapipe,
            "pose",
            lambda: make_pose_graph(mediapipe, config, single_pictures=single_pictures),
        )
    )


class _PackagedDetector:
    """The models that MediaPipe's package carries."""

    def __init__(self, graph: Any) -> None:
        self._graph = graph

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        landmarks, world = find(self._graph, image, *OUTPUTS)
        if not landmarks or not world:
            return []
        return [_detection(landmarks.landmark, world.landmark)]

    def close(self) -> None:
        self._graph.close()


def _detection(landmarks: Any, world: Any) -> Detection:
    visibility = np.array([point.visibility for point in landmarks], np.float32)
    return Detection(coordinates(landmarks), coordinates(world), np.clip(visibility, 0.0, 1.0))


def _of_task(found: Any) -> list[Detection]:
    """Read what MediaPipe's newer interface has found."""
    both = zip(found.pose_landmarks, found.pose_world_landmarks, strict=True)
    return [_detection(landmarks, world) for landmarks, world in both]
