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

"""The simulated pianist that a simulator's settings ask for."""

from __future__ import annotations

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.sides import BOTH
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.sense.midi.score import read_midi, read_voices
from kpm_ros.simulate.bodies import make_performer
from kpm_ros.simulate.cameras import SimulatedCamera, default_cameras
from kpm_ros.simulate.knock import Knock
from kpm_ros.simulate.learnt_cache import user_folder
from kpm_ros.simulate.left_hand import study_of
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.prompted import PromptedPianist
from kpm_ros.simulate.session import SimulatedSession
from kpm_ros.simulate.tracked_view import TrackerErrors


def pianist(settings: SimulatorSettings) -> Performer:
    """Make the one that plays; whoever wants to know what its muscles did makes the same again."""
    try:
        hand = settings.hand
        score = read_midi(settings.score) if settings.score else study_of(hand)
        voices = read_voices(settings.score) if settings.score and hand == BOTH else ()
        person, body = Person.from_seed(settings.seed), settings.body
        return make_performer(score, settings.seed, person, body, user_folder(), hand, voices)
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"simulator: {error}") from None


class AtThePiano:
    """The pianist, with cameras, piano and amplifier."""

    def __init__(self, settings: SimulatorSettings) -> None:
        """Read the score and set the pianist at the piano."""
        self._settings = settings
        self._cameras = _cameras(settings)
        plays = pianist(settings)
        self.prompted = PromptedPianist(plays) if settings.prompted else None
        self.performer: Performer = self.prompted or plays
        self._knock = _knock(settings)
        self._session: SimulatedSession | None = None

    def begin(self, start_ns: int) -> SimulatedSession:
        """Begin to play."""
        settings = self._settings
        if self.prompted:
            self.prompted.restart()
        self._session = SimulatedSession(
            self.performer,
            self._cameras,
            start_ns,
            seed=settings.seed,
            emg=settings.emg,
            key_motion=settings.key_motion,
            errors=TrackerErrors(drop_fraction=settings.dropout),
            dead_channels=settings.dead_channels,
        )
        self._session.knock(self._knock)
        return self._session

    def reconfigure(self, settings: SimulatorSettings) -> None:
        """Knock a camera, or let it stand where it did, while the pianist plays on."""
        self._knock = _knock(settings)
        if self._session is not None:
            self._session.knock(self._knock)


def _knock(settings: SimulatorSettings) -> Knock | None:
    try:
        knock = Knock.read(settings.knock)
    except ValueError as error:
        raise ConfigurationError(f"simulator: {error}") from None
    if knock is not None and knock.view not in settings.views:
        raise ConfigurationError(
            f"simulator: knock is {settings.knock!r}, but the views are {', '.join(settings.views)}"
        )
    return knock


def _cameras(settings: SimulatorSettings) -> list[SimulatedCamera]:
    known = {camera.name: camera for camera in default_cameras()}
    for view in settings.views:
        if view not in known:
            raise ConfigurationError(
                f"simulator: there is no camera view {view!r}; the simulated ones are "
                f"{', '.join(known)}"
            )
    return [known[view] for view in settings.views]
