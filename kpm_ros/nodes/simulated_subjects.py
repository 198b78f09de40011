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

"""Who is simulated, as a simulator's settings ask for it: what they deliver and what is true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.core.subjects import find_subject
from kpm_ros.nodes.simulated_exerciser import BeforeTheCamera
from kpm_ros.nodes.simulated_pianist import AtThePiano
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.simulate.drivers import Delivery
from kpm_ros.simulate.prompted import Prompted


class Truth(Protocol):
    """What the simulated muscles do at any time since the performance began."""

    @property
    def muscles(self) -> Sequence[str]:
        """Their names."""
        ...

    def activation(self, times_s: NDArray[np.float64]) -> NDArray[np.floating]:
        """Give the effort of each: (n, muscles), 0 to 1."""
        ...


class Session(Protocol):
    """What the devices of one performance deliver."""

    def advance(self, until_ns: int) -> list[Delivery]:
        """Everything delivered since the last call, up to and including this instant."""
        ...


class SimulatedSubject(Protocol):
    """Somebody who performs, over and over, and the devices around."""

    @property
    def performer(self) -> Truth:
        """Who performs."""
        ...

    @property
    def prompted(self) -> Prompted | None:
        """The same, if a session's prompts are obeyed."""
        ...

    def begin(self, start_ns: int) -> Session:
        """Begin a performance."""
        ...

    def reconfigure(self, settings: SimulatorSettings) -> None:
        """Take over what may change during a performance."""
        ...


SIMULATED: Mapping[str, Callable[[SimulatorSettings], SimulatedSubject]] = {
    "pianist": AtThePiano,
    "exerciser": BeforeTheCamera,
}
"""Who can be simulated, as subjects name them."""


def simulated_subject(settings: SimulatorSettings) -> SimulatedSubject:
    """Make who is simulated; whoever wants to know what their muscles did makes the same again."""
    who = find_subject(settings.subject).simulated
    if who not in SIMULATED:
        raise ConfigurationError(
            f"simulator: there is no simulated {who}: there is {' or '.join(SIMULATED)}"
        )
    return SIMULATED[who](settings)
