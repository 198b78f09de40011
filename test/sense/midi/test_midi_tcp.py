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

"""MIDI over TCP, spoken with mido's own sockets at the other end."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import mido
import mido.sockets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.sense.connection import DeviceError, StillWaitingError
from kpm_ros.sense.midi.midi_device import MidiDevice
from kpm_ros.sense.midi.midi_keys import MidiKeys, MidiKeysConfig
from kpm_ros.sense.midi.midi_tcp import MidiTcpClient, MidiTcpServer, TcpConfig
from kpm_ros.sense.samples import KeyEvent, KeyEventKind
from support.waiting import wait_for

ON, OFF = KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF
ALL_OFF, BEAT = KeyEventKind.ALL_NOTES_OFF, KeyEventKind.HEARTBEAT
IMPATIENT = MidiKeysConfig(retry_first_s=0.01, retry_longest_s=0.5)


class Player:
    """Reads keys until what is waited for has come."""

    def __init__(self, device: MidiDevice) -> None:
        self.keys = MidiKeys(device, IMPATIENT)
        self.events: list[KeyEvent] = []

    def poll(self) -> None:
        self.events += self.keys.poll(time.time_ns())

    def until_connected(self) -> None:
        wait_for(lambda: self.poll() or self.keys.connected, "a connection")

    def until(self, *expected: tuple[KeyEventKind, int]) -> None:
        def come() -> bool:
            self.poll()
            played = [(e.kind, e.note) for e in self.events if e.kind is not BEAT]
            return played[-len(expected) :] == list(expected)

        wait_for(come, f"{expected}")


@pytest.fixture
def server() -> Iterator[Player]:
    player = Player(MidiTcpServer(TcpConfig(port=0)))
    player.poll()
    yield player
    player.keys.close(time.time_ns())


@pytest.fixture
def port(server: Player) -> int:
    assert isinstance(server.keys.device, MidiTcpServer)
    return server.keys.device.port


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_what_mido_sends_to_the_server_is_played(server: Player, port: int) -> None:
    with mido.sockets.connect("127.0.0.1", port) as piano:
        piano.send(mido.Message("note_on", note=60, velocity=80))
        piano.send(mido.Message("note_off", note=60))
        server.until((ON, 60), (OFF, 60))


def test_a_client_hears_a_server_of_mido() -> None:
    number = free_port()
    player = Player(MidiTcpClient(TcpConfig(port=number)))
    with mido.sockets.PortServer("127.0.0.1", number) as piano:
        player.until_connected()
        line = piano.accept()
        line.send(mido.Message("note_on", note=61, velocity=80))
        player.until((ON, 61))
    player.keys.close(time.time_ns())


def test_running_status_and_garbage_on_the_line_do_no_harm(server: Player, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(bytes([7, 7, 0xF5, 0x90, 60, 64, 62, 64, 60, 0, 62, 0]))
        server.until((ON, 60), (ON, 62), (OFF, 60), (OFF, 62))
    assert server.keys.parser.garbage == 3


def test_a_client_that_hangs_up_leaves_no_note_hanging_and_may_call_again(
    server: Player, port: int
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(bytes([0x90, 60, 80]))
        server.until((ON, 60))
    server.until((OFF, 60), (ALL_OFF, 0))
    assert not server.keys.connected
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(bytes([0x90, 64, 80]))
        server.until((ON, 64))
    assert [event.index for event in server.events] == list(range(len(server.events)))


def test_half_a_message_is_not_continued_by_the_next_caller(server: Player, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(bytes([0x90, 50]))
        server.until_connected()
    server.until((ALL_OFF, 0))
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(bytes([64, 0x90, 60, 64]))
        server.until((ON, 60))
    assert (ON, 50) not in [(event.kind, event.note) for event in server.events]


def test_a_server_that_is_not_there_is_called_again_until_it_is() -> None:
    number = free_port()
    player = Player(MidiTcpClient(TcpConfig(port=number)))
    player.poll()
    assert "does not answer" in player.keys.problem
    assert player.events == []
    with socket.create_server(("127.0.0.1", number)) as listener:
        player.until_connected()
        line, _ = listener.accept()
        with line:
            line.sendall(bytes([0x90, 60, 64]))
            player.until((ON, 60))
    player.keys.close(time.time_ns())


def test_what_is_wrong_is_said_in_words(server: Player, port: int) -> None:
    with pytest.raises(StillWaitingError, match=f"nobody has called port {port}"):
        server.keys.device.connect()
    with pytest.raises(DeviceError, match=r"cannot be waited for.*in use"):
        MidiTcpServer(TcpConfig(port=port)).connect()
    with pytest.raises(DeviceError, match="does not answer"):
        MidiTcpClient(TcpConfig(host="no.such.host.invalid")).connect()


def test_a_device_is_closed_at_the_end_of_its_block() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
        with MidiTcpClient(TcpConfig(port=number)) as device:
            line, _ = listener.accept()
        with line:
            assert line.recv(1) == b""
        with pytest.raises(DeviceError, match="not connected"):
            device.read(0)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.binary(min_size=1, max_size=200), max_size=5))
def test_random_bytes_on_the_line_end_in_silence(parts: list[bytes]) -> None:
    player = Player(MidiTcpServer(TcpConfig(port=0)))
    player.poll()
    assert isinstance(player.keys.device, MidiTcpServer)
    with socket.create_connection(("127.0.0.1", player.keys.device.port)) as line:
        for part in parts:
            line.sendall(part)
            player.poll()
        player.until_connected()
    wait_for(lambda: player.poll() or not player.keys.connected, "the end of the connection")
    ons = sum(event.kind is ON for event in player.events)
    assert sum(event.kind is OFF for event in player.events) == ons
    assert player.events[-1].kind is ALL_OFF
    player.keys.close(time.time_ns())
