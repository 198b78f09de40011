"""What devices that come and go have in common: how they fail, and when they are tried again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Any, TypeVar

NS_PER_S = 1_000_000_000

AnyDevice = TypeVar("AnyDevice", bound="Device")


class DeviceError(Exception):
    """A device that cannot be used now, said in a sentence for the user."""


class StillWaitingError(DeviceError):
    """A device that nothing is wrong with: the other end has yet to come."""


class Device(ABC):
    """Something that can be connected; also a context manager.

    `connect` raises DeviceError when the device cannot be had. It may then be called again: it
    closes what is left of the last connection.
    """

    name: str
    """What it is, in words for the user."""

    @abstractmethod
    def connect(self) -> Any:
        """Open the device."""

    @abstractmethod
    def disconnect(self) -> None:
        """Close the device; a closed one stays closed."""

    @property
    def state(self) -> str:
        """Where the device stands, in words."""
        return "connected"

    def __enter__(self: AnyDevice) -> AnyDevice:
        """Connect."""
        self.connect()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect."""
        self.disconnect()


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
