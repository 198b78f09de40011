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

"""How long views are waited for and believed, and what their frames ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from kpm_ros.core.settings import CheckedSettings, setting


@dataclass(frozen=True)
class PoseRules(CheckedSettings):
    """How long a view is waited for and how long its last pose is believed.

    For a camera of 50 or more frames a second whose hands are known within 18 ms, times are exactly
    these. A slower one is given as much more as its frames' own stamps ask for, within limits.
    """

    wait_s: float = setting(
        0.06,
        "how long a sample waits at least for the camera frame after it; longer for a camera of "
        "few frames a second, or whose landmarks are known late",
        least=0.0,
        most=1.0,
    )
    longest_wait_s: float = setting(
        0.2, "how long it waits at most, however slow the camera is", least=0.0, most=1.0
    )
    stale_s: float = setting(
        0.05,
        "a pose older than this when its sample leaves is stale, or older than 2.5 of the camera's "
        "usual gaps between frames if that is more; frames further apart are not joined",
        least=0.001,
        most=10.0,
    )
    lost_s: float = setting(0.25, "a pose older than this is lost", least=0.001, most=60.0)
    extrapolate_s: float = setting(
        0.0,
        "how long a pose that is awaited in vain goes on moving before it is held; 0 = not at all",
        least=0.0,
        most=1.0,
    )
    hidden_below: float = setting(
        0.5,
        "a point that the model's muscles need is hidden where it is less visible than this, and "
        "effort not valid; 0 = hidden points are believed",
        least=0.0,
        most=1.0,
    )
    newest_wait_s: float = setting(
        0.018,
        "models that are told the newest points: how long after its instant every sample leaves, "
        "with what is known by then; models are trained with the default",
        least=0.0,
        most=0.2,
    )
    transit_s: float = setting(
        0.005,
        "models that are told the newest points: how long landmarks may be on their way from "
        "their tracker; those that come sooner are known no sooner, so that a replay is the run",
        least=0.0,
        most=0.1,
    )
    may_repeat: bool = setting(
        False,
        "whether landmarks that stay the same to the last bit are believed, as a tracker that "
        "rounds may send them; else their image is taken to stand still",
    )


class ViewTiming(NamedTuple):
    """What a view's frames ask for at present, and what they are given; in seconds."""

    frames: int
    """Frames that have come so far."""
    gap_s: float
    """Usual gap between frames; 0 = not known yet."""
    delay_s: float
    """Usual time from a frame's exposure until its hand is known."""
    wait_s: float
    """How long a grid sample waits for the frame after it."""
