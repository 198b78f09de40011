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

"""What no recording of people could tell: muscles, forces and posture, as they were simulated."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from kpm_ros.simulate.hand import HandModel, KinematicHand
from kpm_ros.simulate.pianist import Pianist

ACTIVATION_RATE_HZ = 250
POSTURE_RATE_HZ = 60


def truth_arrays(pianist: Pianist, seconds: int) -> dict[str, NDArray[np.generic]]:
    """Activation of all muscles, force of all fingers and the hand's place, with their rates."""
    times = np.arange(seconds * ACTIVATION_RATE_HZ) / ACTIVATION_RATE_HZ
    frames = np.arange(seconds * POSTURE_RATE_HZ) / POSTURE_RATE_HZ
    return {
        "activation": pianist.all_activation(times).astype(np.float16),
        "muscles": np.array(pianist.all_muscles),
        "force_n": pianist.force(times).astype(np.float32),
        "activation_rate_hz": np.array(ACTIVATION_RATE_HZ),
        "posture": pianist.posture(frames).astype(np.float32),
        "posture_names": np.array(_posture_names(pianist.hand)),
        "landmarks_m": pianist.landmarks(frames).astype(np.float32),
        "posture_rate_hz": np.array(POSTURE_RATE_HZ),
    }


def _posture_names(hand: HandModel) -> list[str]:
    """Name a posture's columns: places in metres, and angles in radians."""
    if isinstance(hand, KinematicHand):
        points = ("palm", "thumb_tip", "index_tip", "middle_tip", "ring_tip", "little_tip")
        return [f"{point}_{axis}" for point in points for axis in "xyz"]
    from kpm_ros.simulate.anatomy.posture import AnatomicalHand

    joints = hand.body.joint_names if isinstance(hand, AnatomicalHand) else ()
    return [*(f"wrist_{axis}" for axis in "xyz"), *joints]


def as_npz(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """Pack arrays into one file's content; nothing in it is pickled."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()
