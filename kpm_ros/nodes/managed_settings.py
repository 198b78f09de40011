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

"""What the nodes that ROS's lifecycle tools manage have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import setting


@dataclass(frozen=True)
class ManagedSettings:
    """What every node has that ROS's lifecycle tools manage."""

    FIXED: ClassVar[str] = "it is looked at only at the start"

    autostart: bool = setting(
        True, "whether the node configures and activates itself; else `ros2 lifecycle set` does"
    )
