"""What every source of MIDI looks like to the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

from kpm_ros.sense.connection import Device


class Received(NamedTuple):
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
    def read(self, now_ns: int) -> Sequence[Received]:
        """Everything that has come and is of no later than now, in order."""
