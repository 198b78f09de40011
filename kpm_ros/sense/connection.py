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

"""What devices that come and go have in common: how they fail, and when they are tried again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

NS_PER_S = 1_000_000_000

AnyConnectable = TypeVar("AnyConnectable", bound="Connectable")
AnyDevice = TypeVar("AnyDevice", bound="Device")


class DeviceError(Exception):
    """A device that cannot be used now, said in a sentence for the user."""


class StillWaitingError(DeviceError):
    """A device that nothing is wrong with: the other end has yet to come."""


class Connectable(ABC):
    """Something that can be connected; also a context manager."""

    @abstractmethod
    def connect(self) -> Any:
        """Open the device."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the device; a closed one stays closed."""

    def __enter__(self: AnyConnectable) -> AnyConnectable:
        """Connect."""
        self.connect()
        return self

    def __exit__(self, *error: object) -> None:
        """Disconnect."""
        self.disconnect()


class Device(Connectable):
    """One device.

    `connect` raises DeviceError when the device cannot be had. It may then be called again: it
    closes what is left of the last connection.
    """

    name: str
    """What it is, in words for the user."""

    @property
    def state(self) -> str:
        """Where the device stands, in words."""
        return "connected"


class Backoff:
    """Says when to try again: at once, then after pauses that double up to a longest one."""

    def __init__(self, first_s: float = 0.5, longest_s: float = 8.0) -> None:
        """Begin with the first try allowed at once."""
        if not 0 < first_s <= longest_s:
            raise ValueError(f"pauses must grow from above 0, not from {first_s} to {longest_s} s")
        self._first_ns = round(first_s * NS_PER_S)
        self._longest_ns = round(longest_s * NS_PER_S)
        self.succeeded()

    def succeeded(self) -> None:
        """Forget past failures."""
        self.failures = 0
        self._failed_ns: int | None = None

    def failed(self, now_ns: int) -> None:
        """Note a failure: the next pause begins now."""
        self.failures += 1
        self._failed_ns = now_ns

    def due(self, now_ns: int) -> bool:
        """Whether it is time to try; a clock that was set back makes it so at once."""
        if self._failed_ns is None:
            return True
        pause_ns = min(self._first_ns << min(self.failures - 1, 30), self._longest_ns)
        return not 0 <= now_ns - self._failed_ns < pause_ns


class Reconnecting(ABC, Generic[AnyDevice]):
    """Keeps a device connected: when it is gone, says why, and tries again when it is time to."""

    def __init__(self, device: AnyDevice, first_s: float, longest_s: float) -> None:
        """Take charge of a device that is yet to be connected; pauses are those of a `Backoff`."""
        self.device = device
        self.problem = "not connected yet"
        """What is wrong, in a sentence; empty while connected."""
        self._backoff = Backoff(first_s, longest_s)

    @property
    def connected(self) -> bool:
        """Whether the device is there."""
        return not self.problem

    def _connect(self, now_ns: int) -> bool:
        """Whether the device is there, if need be after a try."""
        if self.connected or not self._backoff.due(now_ns):
            return self.connected
        try:
            described = self.device.connect()
        except StillWaitingError as error:
            self.problem = str(error)
            return False
        except DeviceError as error:
            self._disconnected(now_ns, str(error))
            return False
        self.problem = ""
        self._backoff.succeeded()
        self._begin(described)
        return True

    @abstractmethod
    def _begin(self, described: Any) -> None:
        """Begin anew with a device that was just connected, as its `connect` describes it."""

    def _disconnected(self, now_ns: int, problem: str) -> None:
        """Do without the device until it is time to try again."""
        self.problem = problem
        self._backoff.failed(now_ns)
