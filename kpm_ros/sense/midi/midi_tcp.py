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

"""MIDI over TCP: bytes as on a cable, from a client that calls or a server that is called.

Other ends that speak it include `mido.sockets`. The bytes carry no time: they are stamped when they
are read.
"""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass

from kpm_ros.core.settings import CheckedSettings, setting
from kpm_ros.sense.connection import DeviceError, StillWaitingError
from kpm_ros.sense.midi.midi_device import MidiDevice, StampedBytes

MOST_BYTES = 4096
"""Bytes taken in one read: a flood is read in turns."""


@dataclass(frozen=True)
class TcpConfig(CheckedSettings):
    """The address of the other end, or the one at which to wait for it."""

    host: str = setting("127.0.0.1", "TCP: address to call, or to wait at (0.0.0.0 = everywhere)")
    port: int = setting(5004, "TCP: port to call, or to wait at", least=0, most=65535)
    connect_timeout_s: float = 0.5

    @property
    def address(self) -> str:
        """Host and port as one word."""
        return f"{self.host}:{self.port}"


class _TcpDevice(MidiDevice):
    """What client and server share: the connection over which bytes come."""

    def __init__(self, config: TcpConfig) -> None:
        self._config = config
        self._connection: socket.socket | None = None

    def disconnect(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def read(self, now_ns: int) -> list[StampedBytes]:
        """Bytes that have come since the last read."""
        if self._connection is None:
            raise DeviceError(f"{self.name} is not connected")
        try:
            data = self._connection.recv(MOST_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            raise DeviceError(f"{self.name} is gone: {error.strerror or error}") from None
        if not data:
            raise DeviceError(f"{self.name} has hung up")
        return [StampedBytes(now_ns, data)]

    def _take(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._connection = connection


class MidiTcpClient(_TcpDevice):
    """Calls a server that sends MIDI."""

    def __init__(self, config: TcpConfig) -> None:
        """Note the address; `connect` calls it."""
        super().__init__(config)
        self.name = f"the MIDI server at {config.address}"

    def connect(self) -> None:
        """Call the server."""
        self.disconnect()
        address = (self._config.host, self._config.port)
        try:
            self._take(socket.create_connection(address, self._config.connect_timeout_s))
        except OSError as error:
            reason = error.strerror or str(error)
            raise DeviceError(f"{self.name} does not answer: {reason}") from None


class MidiTcpServer(_TcpDevice):
    """Waits for one client that sends MIDI."""

    def __init__(self, config: TcpConfig) -> None:
        """Note the address; `connect` waits there. Port 0 takes a free one."""
        super().__init__(config)
        self.name = f"the MIDI client of {config.address}"
        self._listener: socket.socket | None = None

    @property
    def port(self) -> int:
        """Port at which it waits, 0 before the first `connect`."""
        return int(self._listener.getsockname()[1]) if self._listener else 0

    def connect(self) -> None:
        """Take the client that has called; if none has yet, it is a StillWaitingError."""
        super().disconnect()
        listener = self._listen()
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            raise StillWaitingError(
                f"nobody has called port {self.port} of {self._config.host} yet"
            ) from None
        except OSError as error:
            raise DeviceError(f"{self.name} was lost: {error.strerror or error}") from None
        self._take(connection)

    def disconnect(self) -> None:
        """Hang up, and wait for nobody any more."""
        super().disconnect()
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def _listen(self) -> socket.socket:
        if self._listener is None:
            try:
                self._listener = socket.create_server((self._config.host, self._config.port))
            except OSError as error:
                reason = error.strerror or str(error)
                raise DeviceError(
                    f"MIDI cannot be waited for at {self._config.address}: {reason}"
                ) from None
            self._listener.setblocking(False)
        return self._listener
