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

"""Made-up people who move alike and differ in size, posture and strength; a data set of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.streams import Channels, Streams
from kpm_ros.learn.recordings.container_writer import About, write_dataset
from kpm_ros.learn.recordings.recording import Recording, TimeSeries, Truth
from kpm_ros.models.kernel import features, shapes

RATE_HZ = 50
GLOVE = Channels("glove", ("thumb", "index", "ring"), "deg", float(RATE_HZ))
MUSCLES = ("FDS", "EDC")
UNIT = "fraction of the 99th percentile"
CARD = {
    "streams": Streams((GLOVE,)), "muscles": MUSCLES, "unit": UNIT, "rate_hz": RATE_HZ,
}  # fmt: skip
_ALIKE = 0
"""Seed of what all people have in common."""

Array = NDArray[np.float32]


@contextmanager
def few_features() -> Iterator[None]:
    """Let kernel regression do with an eighth of its features, which is much faster."""
    with patch.object(shapes, "FEATURES", 25), patch.object(features, "FEATURES", 25):
        yield


def moving(seed: Sequence[int], seconds: float) -> NDArray[np.float64]:
    """Angles of size 1 that rise and fall: (samples, 3)."""
    random = np.random.default_rng([*seed, 7])
    at_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    waves = random.uniform(0.2, 1.2, (6, 3)), random.uniform(0, 6.3, (6, 3))
    return np.sin(6.3 * at_s[:, None, None] * waves[0] + waves[1]).sum(axis=1) / 6**0.5 * 1.2


def made_take(person: int, take: int, seconds: float = 20.0, own: float = 1.0) -> Recording:
    """Record a take; people differ `own` times as much as usual in how they use their muscles."""
    differs = np.random.default_rng([person, 3])
    angles = moving((person, take), seconds)
    alike = np.random.default_rng(_ALIKE).normal(size=(3, 2))
    use = alike + own * 0.3 * differs.normal(size=(3, 2))
    strength = np.exp(own * 0.4 * differs.normal(size=2))
    noise = np.random.default_rng([person, take, 5]).normal(0, 0.02, (len(angles), 2))
    effort = np.abs(0.05 + strength * 0.2 * np.tanh(np.maximum(angles @ use, 0)) + noise)
    shown = angles * differs.uniform(5, 40, 3) + differs.uniform(-60, 60, 3)
    glove = TimeSeries(GLOVE, shown.astype(np.float32))
    truth = Truth(MUSCLES, UNIT, float(RATE_HZ), effort.astype(np.float32))
    return Recording(f"p{person}_{take}", f"p{person}", "wave", str(take), (glove,), truth)


def write_people(folder: Path, people: int = 5, takes: int = 3, own: float = 1.0) -> Path:
    """Write a data set in which the last person is unseen."""
    numbers = [(person, take) for person in range(1, people + 1) for take in range(1, takes + 1)]
    new = f"p{people}_"
    names = [f"p{person}_{take}" for person, take in numbers]
    return write_dataset(
        folder,
        About(name="made-up people", simulated=True, licence="CC0-1.0"),
        (made_take(*number, own=own) for number in numbers),
        {
            "train": [name for name in names if not name.startswith(new)],
            "test_cross_user": [name for name in names if name.startswith(new)],
        },
    )
