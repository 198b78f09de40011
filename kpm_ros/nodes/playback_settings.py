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

"""Settings of the node that plays a movement to a resting hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.act.playback import PlaybackRules
from kpm_ros.core.settings import rules, setting
from kpm_ros.core.sides import LEFT, RIGHT
from kpm_ros.nodes.armed_settings import ArmedSettings


@dataclass(frozen=True)
class PlaybackSettings(ArmedSettings):
    """A recorded or generated movement to joints' targets."""

    FIXED: ClassVar[str] = "the movement is read and laid out when the node is configured"

    file: str = setting("", "movement of hands (.npz) with angles of the anatomical hand's joints")
    side: str = setting(RIGHT, "whose movement is played", choices=(RIGHT, LEFT))
    rate_hz: float = setting(100.0, "targets per second", least=10.0, most=500.0)
    playback: PlaybackRules = rules(PlaybackRules)
