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

"""A small made-up data set of bodies: what muscles do follows from where points are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth

MUSCLES = ("LQuad", "LHam", "LLat", "LBicep", "RQuad", "RHam", "RLat", "RBicep")
UNIT = "fraction of maximum"
VIEW = Landmarks(
    "front",
    find_skeleton("mediapipe-body"),
    dimensions=3,
    rate_hz=10.0,
    coordinates="metric",
)
RATE_HZ = 20.0
EXERCISES = ("Squat", "FrontKick", "Curl")
STANDING = {
    "nose": (0, -0.65),
    "shoulder": (0.18, -0.5),
    "elbow": (0.25, -0.22),
    "wrist": (0.28, 0.02),
    "hip": (0.1, 0.0),
    "knee": (0.11, 0.42),
    "ankle": (0.12, 0.82),
}


def standing() -> np.ndarray:
    """Points of somebody who faces the camera: (33, 3) in metres, the left at the right."""
    points = np.zeros((len(VIEW.skeleton), 3))
    for place, name in enumerate(VIEW.skeleton.points):
        side = -1 if "right" in name else 1
        word = next((word for word in STANDING if word in name), None)
        near = {"foot": "ankle", "heel": "ankle", "pinky": "wrist", "index": "wrist"}
        word = word or next((near[part] for part in near if part in name), "nose")
        x, y = STANDING[word]
        points[place, :2] = side * x, y
    return points


def make_body(person: int, exercise: str, take: int, seconds: float = 6.5) -> Recording:
    """One recording: knees, feet and hands go up and down, and effort with them."""
    draw = np.random.default_rng([person, EXERCISES.index(exercise), take])
    speed, phase = draw.uniform(2, 4), draw.uniform(0, 6)
    moved = {"Squat": "knee", "FrontKick": "ankle", "Curl": "wrist"}[exercise]

    def swing(at_s: np.ndarray) -> np.ndarray:
        return 0.5 + 0.5 * np.sin(speed * at_s + phase)

    seen_s = np.arange(int(seconds * VIEW.rate_hz)) / VIEW.rate_hz
    true_s = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    points = np.tile(standing() * (1 + 0.02 * person), (len(seen_s), 1, 1))
    for place, name in enumerate(VIEW.skeleton.points):
        if moved in name:
            points[:, place, 1] -= 0.3 * swing(seen_s)
    points += draw.normal(0, 0.001, points.shape)
    own = np.array([exercise == "Squat", exercise == "FrontKick", 0.1, exercise == "Curl"] * 2)
    effort = 0.05 + 0.5 * swing(true_s)[:, None] * own
    return Recording(
        f"p{person}_{exercise}_{take}",
        f"p{person}",
        exercise,
        str(take),
        (TimeSeries(VIEW, points.reshape(len(points), -1).astype(np.float32)),),
        Truth(MUSCLES, UNIT, RATE_HZ, effort.astype(np.float32)),
    )


def made_bodies() -> Iterator[Recording]:
    """Four people do three exercises twice."""
    for person in (1, 2, 3, 4):
        for exercise in EXERCISES:
            for take in (1, 2):
                yield make_body(person, exercise, take)


def names(people: Sequence[int], exercises: Sequence[str], takes: Sequence[int]) -> list[str]:
    return [f"p{p}_{e}_{t}" for p in people for e in exercises for t in takes]


SPLITS = {
    "train": names((1, 2), EXERCISES[:2], (1,)),
    "val": names((3,), EXERCISES[:2], (1,)),
    "test": names((1, 2), EXERCISES[:2], (2,)),
    "test_cross_user": names((4,), EXERCISES, (1, 2)),
    "test_cross_task": names((1, 2), EXERCISES[2:], (1,)),
}


def write_bodies(folder: Path) -> Path:
    """Write them as a container that says that it is simulated."""
    about = About(name="made-up bodies", simulated=True)
    return write_dataset(folder / "bodies", about, made_bodies(), SPLITS)
