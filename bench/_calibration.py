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

"""How exactly the time between cameras and keys is found again, on simulated playing.

Simulated: the offset that was put in is known. What a real room adds is not in these figures.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from _report import print_table

from kpm_ros.align.view_offset import estimate_offsets
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.example_scores import random_study
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession

OFFSETS_MS = (-80, -55, -30, 0, 20, 45, 80)
SEEDS = range(1, 7)
SECONDS = 60
START_NS = 1_700_000_000_000_000_000


def measure(shared: Path) -> dict[str, float]:
    """Put every offset into every person's playing, the opposite one into the other camera."""
    worst = {"right": [0.0] * len(OFFSETS_MS), "top": [0.0] * len(OFFSETS_MS)}
    confidence = 1.0
    for seed in SEEDS:
        frames, events = _play(seed)
        for number, late_ms in enumerate(OFFSETS_MS):
            late = {"right": late_ms, "top": -late_ms}
            shifted = [
                replace(frame, stamp_ns=frame.stamp_ns + late[frame.view] * 1_000_000)
                for frame in frames
            ]
            for view, found in estimate_offsets(shifted, events).items():
                error_ms = abs(1e3 * found.offset_s - late[view])
                worst[view][number] = max(worst[view][number], error_ms)
                confidence = min(confidence, found.confidence)
    print_table(
        f"largest error of {len(SEEDS)} simulated persons, {SECONDS} s each, in ms",
        ("put in, ms", "right, by the keys", "top, by the other view"),
        zip(OFFSETS_MS, worst["right"], worst["top"], strict=True),
    )
    return {
        "calibration_error_ms_max": max(max(each) for each in worst.values()),
        "calibration_error_ms_max_by_keys": max(worst["right"]),
        "calibration_error_ms_max_by_view": max(worst["top"]),
        "calibration_confidence_min": confidence,
    }


def _play(seed: int) -> tuple[list[LandmarkFrame], list[KeyEvent]]:
    pianist = Pianist(random_study(seed, SECONDS), seed=seed, person=Person.from_seed(seed))
    session = SimulatedSession(
        pianist, default_cameras(), START_NS, seed=seed, emg=False, key_motion=False
    )
    samples = [each.sample for each in session.advance(START_NS + SECONDS * 1_000_000_000)]
    frames = [sample for sample in samples if isinstance(sample, LandmarkFrame)]
    return frames, [sample for sample in samples if isinstance(sample, KeyEvent)]
