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

"""Made-up gestures: each makes other channels of an armband busy."""

from __future__ import annotations

import numpy as np

from kpm_ros.learn.gestures.executions import Execution, ExecutionSet, Recorded

RATE_HZ = 200.0
CHANNELS = ("a", "b", "c")
LEVELS = {"none": (0.02, 0.02, 0.02), "fist": (1.0, 0.8, 0.1), "open": (0.1, 0.3, 1.0)}
START_NS = 1_700_000_000 * 10**9
PERIOD_NS = 5_000_000


def emg(gesture, samples, seed):
    """Noise as loud as the gesture makes each channel."""
    random = np.random.default_rng(seed)
    return random.normal(size=(samples, len(CHANNELS))) * LEVELS[gesture]


def execution(gesture, repetition, number, samples=200, person="P1", day="1", posture=""):
    """One execution, the `number`th of a recording."""
    stamps = START_NS + (number * (samples + 1) + np.arange(samples)) * PERIOD_NS
    seed = [number, repetition, len(person), int(day)]
    return Execution(
        gesture,
        repetition,
        {"emg": Recorded(stamps, emg(gesture, samples, seed))},
        person,
        day,
        posture,
    )


def executions(repetitions=4, gestures=tuple(LEVELS), **whose):
    """Every gesture so often."""
    listed = [(name, k + 1) for k in range(repetitions) for name in gestures]
    return ExecutionSet(
        {"emg": CHANNELS},
        {"emg": RATE_HZ},
        tuple(execution(name, k, number, **whose) for number, (name, k) in enumerate(listed)),
        origin="made-up hands",
    )
