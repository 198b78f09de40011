"""Writes a small data set of made-up recordings, as a laboratory would write its own real ones.

python examples/made_up_recordings.py fingertips sets/fingertips
python examples/made_up_recordings.py body sets/body

The first is of five fingertips in one view at 100 Hz and 12 muscles at 100 Hz, the second of a body
of 33 points at 30 frames a second and 8 muscles at 100 Hz. Nothing in them is of people.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np

from kpm_ros.core.skeletons import find_skeleton
from kpm_ros.core.streams import Landmarks
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth

VIEWS = {
    "fingertips": Landmarks("front", find_skeleton("fingertips"), rate_hz=100.0),
    "body": Landmarks("front", find_skeleton("mediapipe-body"), rate_hz=30.0),
}
MUSCLES = {"fingertips": 12, "body": 8}
RATE_HZ, SECONDS = 100.0, 20


def made_up(kind: str) -> Iterator[Recording]:
    """Three people do two tasks twice: points that sway, and muscles that follow some of them."""
    view, muscles = VIEWS[kind], MUSCLES[kind]
    follows = np.random.default_rng(0).normal(0, 1, (view.width, muscles))
    for person in (1, 2, 3):
        for task in (1, 2):
            for take in (1, 2):
                random = np.random.default_rng([person, task, take])
                speed = 2 * np.pi * random.uniform(0.3, 1.5, view.width)
                phase = random.uniform(0, 2 * np.pi, view.width)
                seen_s = np.arange(int(SECONDS * view.rate_hz)) / view.rate_hz
                true_s = np.arange(int(SECONDS * RATE_HZ)) / RATE_HZ
                points = 0.5 + 0.1 * np.sin(np.outer(seen_s, speed) + phase)
                points += random.normal(0, 0.001, points.shape)
                points[50:55] = np.nan  # the tracker lost sight
                push = np.sin(np.outer(true_s, speed) + phase) @ follows / view.width
                truth = Truth(
                    tuple(f"M{k + 1}" for k in range(muscles)),
                    "made-up effort",
                    RATE_HZ,
                    np.maximum(0.3 + push, 0),
                    measured="computed: rectified sums of what the points do",
                )
                series = TimeSeries(view, points, measured="computed: sine waves and noise")
                names = (f"p{person}_t{task}_{take}", f"p{person}", f"t{task}", str(take))
                yield Recording(*names, (series,), truth)


SPLITS = {
    "train": [f"p{person}_t{task}_1" for person in (1, 2) for task in (1, 2)],
    "val": ["p1_t1_2", "p2_t2_2"],
    "test": ["p1_t2_2", "p2_t1_2"],
    "test_cross_user": ["p3_t1_1", "p3_t2_1"],
}


def main(kind: str, folder: str) -> None:
    """Write one of the two."""
    about = About(name=f"made-up {kind}", simulated=True, licence="CC0-1.0")
    print(f"written: {write_dataset(folder, about, made_up(kind), SPLITS)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
