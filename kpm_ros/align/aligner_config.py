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

"""What an aligner is told: the streams, the grid, and the rules for what comes late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kpm_ros.align.channels import ChannelRules
from kpm_ros.align.keys import KeyRules
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.align.room_watch import WatchRules
from kpm_ros.align.space_rules import SpaceRules
from kpm_ros.core.registration import Registration
from kpm_ros.core.settings import CheckedSettings, rules, setting
from kpm_ros.core.streams import Streams


@dataclass(frozen=True)
class AlignRules(CheckedSettings):
    """The rules for late streams."""

    hop_s: float = setting(
        0.01,
        "longest chunk handed on; shorter ones are, too, when data and not the wait settled them",
        least=0.001,
        most=0.2,
    )
    pose: PoseRules = rules(PoseRules, prefix="pose_")
    space: SpaceRules = rules(SpaceRules, prefix="space_")
    watch: WatchRules = rules(WatchRules, prefix="watch_")
    key: KeyRules = rules(KeyRules, prefix="keys_")
    channel: ChannelRules = rules(ChannelRules, prefix="channels_")
    future_s: float = setting(
        0.1, "a stamp further ahead of the clock is refused", least=0.0, most=10.0
    )
    step_s: float = 0.5
    """A clock that jumps by more than this, or a caller away for longer, breaks the stream."""


class Frame(NamedTuple):
    """Samples of the grid that a model takes together: one ends with sample k x samples + end."""

    samples: int = 1
    end: int = 0


@dataclass(frozen=True, kw_only=True)
class AlignerConfig(AlignRules):
    """The grid, the streams on it, and the rules for late ones."""

    streams: Streams
    rate_hz: int
    frame: Frame = field(default_factory=Frame)
    """Of the model: where time alone settles samples, chunks end with a frame."""
    needed: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each view, the points that must be in sight for its pose to be more than a guess."""
    strange: str = ""
    """What about the room no training of the model has seen, in a sentence; empty = nothing."""
    familiar: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """Lowest and highest of what hands were in training (`hand_measures`), as the card has it."""
    registration: Registration | None = None
    """Where the cameras stand: without it nothing is known of a hand in the keyboard's frame."""
