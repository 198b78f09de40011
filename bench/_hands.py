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

"""Hand tracking on a real video of two hands at a piano: what is found, named right, and its cost.

The hands cross once in this video. Which one is on which side was seen by eye; frames in which one
hand hides the other are not judged.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from _report import print_table
from numpy.typing import NDArray

from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.hands.detection import TrackedHand
from kpm_ros.sense.hands.mediapipe_hands import Model
from kpm_ros.sense.hands.tracking import HandTracker, HandTrackerConfig

VIDEO = Path("data/video/overhead_piano.mp4")
FPS = 30
CROSSED = range(1286, 1337)
"""Frames in which the right hand is to the left of the left hand."""
HIDDEN = (range(1254, 1286), range(1337, 1347))
"""Frames in which one hand covers the other."""
MODELS: tuple[Model, ...] = ("full", "lite")


@dataclass
class Result:
    """What one model found."""

    frames: int = 0
    both: int = 0
    misnamed: int = 0
    swaps: int = 0
    cpu_ms: list[float] = field(default_factory=list)
    wall_ms: list[float] = field(default_factory=list)
    _was_right: bool = True

    def add(self, number: int, hands: list[TrackedHand]) -> None:
        """Judge one frame."""
        self.frames += 1
        if len(hands) < 2:
            return
        self.both += 1
        if any(number in hidden for hidden in HIDDEN):
            return
        left, right = (hand.points[0, 0] for hand in hands)
        is_right = bool(left > right) == (number in CROSSED)
        self.misnamed += not is_right
        self.swaps += is_right != self._was_right
        self._was_right = is_right


def measure(shared: Path) -> dict[str, float]:
    """Track the whole video with both models, frame by frame in turns."""
    path = shared / VIDEO
    if not path.is_file():
        print(f"\nhand tracking: left out, there is no {VIDEO} beside the project")
        return {}
    results = {model: Result() for model in MODELS}
    trackers = {model: HandTracker(HandTrackerConfig(model=model)) for model in MODELS}
    for number, image in enumerate(_pictures(path)):
        for model in MODELS if number % 2 else reversed(MODELS):
            _track(trackers[model], results[model], number, image)
    for tracker in trackers.values():
        tracker.close()
    _print(results)
    full, lite = (results[model] for model in MODELS)
    return {
        "both_hands_fraction": full.both / full.frames,
        "both_hands_fraction_lite": lite.both / lite.frames,
        "identity_swaps": full.swaps,
        "identity_swaps_lite": lite.swaps,
        "misnamed_frames": full.misnamed,
        "misnamed_frames_lite": lite.misnamed,
        "track_cpu_ms": float(np.mean(full.cpu_ms)),
        "track_cpu_ms_lite": float(np.mean(lite.cpu_ms)),
        "track_cpu_ratio_lite": float(np.mean(lite.cpu_ms) / np.mean(full.cpu_ms)),
        "track_wall_ms_p99": float(np.percentile(full.wall_ms, 99)),
    }


def _track(tracker: HandTracker, result: Result, number: int, image: NDArray[np.uint8]) -> None:
    cpu, wall = time.process_time(), time.perf_counter()
    hands = tracker.track(image, round(number * 1e9 / FPS))
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    result.add(number, hands)
    if number:
        # The first frame pays for what is only loaded then.
        result.cpu_ms.append(1e3 * cpu)
        result.wall_ms.append(1e3 * wall)


def _pictures(path: Path) -> Iterator[NDArray[np.uint8]]:
    cv2 = load_opencv()
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    while (picture := video.read())[0]:
        yield cv2.cvtColor(picture[1], cv2.COLOR_BGR2RGB)


def _print(results: dict[Model, Result]) -> None:
    print_table(
        f"two hands in {results['full'].frames} frames, 640x360",
        ("model", "both hands", "swaps", "misnamed", "CPU ms", "p10", "p90", "wall ms p99"),
        (
            (
                model,
                result.both / result.frames,
                result.swaps,
                result.misnamed,
                float(np.mean(result.cpu_ms)),
                *(float(p) for p in np.percentile(result.cpu_ms, (10, 90))),
                float(np.percentile(result.wall_ms, 99)),
            )
            for model, result in results.items()
        ),
    )
