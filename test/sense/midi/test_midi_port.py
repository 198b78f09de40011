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

"""A piano at a MIDI port: found by name, dated by its driver, missed when it is unplugged."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from kpm_ros.sense.connection import NS_PER_S, DeviceError
from kpm_ros.sense.midi import midi_port
from kpm_ros.sense.midi.midi_keys import MidiKeys, MidiKeysConfig
from kpm_ros.sense.midi.midi_port import MidiPort, PortConfig, choose_port, port_names
from kpm_ros.sense.samples import KeyEventKind
from support.waiting import wait_for

START_NS = 1_700_000_000 * NS_PER_S
THROUGH, PIANO = "Midi Through:Midi Through Port-0 14:0", "Digital Piano:MIDI 1 24:0"
ON, OFF = KeyEventKind.NOTE_ON, KeyEventKind.NOTE_OFF
ALL_OFF, BEAT = KeyEventKind.ALL_NOTES_OFF, KeyEventKind.HEARTBEAT


class Machine:
    """A driver with the calls of python-rtmidi, whose pianos the test plugs, plays and unplugs."""

    def __init__(self, *ports: str) -> None:
        self.ports = list(ports)
        self.broken = False
        self.opened: list[str] = []
        self.listener: Callable[[tuple[Sequence[int], float], Any], None] | None = None

    def MidiIn(self, name: str) -> Machine:  # noqa: N802 -- as in python-rtmidi
        if self.broken:
            raise SystemError("MidiInAlsa::initialize: error creating\nALSA sequencer client.")
        return self

    def get_ports(self) -> list[str]:
        return self.ports

    def open_port(self, number: int, name: str) -> None:
        self.opened.append(self.ports[number])

    def open_virtual_port(self, name: str) -> None:
        self.opened.append(name)

    def ignore_types(self, sysex: bool, timing: bool, active_sense: bool) -> None:
        assert not active_sense

    def set_callback(self, listener: Callable[..., None]) -> None:
        self.listener = listener

    def cancel_callback(self) -> None:
        self.listener = None

    def close_port(self) -> None:
        self.opened.pop()

    def delete(self) -> None:
        pass

    def send(self, since_s: float, *data: int) -> None:
        assert self.listener is not None
        self.listener((data, since_s), None)


def test_a_port_is_found_by_a_part_or_a_pattern_of_its_name() -> None:
    names = [THROUGH, PIANO, "Arturia KeyStep 32:0"]
    assert choose_port(names, "") == 1
    assert choose_port(names, "keystep") == 2
    assert choose_port(names, "digital*1*") == 1
    assert choose_port(names, "through") == 0
    assert choose_port(names, "organ") is None
    assert choose_port([THROUGH], "") is None


def test_a_port_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(DeviceError, match=r"'organ' is not there; the ports are: .*Digital Piano"):
        MidiPort(PortConfig("organ"), Machine(THROUGH, PIANO)).connect()


def test_the_drivers_time_is_the_stamp_and_not_the_time_of_the_call() -> None:
    machine = Machine(PIANO)
    now = [START_NS]
    port = MidiPort(PortConfig("piano"), machine, clock_ns=lambda: now[0])
    port.connect()
    delays_ms = [1, 0, 4, 0, 25, 2, 0, 60, 0, 3]
    stamps = []
    for number, delay_ms in enumerate(delays_ms):
        now[0] = START_NS + number * NS_PER_S // 4 + delay_ms * 1_000_000
        machine.send(0.25 if number else 0.0, 0x90, 60 + number, 64)
        stamps += [received.stamp_ns for received in port.read(now[0])]
    errors_ms = [(s - START_NS) / 1e6 - 250 * n for n, s in enumerate(stamps)]
    assert max(abs(error) for error in errors_ms) <= 1.0
    assert max(abs(error) for error in errors_ms[1:]) < 0.01


def test_an_hour_of_playing_does_not_drift() -> None:
    machine = Machine(PIANO)
    now = [START_NS]
    port = MidiPort(PortConfig(), machine, clock_ns=lambda: now[0])
    port.connect()
    for _ in range(7200):
        now[0] += round(0.5 * NS_PER_S * (1 + 60e-6))
        machine.send(0.5, 0x90, 60, 64)
        (received,) = port.read(now[0])
    assert abs(received.stamp_ns - now[0]) < 500_000


def test_an_unplugged_piano_is_noticed_released_and_found_again() -> None:
    machine = Machine(THROUGH, PIANO)
    keys = MidiKeys(MidiPort(PortConfig("piano"), machine, clock_ns=lambda: START_NS))
    events = keys.poll(START_NS)
    assert [event.kind for event in events] == [BEAT]
    machine.send(0.0, 0x90, 60, 64)
    machine.ports = [THROUGH]
    for tenth in range(1, 25):
        events += keys.poll(START_NS + tenth * NS_PER_S // 10)
    played = [(e.kind, e.note) for e in events if e.kind is not BEAT]
    assert played == [(ON, 60), (OFF, 60), (ALL_OFF, 0)]
    assert "not there" in keys.problem
    assert events[-1].kind is ALL_OFF, "no heartbeat while the piano is gone"

    machine.ports = [THROUGH, "Digital Piano:MIDI 1 28:0"]
    events = keys.poll(START_NS + 10 * NS_PER_S)
    assert keys.connected
    assert [event.kind for event in events] == [BEAT]
    keys.close(START_NS + 11 * NS_PER_S)
    assert machine.opened == []


def test_a_piano_that_sensed_actively_and_falls_silent_is_gone() -> None:
    machine = Machine(PIANO)
    keys = MidiKeys(
        MidiPort(PortConfig(), machine, clock_ns=lambda: START_NS),
        MidiKeysConfig(sensing_timeout_s=1.0),
    )
    keys.poll(START_NS)
    machine.send(0.0, 0x90, 60, 64)
    machine.send(0.1, 0xFE)
    events = keys.poll(START_NS)
    for tenth in range(12):
        events += keys.poll(START_NS + tenth * NS_PER_S // 10)
    assert [e.kind for e in events if e.kind is not BEAT] == [ON, OFF, ALL_OFF]
    assert "fallen silent" in keys.problem
    # It is not vouched for any more once it would have told if it was there.
    assert max(e.stamp_ns for e in events if e.kind is BEAT) < START_NS + 0.33 * NS_PER_S


def test_a_virtual_port_has_the_name_it_is_given() -> None:
    machine = Machine()
    port = MidiPort(PortConfig("exercise", virtual=True), machine)
    port.connect()
    assert machine.opened == ["exercise"]
    assert port.read(START_NS) == []
    assert port.read(START_NS + 10 * NS_PER_S) == []


def test_a_driver_that_fails_is_quoted_on_one_line_and_tried_again() -> None:
    machine = Machine(PIANO)
    machine.broken = True
    keys = MidiKeys(MidiPort(PortConfig(), machine))
    assert keys.poll(START_NS) == []
    assert "error creating ALSA sequencer client" in keys.problem
    assert "\n" not in keys.problem
    machine.broken = False
    keys.poll(START_NS + NS_PER_S)
    assert keys.connected


def test_without_a_sequencer_the_remedy_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    monkeypatch.setattr(midi_port.sys, "platform", "linux")
    with pytest.raises(DeviceError, match="modprobe snd-seq"):
        midi_port._check_sequencer(tmp_path / "seq")
    monkeypatch.setattr(midi_port.os, "access", lambda *_: False)
    with pytest.raises(DeviceError, match="group 'audio'"):
        midi_port._check_sequencer(tmp_path)


def test_a_real_sequencer_carries_notes_to_a_virtual_port() -> None:
    rtmidi = pytest.importorskip("rtmidi", reason="python-rtmidi is not installed")
    try:
        port_names()
    except DeviceError as error:
        pytest.skip(f"no real MIDI port was tried: {error}")
    name = f"kpm test {time.time_ns()}"
    keys = MidiKeys(MidiPort(PortConfig(name, virtual=True)))
    keys.poll(time.time_ns())
    sender = rtmidi.MidiOut()
    number = choose_port(sender.get_ports(), name)
    assert number is not None
    sender.open_port(number)
    try:
        sender.send_message([0x90, 60, 64])
        events: list[Any] = []
        wait_for(
            lambda: events.extend(keys.poll(time.time_ns())) or any(e.kind is ON for e in events),
            "a note through the real sequencer",
        )
    finally:
        sender.close_port()
        sender.delete()
        keys.close(time.time_ns())
