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

"""Settings that every node has that moves a machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.act.arming import ArmingRules
from kpm_ros.core.settings import rules, setting
from kpm_ros.nodes.managed_settings import ManagedSettings


@dataclass(frozen=True)
class ArmedSettings(ManagedSettings):
    """Who lets it move, and after what it goes on."""

    FIXED: ClassVar[str] = "the pace is set when the node is configured"

    enabled: bool = setting(
        False,
        "whether it is armed, as ~/enable arms it: only while all is well, so not in a file, for "
        "it starts disarmed",
        live=True,
    )
    deadman_button: int = setting(
        -1,
        "button of assist/deadman (sensor_msgs/Joy: a pedal, a pad) that must be held; -1 = none",
        least=-1,
        most=1000,
    )
    deadman_timeout_s: float = setting(
        0.05, "silence after which it counts as let go", least=0.005, most=2.0
    )
    arming: ArmingRules = rules(ArmingRules)
