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

"""MediaPipe's two hand trackers behind one face: the models in its package, or a `.task` file.

MediaPipe is loaded when the first tracker is made: it is large, and most of the package works
without it.
"""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import MODEL_BYTES, read_bytes
from kpm_ros.sense.hands.detection import Detection, Handedness

Model = Literal["lite", "full"]
PACKAGE = "mediapipe==0.10.21"
COMPLEXITY: dict[str, int] = {"lite": 0, "full": 1}


class TrackerUnavailableError(RuntimeError):
    """Hand tracking cannot work as it is configured or installed; says why in a sentence."""


class HandDetector(Protocol):
    """Finds hands in one picture after another."""

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        """Hands in an RGB picture, left and right as they are if the picture is not mirrored."""
        ...

    def close(self) -> None:
        """Free what it holds."""
        ...


def make_detector(
    hands: int,
    model: Model,
    task_file: str,
    detection_confidence: float,
    tracking_confidence: float,
    *,
    single_pictures: bool = False,
) -> HandDetector:
    """Make the detector for a `.task` file, or without one for the models in MediaPipe's package.

    `single_pictures` searches each picture anew instead of following hands through a video.
    """
    mediapipe = _load()
    confidences = (detection_confidence, tracking_confidence)
    if task_file:
        return _TaskDetector(mediapipe, hands, task_file, confidences, single_pictures)
    return _PackagedDetector(mediapipe, hands, COMPLEXITY[model], confidences, single_pictures)


def _load() -> Any:
    # Its native part logs every detail of its graphs to the terminal unless told otherwise.
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import mediapipe
    except ImportError as error:
        raise TrackerUnavailableError(
            f"hand tracking needs MediaPipe, which cannot be loaded ({error}): install "
            f"{PACKAGE}, which exists for Python 3.9 to 3.12"
        ) from None
    return mediapipe


class _PackagedDetector:
    """The models that MediaPipe's package carries."""

    def __init__(
        self,
        mediapipe: Any,
        hands: int,
        complexity: int,
        confidences: tuple[float, float],
        single_pictures: bool,
    ) -> None:
        try:
            self._hands = mediapipe.solutions.hands.Hands(
                static_image_mode=single_pictures,
                max_num_hands=hands,
                model_complexity=complexity,
                min_detection_confidence=confidences[0],
                min_tracking_confidence=confidences[1],
            )
        except (AttributeError, FileNotFoundError, RuntimeError) as error:
            raise TrackerUnavailableError(
                f"MediaPipe {mediapipe.__version__} brings no hand models ({error}): install "
                f"{PACKAGE}, or give a .task file"
            ) from None

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        found = self._hands.process(image)
        landmarks = found.multi_hand_landmarks or []
        labels = [entry.classification[0] for entry in found.multi_handedness or []]
        return [
            # This interface names hands as if it looked into a mirror; the newer one does not.
            _detection(hand.landmark, _OTHER[label.label], label.score)
            for hand, label in zip(landmarks, labels, strict=True)
        ]

    def close(self) -> None:
        self._hands.close()


class _TaskDetector:
    """MediaPipe's newer interface, with a model file of the user's."""

    def __init__(
        self,
        mediapipe: Any,
        hands: int,
        task_file: str,
        confidences: tuple[float, float],
        single_pictures: bool,
    ) -> None:
        from mediapipe.tasks.python import BaseOptions, vision

        path = _checked(task_file)
        self._image = mediapipe.Image
        self._format = mediapipe.ImageFormat.SRGB
        self._single = single_pictures
        self._stamp_ms = -1
        mode = vision.RunningMode.IMAGE if single_pictures else vision.RunningMode.VIDEO
        try:
            self._landmarker = vision.HandLandmarker.create_from_options(
                vision.HandLandmarkerOptions(
                    # As bytes: the file may lie where MediaPipe's own path rules do not reach.
                    base_options=BaseOptions(model_asset_buffer=read_bytes(path, MODEL_BYTES)),
                    running_mode=mode,
                    num_hands=hands,
                    min_hand_detection_confidence=confidences[0],
                    min_hand_presence_confidence=confidences[1],
                    min_tracking_confidence=confidences[1],
                )
            )
        except (RuntimeError, ValueError, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise TrackerUnavailableError(
                f"{path} cannot be used as a hand model: {reason}"
            ) from None

    def detect(self, image: NDArray[np.uint8], stamp_ns: int) -> list[Detection]:
        picture = self._image(image_format=self._format, data=np.ascontiguousarray(image))
        if self._single:
            found = self._landmarker.detect(picture)
        else:
            # It wants strictly increasing milliseconds; frames may be closer than that.
            self._stamp_ms = max(self._stamp_ms + 1, stamp_ns // 1_000_000)
            found = self._landmarker.detect_for_video(picture, self._stamp_ms)
        return [
            _detection(landmarks, _SAME[labels[0].category_name], labels[0].score)
            for landmarks, labels in zip(found.hand_landmarks, found.handedness, strict=True)
        ]

    def close(self) -> None:
        self._landmarker.close()


def _checked(task_file: str) -> Path:
    path = Path(task_file).expanduser()
    if not path.is_file():
        raise TrackerUnavailableError(f"there is no hand model at {path}: give a .task file")
    if not zipfile.is_zipfile(path):
        raise TrackerUnavailableError(f"{path} is no .task file: such a file is a zip archive")
    return path


_SAME: dict[str, Handedness] = {"Left": "left", "Right": "right"}
_OTHER: dict[str, Handedness] = {"Left": "right", "Right": "left"}


def _detection(landmarks: Any, handedness: Handedness, score: float) -> Detection:
    points = np.array([(p.x, p.y, p.z) for p in landmarks], np.float32).reshape(-1, 3)
    return Detection(points, handedness, float(score))
