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

"""What assistance wants of each joint at an instant, what it is doing, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray


class AssistanceState(str, Enum):
    """What assistance is doing."""

    DISARMED = "disarmed"
    """At zero, or on the stated way there, until somebody arms."""
    WITHHELD = "withheld"
    """Armed, but something is at fault that heals: likewise."""
    RECOVERING = "recovering"
    """Armed, and effort is good, but not for long enough yet: likewise."""
    RAMPING = "ramping"
    """Assisting with a growing share."""
    ACTIVE = "active"
    """Assisting."""


@dataclass(frozen=True, slots=True)
class AssistanceCommand:
    """Torque of each joint, with the reason why it is what it is."""

    torque_nm: NDArray[np.float64]
    state: AssistanceState
    reason: str
