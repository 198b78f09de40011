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

"""Body tracking on a real picture of a person, moved about: what is found, and what it costs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _report import print_table
from numpy.typing import NDArray

from kpm_ros.sense.bodies import pose_graph
from kpm_ros.sense.bodies.tracking import BodyTracker
from kpm_ros.sense.camera.opencv import load_opencv
from kpm_ros.sense.tracking.mediapipe_package import load_mediapipe, packaged_models
from kpm_ros.sense.tracking.tracker import Model, Seen, TrackerConfig

PICTURE = Path("data/people/pose_landmarker_test_image.jpg")
FPS = 30
SECONDS = 10.0


def moved_about(picture: Path, seconds: float) -> Iterator[NDArray[np.uint8]]:
    """Yield the RGB pictures of a camera before which somebody sways, as far as 4 % of the width.

    Each has noise of its own, as a camera's have.
    """
    cv2 = load_opencv()
    image = cv2.imread(str(picture))
    height, width, _ = image.shape
    random = np.random.default_rng(1)
    for number in range(round(seconds * FPS)):
        at = 2 * np.pi * number / FPS
        across, down = 0.04 * width * np.sin(0.7 * at), 0.02 * height * np.sin(1.1 * at)
        shift = np.array([[1, 0, across], [0, 1, down]], np.float32)
        placed = cv2.warpAffine(image, shift, (width, height), borderMode=cv2.BORDER_REPLICATE)
        noisy = placed + random.normal(0, 3, placed.shape)
        yield cv2.cvtColor(np.clip(noisy, 0, 255).astype(np.uint8), cv2.COLOR_BGR2RGB)


def measure(shared: Path) -> dict[str, float]:
    """Track the person with each model that is there, picture by picture."""
    path = shared / PICTURE
    if not path.is_file():
        print(f"\nbody tracking: left out, there is no {PICTURE} beside the project")
        return {}
    there = packaged_models(load_mediapipe("body"), pose_graph.MODELS)
    figures: dict[str, float] = {}
    rows = []
    for model in ("full", "lite"):
        if model not in there:
            print(f"\nbody tracking: MediaPipe's package brings no {model} model")
            continue
        seen, others, cpu_ms, wall_ms = _track(model, moved_about(path, SECONDS))
        suffix = "" if model == "full" else f"_{model}"
        found = {
            "body_seen_fraction": sum(one is not None for one in seen) / len(seen),
            "body_others_seen": float(others),
            "body_track_cpu_ms": float(np.mean(cpu_ms)),
            "body_track_cores": float(np.mean(cpu_ms)) * FPS / 1e3,
            "body_track_wall_ms_p50": float(np.median(wall_ms)),
            "body_track_wall_ms_p99": float(np.percentile(wall_ms, 99)),
        }
        rows.append((model, *found.values()))
        figures |= {name + suffix: value for name, value in found.items()}
    head = ("model", "seen", "others", "CPU ms", "cores at 30 fps", "wall ms p50", "wall ms p99")
    print_table(f"one body, {round(SECONDS * FPS)} pictures of 960x640", head, rows)
    return figures


def _track(
    model: Model, pictures: Iterator[NDArray[np.uint8]]
) -> tuple[list[Seen | None], int, list[float], list[float]]:
    seen: list[Seen | None] = []
    cpu_ms, wall_ms = [], []
    with BodyTracker(TrackerConfig(model=model)) as tracker:
        for number, image in enumerate(pictures):
            cpu, wall = time.process_time(), time.perf_counter()
            found = tracker.track(image, round(number * 1e9 / FPS))
            seen.append(found[0] if found else None)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
            if number:
                # The first one pays for what is only loaded then.
                cpu_ms.append(1e3 * cpu)
                wall_ms.append(1e3 * wall)
        others = int(str(tracker.counts()["others_seen"]))
    return seen, others, cpu_ms, wall_ms
