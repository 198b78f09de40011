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

"""A simulated exerciser before a camera, live: the samples that tracker and electrodes deliver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kpm_ros.models.mia.published import MUSCLES
from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.drivers import VIEW, Device, Emg, View
from kpm_ros.simulate.electrodes import Electrodes
from kpm_ros.simulate.exerciser.body_view import BodyTrackerErrors, TrackedBody
from kpm_ros.simulate.exerciser.exercise_performance import RATE_HZ, Performance, lead
from kpm_ros.simulate.exerciser.exercising_person import SURFACE_MUSCLES, ExercisingPerson
from kpm_ros.simulate.exerciser.figure import Figure
from kpm_ros.simulate.exerciser.routine import EACH_S, USUAL, routine
from kpm_ros.simulate.exerciser.take import exertion_of, sampled
from kpm_ros.simulate.learnt_cache import LearntCache
from kpm_ros.simulate.prompted import Performing
from kpm_ros.simulate.session import DeviceSession

Array = NDArray[np.float64]


class SimulatedExerciser:
    """Someone who goes through a routine for ever; times are seconds since it began."""

    muscles = MUSCLES

    def __init__(
        self,
        seed: int = 0,
        person: ExercisingPerson | None = None,
        exercises: Sequence[str] = USUAL,
        each_s: float = EACH_S,
        remembered: Path | None = None,
    ) -> None:
        """Work the routine out, or find it in the folder `remembered`."""
        self.person = person or ExercisingPerson.from_seed(seed)
        cache = LearntCache(remembered, seed, self.person, tuple(exercises), each_s)
        learnt = cache.load("points", "activation")
        if learnt is None:
            learnt = self._learn(seed, exercises, each_s)
            cache.save(points=learnt[0], activation=learnt[1])
        self._points, self._activation = learnt
        self.period_s = len(self._points) / RATE_HZ

    def landmarks(self, times_s: Array) -> Array:
        """Points of the body in the world: (n, points, 3), metres."""
        return sampled(self._points, self._place(times_s), endless=True)

    def activation(self, times_s: Array) -> Array:
        """What electrodes would see of each muscle in `muscles`, without noise: (n, muscles)."""
        return sampled(self._activation, self._place(times_s), endless=True)

    def _place(self, times_s: Array) -> Array:
        times_s = np.asarray(times_s, dtype=np.float64)
        return np.asarray((times_s - np.floor(times_s / self.period_s) * self.period_s) * RATE_HZ)

    def _learn(self, seed: int, exercises: Sequence[str], each_s: float) -> tuple[Array, Array]:
        figure = Figure(self.person)
        timeline = routine(exercises, self.person, seed, RATE_HZ, each_s)
        q, contacts = lead(figure, timeline)
        performance = Performance("routine", RATE_HZ, q, contacts, timeline.repetitions)
        columns = [SURFACE_MUSCLES.index(muscle) for muscle in MUSCLES]
        activation = sampled(
            exertion_of(figure, performance).surface[:, columns], np.arange(len(q), dtype=float)
        )
        return figure.points(q), activation


class SimulatedBodySession(DeviceSession):
    """What a camera's tracker and electrodes deliver of an exerciser, in order.

    The samples follow from the seed alone, however `advance` is split into calls.
    """

    def __init__(
        self,
        exerciser: Performing,
        camera: SimulatedCamera,
        start_ns: int,
        seed: int = 0,
        *,
        emg: bool = True,
        errors: BodyTrackerErrors | None = None,
        dead_channels: Sequence[str] = (),
    ) -> None:
        """Begin at `start_ns` on the host's clock."""
        view = TrackedBody(camera, exerciser, seed, VIEW, errors=errors)
        devices: list[Device] = [View(view, start_ns)]
        if emg:
            gains = exerciser.person.emg_gain_uv
            # What is seen of neighbouring muscles is in the activation already.
            electrodes = Electrodes(
                exerciser,
                seed,
                gain_uv=[gains[SURFACE_MUSCLES.index(muscle)] for muscle in exerciser.muscles],
                crosstalk=0.0,
                dead=dead_channels,
            )
            devices.append(Emg(electrodes, seed, start_ns))
        super().__init__(devices, start_ns)


def dropping(fraction: float) -> BodyTrackerErrors:
    """Give the usual errors, but with another fraction of frames in which nobody is found."""
    usual = BodyTrackerErrors()
    return replace(usual, usual=replace(usual.usual, drop_fraction=fraction))
