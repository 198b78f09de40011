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

"""What devices hand on: samples with the instant at which they happened.

All stamps are integer nanoseconds on the host's clock. The arrays are never written to after they
have been handed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

HAND, BODY = "mediapipe-hand", "mediapipe-body"
"""Skeletons of the hands and bodies that our own trackers give."""


class KeyEventKind(IntEnum):
    """What happened at the keyboard; the numbers are those of KeyEvent.msg."""

    NOTE_OFF = 0
    NOTE_ON = 1
    PEDAL = 2
    ALL_NOTES_OFF = 3
    HEARTBEAT = 4


class Pedal(IntEnum):
    """A piano's pedals by their MIDI controller number."""

    SUSTAIN = 64
    SOSTENUTO = 66
    SOFT = 67


@dataclass(frozen=True, slots=True)
class LandmarkFrame:
    """One camera frame's hand or body: its landmarks, or the fact that none was seen."""

    stamp_ns: int
    view: str
    index: int
    points: NDArray[np.float32] | None
    """(points, 3): x, y fractions of image width and height, z from the root in x's scale."""
    confidence: float
    skeleton: str = HAND
    """Name of the skeleton whose points these are."""
    side: str = "right"
    """Which hand it is, "left" or "right"; empty where there are no sides."""
    image_size: tuple[int, int] = (0, 0)
    processed_ns: int = 0
    frame_id: str = ""
    """The camera's optical frame; empty = the view's usual one."""
    metres: NDArray[np.float32] | None = None
    """(points, 3): from the root; x to the image's right, y down, z away from the camera. None
    where the tracker does not tell."""
    visibility: NDArray[np.float32] | None = None
    """Of each point: 0 hidden, 1 in plain view; None where the tracker does not tell."""


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """One note or pedal event, or a heartbeat: all events before its stamp have been sent."""

    stamp_ns: int
    index: int
    kind: KeyEventKind
    note: int = 0
    velocity: int = 0
    pedal: int = 0
    value: float = 0.0
    channel: int = 0


@dataclass(frozen=True, slots=True)
class KeyMotionChunk:
    """Consecutive samples of key depth (samples, keys): 0 at rest, 1 fully down, -1 not sensed."""

    stamp_ns: int
    first_index: int
    rate_hz: float
    first_note: int
    depth: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ChannelChunk:
    """Consecutive samples of named channels (samples, channels), such as raw EMG."""

    name: str
    """Of the stream."""
    stamp_ns: int
    first_index: int
    rate_hz: float
    channels: tuple[str, ...]
    unit: str
    samples: NDArray[np.float32]
