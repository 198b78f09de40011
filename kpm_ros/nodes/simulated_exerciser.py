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

"""The simulated exerciser that a simulator's settings ask for."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.simulate.bodies import ANATOMY
from kpm_ros.simulate.learnt_cache import user_folder

if TYPE_CHECKING:
    from kpm_ros.simulate.exerciser.body_session import SimulatedBodySession
    from kpm_ros.simulate.prompted import Performing


class BeforeTheCamera:
    """An exerciser before one camera, with electrodes on."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Work the routine out, or find it where it was kept."""
        if len(settings.views) != 1:
            raise ConfigurationError(
                f"simulator: views are {', '.join(settings.views)}, but the simulated exerciser "
                "has one camera"
            )
        if any(find_spec(package) is None for package in ANATOMY):
            raise ConfigurationError(
                f"simulator: the simulated exerciser needs {' and '.join(ANATOMY)}: install "
                "kpm_ros[simulate]"
            )
        from kpm_ros.simulate.exerciser.body_camera import usual_camera
        from kpm_ros.simulate.exerciser.body_session import SimulatedExerciser
        from kpm_ros.simulate.exerciser.routine import USUAL
        from kpm_ros.simulate.prompted import Prompted

        self._settings = settings
        self._camera = replace(usual_camera(), name=settings.views[0])
        try:
            exerciser = SimulatedExerciser(
                settings.seed,
                exercises=settings.exercises or USUAL,
                remembered=user_folder("exercisers"),
            )
        except ValueError as error:
            raise ConfigurationError(f"simulator: {error}") from None
        self.prompted = Prompted(exerciser) if settings.prompted else None
        self.performer: Performing = self.prompted or exerciser

    def reconfigure(self, settings: SimulatorSettings) -> None:
        """Nothing about an exerciser changes during a routine."""

    def begin(self, start_ns: int) -> SimulatedBodySession:
        """Begin the routine."""
        from kpm_ros.simulate.exerciser.body_session import SimulatedBodySession, dropping

        settings = self._settings
        if self.prompted:
            self.prompted.restart()
        return SimulatedBodySession(
            self.performer,
            self._camera,
            start_ns,
            settings.seed,
            emg=settings.emg,
            errors=dropping(settings.dropout),
            dead_channels=settings.dead_channels,
        )
