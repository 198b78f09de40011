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

"""Parameters of the nodes that make effort and act on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.act.assistance_config import AssistanceConfig, illustrative_gain
from kpm_ros.act.gestures import DEFAULT_GESTURES, GestureConfig
from kpm_ros.act.muscle_weights import write_weights
from kpm_ros.core.resources import DEFAULT_MODEL
from kpm_ros.core.settings import rules, setting
from kpm_ros.estimate.backlog import BacklogRules
from kpm_ros.estimate.estimator import GapRules
from kpm_ros.nodes.managed_settings import ManagedSettings


@dataclass(frozen=True)
class SynchronizerSettings:
    """All senses onto one grid."""

    FIXED: ClassVar[str] = "a recording is replayed with one set of rules for all of it"

    model: str = setting(DEFAULT_MODEL, "model whose grid, views and keys are used")
    views: list[str] = setting(["top", "right"], "camera views, in the model's order")
    hop_s: float = setting(0.01, "longest chunk handed on", least=0.001, most=0.1)
    period_s: float = setting(0.002, "how often inputs are looked at", least=0.0005, most=0.05)
    pose_wait_s: float = setting(
        0.06,
        "how long a sample waits at least for the camera frame after it; longer for a camera of "
        "few frames a second, or whose hands are known late",
        least=0.0,
        most=1.0,
    )
    pose_longest_wait_s: float = setting(
        0.2, "how long it waits at most, however slow the camera is", least=0.0, most=1.0
    )
    pose_stale_s: float = setting(
        0.05,
        "a pose older than this is stale, or older than 2.5 of the camera's usual gaps between "
        "frames if that is more",
        least=0.001,
        most=10.0,
    )
    pose_lost_s: float = setting(0.25, "a pose older than this is lost", least=0.001, most=60.0)
    pose_extrapolate_s: float = setting(
        0.0,
        "how long a pose that is awaited in vain goes on moving before it is held; 0 = not at all",
        least=0.0,
        most=1.0,
    )
    pose_may_repeat: bool = setting(
        False,
        "whether a hand that stays the same to the last bit is believed, as a tracker that rounds "
        "may send it; else its image is taken to stand still",
    )
    keys_wait_s: float = setting(
        0.02, "how long a sample waits for key motion or events", least=0.0, most=1.0
    )
    keys_fresh_s: float = setting(
        0.1,
        "sensed key motion older than this gives way to notes, and is not joined to what follows",
        least=0.001,
        most=10.0,
    )
    keys_longest_hold_s: float = setting(
        30.0,
        "a note held for so long is given up: its end was lost, by the piano or on the way",
        least=0.1,
        most=3600.0,
    )
    keys_missing_s: float = setting(
        1.0, "keys that are silent for longer are missing", least=0.01, most=3600.0
    )
    future_s: float = setting(
        0.1, "a stamp further ahead of the clock is refused", least=0.0, most=10.0
    )


@dataclass(frozen=True)
class InferenceSettings:
    """Grid samples to muscle effort."""

    FIXED: ClassVar[str] = "the network is loaded and laid out by it at the start"

    model: str = setting(DEFAULT_MODEL, "weights: a shipped model's name or a .safetensors path")
    pacing: str = setting(
        "even",
        "whether effort samples leave evenly, or in bursts as they are made",
        choices=("even", "burst"),
    )
    period_s: float = setting(
        0.001, "how often aligned samples are looked for and effort leaves", least=0.0005, most=0.01
    )
    gaps: GapRules = rules(GapRules)
    backlog: BacklogRules = rules(BacklogRules, names={"limit_s": "backlog_s"})


@dataclass(frozen=True)
class ExoSettings(ManagedSettings):
    """Effort to joint torques."""

    FIXED: ClassVar[str] = "the pace is set when the node is configured"

    enabled: bool = setting(False, "whether assistance is enabled", live=True)
    gains: list[str] = setting(
        write_weights(illustrative_gain()),
        "torque per unit of effort, as 'joint muscle Nm'; illustrative, tuned on nobody",
        live=True,
    )
    rate_hz: float = setting(500.0, "commands per second", least=10.0, most=1000.0)
    assistance: AssistanceConfig = rules(AssistanceConfig)


@dataclass(frozen=True)
class GestureSettings:
    """Effort to gestures."""

    FIXED: ClassVar[str] = "the pace is set when the node starts"

    enabled: bool = setting(False, "whether gestures are recognised", live=True)
    rate_hz: float = setting(100.0, "how often effort is looked at", least=10.0, most=500.0)
    heartbeat_hz: float = setting(
        20.0, "how often an unchanged gesture is sent", least=1.0, most=100.0, live=True
    )
    gestures: list[str] = setting(
        write_weights({rule.name: rule.weights for rule in DEFAULT_GESTURES}),
        "muscles of each gesture, as 'gesture muscle weight': those above 0 must act, those below "
        "must rest; illustrative, fitted to nobody",
        live=True,
    )
    recognition: GestureConfig = rules(GestureConfig)
