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

"""What every source of EMG looks like to the rest."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.foreign_files import printable
from kpm_ros.sense.connection import Device


@dataclass(frozen=True, slots=True)
class EmgFormat:
    """What an amplifier says of its samples."""

    channels: tuple[str, ...]
    unit: str
    rate_hz: float
    """Samples per second as stated; the true rate is measured."""


@dataclass(frozen=True, slots=True)
class EmgBlock:
    """Samples as they came from an amplifier, oldest first."""

    samples: NDArray[np.float32]
    """(samples, channels)"""
    stamps_ns: NDArray[np.int64]
    """What the device, or its driver, gave as each sample's time, on the host's clock."""
    counter: NDArray[np.int64] | None = None
    """The amplifier's own number of each sample, where it has one; it may wrap around."""


class EmgDevice(Device):
    """An amplifier; `read`, too, raises DeviceError when it is gone."""

    falls_silent: bool = False
    """Whether silence is no fault."""

    @abstractmethod
    def connect(self) -> EmgFormat:
        """Open the device, and learn what it sends."""

    @abstractmethod
    def read(self, now_ns: int) -> EmgBlock | None:
        """Everything that has come since the last read, None if nothing has."""


def name_channels(given: tuple[str, ...], count: int, device: str) -> tuple[str, ...]:
    """Take the names that the user gave, or number the channels; a wrong count is a ValueError."""
    if not given:
        return tuple(f"emg{number + 1}" for number in range(count))
    if len(given) != count:
        raise ValueError(f"{device} has {count} channels, but {len(given)} names were given")
    return tuple(map(printable, given))
