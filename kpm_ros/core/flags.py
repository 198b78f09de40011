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

"""Validity of one grid sample or effort sample, as bits that travel with it."""

from __future__ import annotations

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

FlagBits = np.uint16
"""Type of the bits of one sample, in arrays and in messages."""


class Flag(IntFlag):
    """Why a sample is not to be taken at face value; the numbers are those of MuscleEffort.msg."""

    WARMING_UP = 1
    """The network's memory is not filled yet."""
    POSE_STALE = 2
    """A camera view is late; its last pose is used."""
    POSE_LOST = 4
    """A camera view is missing, or sees no hand."""
    CHANNELS_MISSING = 8
    """Nothing is known of the piano's keys, or of other channels; with HELD alone: `KEYS_LATE`."""
    HELD = 16
    """An input value was held past its time."""
    EXTRAPOLATED = 32
    """An input value was extrapolated."""
    BRIDGED = 64
    """A grid sample was lost on its way to the network, and the one before it stood in for it."""
    INVALID = 128
    """Do not act on this sample."""
    HIDDEN = 256
    """Points that the model needs were hidden, and are the tracker's guess."""
    UNFAMILIAR = 512
    """The model does not know the like of this: one of the four reasons below is set with it."""
    UNREGISTERED = 1024
    """It is not known where the cameras stand."""
    CAMERA_MOVED = 2048
    """A camera no longer stands where it was found to stand."""
    STRANGE_ROOM = 4096
    """Cameras stand, or a hand is, where or as none did in training."""
    KEYS_APART = 8192
    """Keys go down where no finger is."""
    LEFT_INVALID = 16384
    """Of two hands: do not act on the effort of the left one's muscles."""
    RIGHT_INVALID = 32768
    """Of two hands: do not act on the effort of the right one's muscles."""


KEYS_LATE = FlagBits(Flag.CHANNELS_MISSING | Flag.HELD)
"""A piano that told of itself regularly is silent; its last keys are used."""

INVALID_SIDE = {"left": Flag.LEFT_INVALID, "right": Flag.RIGHT_INVALID}
"""What says that one of two hands is invalid."""


def absent(flags: NDArray[FlagBits]) -> NDArray[np.bool_]:
    """Where nothing is known of a stream, by what its flags say of it."""
    lost, channels = flags & Flag.POSE_LOST, flags & KEYS_LATE
    return np.asarray((lost != 0) | (channels == Flag.CHANNELS_MISSING))


def describe(flags: int) -> str:
    """Name the bits that are set: "pose lost, invalid", or "ok" when there are none."""
    names = [flag.name.lower().replace("_", " ") for flag in Flag if flag & flags and flag.name]
    return ", ".join(names) or "ok"
