"""What every source of MIDI looks like to the rest."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, TypeVar

Device = TypeVar("Device", bound="MidiDevice")


class Received(NamedTuple):
    """Bytes from a piano, and the instant they are of, on the host's clock."""

    stamp_ns: int
    data: bytes


class MidiDevice:
    """A piano that can be connected and read; also a context manager.

    `connect` and `read` raise DeviceError when the piano cannot be had or is gone. `connect` may
    then be called again: it closes what is left of the last connection.
    """

    name: str
    """What it is, in words for the user."""
    lag_ns: int = 0
    """Bytes of this long ago may still be on their way."""

    def connect(self) -> None:
        """Open the device."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Close the device; a closed one stays closed."""
        raise NotImplementedError

    def read(self, now_ns: int) -> Sequence[Received]:
        """Everything that has come and is of no later than now, in order."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """Where the device stands, in words."""
        return "connected"

    def __enter__(self: Device) -> Device:
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
