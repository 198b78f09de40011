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

"""Which torque of each joint effort asks for, by gains from muscles found by their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kpm_ros.act.assistance_config import AssistanceConfig
from kpm_ros.act.muscle_weights import require_known_muscles, require_names
from kpm_ros.core.hands import side_of
from kpm_ros.core.stream_kinds import SIDES
from kpm_ros.models.intervals import Intervals


class TorqueMap:
    """Gains of one configuration for effort of these muscles, in this order."""

    def __init__(
        self, config: AssistanceConfig, muscles: Sequence[str], intervals: Intervals | None
    ) -> None:
        """Refuse, ValueError, a gain from a muscle that is not there, and caution that is blind."""
        require_names("muscles", muscles)
        place = {muscle: index for index, muscle in enumerate(muscles)}
        for joint, weights in config.gain.items():
            require_known_muscles(f"the gain of {joint!r}", weights, muscles)
        if config.caution and intervals is None:
            raise ValueError(
                f"caution is {config.caution:g}, but the model does not tell how far off its "
                "effort may be: set it to 0, or use a model that has intervals"
            )
        self.muscles, self.intervals = tuple(muscles), intervals
        self._config = config
        self._gains = [
            [(place[muscle], gain) for muscle, gain in config.gain[joint].items()]
            for joint in config.joints
        ]
        moved_by = [{side_of(muscle) for muscle in config.gain[joint]} for joint in config.joints]
        self.of_side = {
            side: [k for k, sides in enumerate(moved_by) if side in sides] for side in SIDES
        }
        """Joints that some muscle of each hand moves."""

    def wanted(self, effort: Sequence[float]) -> list[float]:
        """Torque that smoothed effort asks for, within what a joint may bear."""
        limit = self._config.max_torque_nm
        idle = self._idle(effort)
        felt = [max(0.0, value - none) for value, none in zip(effort, idle, strict=True)]
        torques = (sum(felt[muscle] * gain for muscle, gain in row) for row in self._gains)
        return [min(max(torque, -limit), limit) for torque in torques]

    def _idle(self, effort: Sequence[float]) -> list[float]:
        """How much of each muscle's effort moves nothing: less is acted on where less is known."""
        deadband, caution = self._config.deadband, self._config.caution
        if not caution or self.intervals is None:
            return [deadband] * len(effort)
        half = self.intervals(np.array([effort], np.float32))[0].tolist()
        return [deadband + caution * wide for wide in half]
