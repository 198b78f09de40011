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
from kpm_ros.act.gestures.rules import DEFAULT_GESTURES, GestureConfig
from kpm_ros.act.muscle_weights import write_weights
from kpm_ros.act.relay import RelayRules
from kpm_ros.align.aligner_config import AlignRules
from kpm_ros.core.resources import DEFAULT_MODEL
from kpm_ros.core.settings import rules, setting
from kpm_ros.core.sides import HANDS, RIGHT
from kpm_ros.estimate.backlog import BacklogRules
from kpm_ros.estimate.estimator import GapRules
from kpm_ros.nodes.armed_settings import ArmedSettings
from kpm_ros.nodes.managed_settings import ManagedSettings


@dataclass(frozen=True)
class SynchronizerSettings:
    """All senses onto one grid."""

    FIXED: ClassVar[str] = "a recording is replayed with one set of rules for all of it"

    model: str = setting(DEFAULT_MODEL, "model whose grid and streams are used")
    hand: str = setting(
        RIGHT,
        "models of a hand: whose points are taken; the inference node's must be the same",
        choices=HANDS,
    )
    registration: str = setting(
        "", "where the cameras stand: a file that `kpm calibrate` wrote; empty = not known"
    )
    period_s: float = setting(0.002, "how often inputs are looked at", least=0.0005, most=0.05)
    begin_with: str = setting(
        "",
        "node that must listen to the same inputs before anything is made of them, 10 s at most: "
        "with a recorder, a bag begins where the run did; empty = none is waited for",
    )
    align: AlignRules = rules(AlignRules)


@dataclass(frozen=True)
class InferenceSettings:
    """Grid samples to muscle effort."""

    FIXED: ClassVar[str] = "the network is loaded and laid out by it at the start"

    model: str = setting(DEFAULT_MODEL, "weights: a shipped model's name or a .safetensors path")
    hand: str = setting(
        RIGHT,
        "models of a hand: whose effort is estimated, the left one's by its mirror image",
        choices=HANDS,
    )
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
class ExoSettings(ArmedSettings):
    """Effort to joint torques."""

    FIXED: ClassVar[str] = "the pace is set when the node is configured"

    gains: list[str] = setting(
        write_weights(illustrative_gain()),
        "torque per unit of effort, as 'joint muscle Nm'; tried on a SIMULATED pianist only, tuned "
        "on nobody",
        live=True,
    )
    rate_hz: float = setting(500.0, "commands per second", least=10.0, most=1000.0)
    drive_echo: bool = setting(
        False, "whether a relay at the drive must echo commands on drive/state"
    )
    drive_timeout_s: float = setting(
        0.1, "how long a command may wait for its echo", least=0.03, most=5.0
    )
    assistance: AssistanceConfig = rules(AssistanceConfig)


@dataclass(frozen=True)
class RelaySettings(ManagedSettings):
    """Commands to the drive, while they are fresh; else zero."""

    FIXED: ClassVar[str] = "the drive is laid out by it when the node is configured"

    rate_hz: float = setting(500.0, "commands per second", least=10.0, most=1000.0)
    relay: RelayRules = rules(RelayRules)


@dataclass(frozen=True)
class GestureSettings:
    """Signals of a hand to gestures."""

    FIXED: ClassVar[str] = "the pace is set, and the model loaded, when the node starts"

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
    model: str = setting(
        "", "a model that `kpm train-gestures` wrote, used instead of `gestures`; empty = none"
    )
    view: str = setting("top", "which camera's landmarks a model takes, if it takes any")
