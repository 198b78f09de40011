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

"""A whole room of simulated devices that deliver their samples in real time."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from kpm_ros.simulate.cameras import SimulatedCamera
from kpm_ros.simulate.drivers import (
    VIEW,
    Delivery,
    Device,
    Emg,
    Events,
    Motion,
    Sample,
    View,
    whole_ns,
)
from kpm_ros.simulate.electrodes import Electrodes
from kpm_ros.simulate.knock import Knock
from kpm_ros.simulate.pianist import Performer
from kpm_ros.simulate.tracked_view import TrackedView, TrackerErrors


class DeviceSession:
    """What some devices deliver, in the order in which they deliver it.

    Each device works ahead by one block of at most a second, so memory does not grow with time.
    """

    def __init__(self, devices: Sequence[Device], start_ns: int) -> None:
        """Begin at `start_ns` on the host's clock."""
        self._start_ns = start_ns
        self._devices = devices
        self._next_block = [0] * len(devices)
        self._waiting: list[tuple[int, int, int, Sample]] = []
        self._count = 0

    def advance(self, until_ns: int) -> list[Delivery]:
        """Everything delivered since the last call, up to and including this instant."""
        for number, device in enumerate(self._devices):
            while self._block_ns(number) <= until_ns:
                for delivery in device.deliveries(self._next_block[number]):
                    self._count += 1
                    entry = (delivery.deliver_ns, number, self._count, delivery.sample)
                    heapq.heappush(self._waiting, entry)
                self._next_block[number] += 1
        due = []
        while self._waiting and self._waiting[0][0] <= until_ns:
            deliver_ns, _, _, sample = heapq.heappop(self._waiting)
            due.append(Delivery(deliver_ns, sample))
        return due

    def _block_ns(self, number: int) -> int:
        """Instant before which a device's next block delivers nothing."""
        start_s = self._devices[number].block_start_s(self._next_block[number])
        return self._start_ns + whole_ns(start_s)


class SimulatedSession(DeviceSession):
    """Everything the devices of one performance deliver, in the order in which they deliver it.

    The samples follow from the seed alone, however `advance` is split into calls. Each device works
    ahead by one block of at most half a second, so memory does not grow with the performance.

    >>> from collections import Counter
    >>> from kpm_ros.simulate.bodies import make_pianist
    >>> from kpm_ros.simulate.cameras import default_cameras
    >>> from kpm_ros.simulate.example_scores import five_finger_study
    >>> pianist = make_pianist(five_finger_study(), seed=1, body="plain")
    >>> session = SimulatedSession(pianist, default_cameras(), start_ns=0, seed=1, emg=False)
    >>> delivered = session.advance(1_000_000_000)  # all that drivers deliver within a second
    >>> sorted(Counter(type(delivery.sample).__name__ for delivery in delivered))
    ['KeyEvent', 'KeyMotionChunk', 'LandmarkFrame']
    """

    def __init__(
        self,
        pianist: Performer,
        cameras: Sequence[SimulatedCamera],
        start_ns: int,
        seed: int = 0,
        *,
        emg: bool = True,
        key_motion: bool = True,
        errors: TrackerErrors | Sequence[TrackerErrors] | None = None,
        dead_channels: Sequence[str] = (),
    ) -> None:
        """Begin the performance at `start_ns` on the host's clock."""
        self._views = tracked_views(pianist, cameras, seed, errors)
        devices: list[Device] = [View(view, start_ns) for view in self._views]
        devices.append(Events(pianist, seed, start_ns))
        if key_motion:
            devices.append(Motion(pianist, seed, start_ns))
        if emg:
            devices.append(Emg(Electrodes(pianist, seed, dead=dead_channels), seed, start_ns))
        super().__init__(devices, start_ns)

    def knock(self, knock: Knock | None) -> None:
        """Let a camera be knocked, or all stand where they did; what was worked ahead stays."""
        for view in self._views:
            hit = knock is not None and knock.view == view.camera.name
            view.knock = knock if hit else None


def tracked_views(
    pianist: Performer,
    cameras: Sequence[SimulatedCamera],
    seed: int,
    errors: TrackerErrors | Sequence[TrackerErrors] | None = None,
) -> list[TrackedView]:
    """Put a hand tracker behind each camera; they are alike, or each as its own errors say.

    Of two hands in sight each has a view, with frames of the same instants.
    """
    names = [camera.name for camera in cameras]
    if len(set(names)) != len(names):
        raise ValueError(f"each camera needs a name of its own, not {', '.join(names)}")
    if errors is None or isinstance(errors, TrackerErrors):
        errors = [errors or TrackerErrors()] * len(cameras)
    return [
        TrackedView(
            camera,
            hand,
            seed,
            VIEW + 16 * number,
            errors=own,
            side=side,
            second=place > 0,
        )
        for number, (camera, own) in enumerate(zip(cameras, errors, strict=True))
        for place, (side, hand) in enumerate(pianist.hands.items())
    ]
