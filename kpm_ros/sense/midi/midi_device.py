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

"""What every source of MIDI looks like to the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from kpm_ros.sense.connection import Device


class StampedBytes(NamedTuple):
    """Bytes from a piano, and the instant they are of, on the host's clock."""

    stamp_ns: int
    data: bytes


class MidiDevice(Device):
    """A piano; `read`, too, raises DeviceError when it is gone."""

    lag_ns: int = 0
    """Bytes of this long ago may still be on their way."""

    @abstractmethod
    def connect(self) -> None:
        """Open the device."""

    @abstractmethod
    def read(self, now_ns: int) -> Sequence[StampedBytes]:
        """Everything that has come and is of no later than now, in order."""
