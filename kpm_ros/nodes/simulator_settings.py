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

"""Parameters of the node that simulates somebody with all devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting
from kpm_ros.core.sides import HANDS, RIGHT
from kpm_ros.core.subjects import DEFAULT_SUBJECT, subject_names
from kpm_ros.simulate.bodies import BODIES


@dataclass(frozen=True)
class SimulatorSettings:
    """Somebody simulated, with all devices."""

    FIXED: ClassVar[str] = "who is simulated is made by it at the start"

    subject: str = setting(DEFAULT_SUBJECT, "whose muscles they are", choices=subject_names())
    hand: str = setting(RIGHT, "pianist: which hand is in sight", choices=HANDS)
    views: list[str] = setting(["top", "right"], "camera views to simulate")
    score: str = setting(
        "", "pianist: a .mid file to play, over and over; empty = the built-in study"
    )

    body: str = setting(
        "anatomical",
        "pianist: hand and muscles of a musculoskeletal model, or plain rules that take no time to "
        "start",
        choices=BODIES,
    )
    exercises: list[str] = setting(
        [], "exerciser: exercises, one after another, over and over; empty = a usual round"
    )
    knock: str = setting(
        "",
        "pianist: a camera that is knocked while it plays: view, seconds since the beginning, and "
        "metres along the keyboard's x, y and z, such as top,20,0.06,0.06,-0.05; empty = none",
        live=True,
    )
    seed: int = setting(1, "everything random follows from this", least=0, most=2**31 - 1)
    emg: bool = setting(True, "whether to publish EMG")
    dead_channels: list[str] = setting([], "EMG channels of which nothing comes")
    prompted: bool = setting(
        False, "whether a recording session's prompts are obeyed; else somebody performs at once"
    )
    key_motion: bool = setting(
        True, "pianist: whether the piano senses key depth (else only notes)"
    )
    dropout: float = setting(
        0.0, "fraction of camera frames in which nobody is found", least=0.0, most=0.99
    )
    period_s: float = setting(0.002, "how often samples are delivered", least=0.0005, most=0.05)
