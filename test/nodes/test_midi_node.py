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

"""The MIDI node over real DDS: a file that plays, a piano that comes and goes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mido
import pytest
from kpm_ros.msg import KeyEvent
from rclpy.parameter import Parameter

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes import qos
from kpm_ros.nodes.diagnostics import Level
from kpm_ros.nodes.midi_node import MidiNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.sense.connection import DeviceError
from kpm_ros.sense.midi.midi_port import port_names
from support.waiting import wait_for


class Keys:
    """A running MIDI node, and what it has published."""

    def __init__(self, tester: Any, node: MidiNode) -> None:
        self.node = node
        topic = f"{node.get_namespace()}/keys/events"
        self._inbox = PolledSubscription(tester, KeyEvent, topic, qos.of("keys/events"))
        self.events: list[KeyEvent] = []
        wait_for(lambda: self._inbox.publishers, "the node's topic")
        wait_for(lambda: node.count_subscribers(topic), "the node to see its listener")

    def receive(self) -> list[KeyEvent]:
        self.events += [message for message, _ in self._inbox.take()]
        return [event for event in self.events if event.kind != KeyEvent.HEARTBEAT]

    def until(self, *expected: tuple[int, int]) -> None:
        def come() -> bool:
            return [(e.kind, e.note) for e in self.receive()][-len(expected) :] == list(expected)

        wait_for(come, f"{expected}")


@pytest.fixture
def start(make_node: Callable[..., Any], node: Any) -> Callable[..., Keys]:
    """Start a MIDI node with these parameters."""

    def start_one(**parameters: Any) -> Keys:
        midi = make_node(MidiNode, **parameters)
        keys = Keys(node, midi)
        midi.start()
        return keys

    return start_one


def write(path: Path, *messages: mido.Message) -> str:
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(mido.MidiTrack(messages))
    midi.save(str(path))
    return str(path)


def test_a_file_is_played_in_real_time(start: Callable[..., Keys], tmp_path: Path) -> None:
    played = [(60, 0), (64, 96), (67, 48), (72, 0)]
    messages = [m for note, wait in played for m in _note(note, wait)]
    keys = start(source="file", file=write(tmp_path / "short.mid", *messages))
    keys.until((KeyEvent.ALL_NOTES_OFF, 0))
    events = keys.receive()
    on = [event for event in events if event.kind == KeyEvent.NOTE_ON]
    assert [event.note for event in on] == [note for note, _ in played]
    assert [e.note for e in events if e.kind == KeyEvent.NOTE_OFF] == [n for n, _ in played]
    onsets_ms = [
        (e.header.stamp.sec - on[0].header.stamp.sec) * 1000
        + (e.header.stamp.nanosec - on[0].header.stamp.nanosec) / 1e6
        for e in on
    ]
    # 48 ticks for each note and what comes before it, 960 ticks to the second.
    assert onsets_ms == pytest.approx([0, 150, 250, 300], abs=0.001)
    assert [event.index for event in keys.events] == list(
        range(keys.events[0].index, keys.events[0].index + len(keys.events))
    )
    report = keys.node.report()
    assert (report.level, report.values["notes"]) == (Level.READY, 4)


def _note(note: int, wait: int) -> list[mido.Message]:
    return [
        mido.Message("note_on", note=note, velocity=80, time=wait),
        mido.Message("note_off", note=note, time=48),
    ]


def test_a_piano_over_tcp_may_go_and_come_back(start: Callable[..., Keys]) -> None:
    keys = start(source="tcp_server", tcp_port=0)
    device: Any = keys.node.keys.device
    wait_for(lambda: device.port, "the server to listen")
    wait_for(lambda: "nobody has called" in keys.node.report().message, "the server to say so")
    assert keys.node.report().level == Level.ERROR
    for note in (60, 64):
        with socket.create_connection(("127.0.0.1", device.port)) as line:
            line.sendall(bytes([0x90, note, 80]))
            keys.until((KeyEvent.NOTE_ON, note))
            assert keys.node.report().level == Level.READY
        keys.until((KeyEvent.NOTE_OFF, note), (KeyEvent.ALL_NOTES_OFF, 0))


def test_heartbeats_come_only_while_the_piano_is_there(start: Callable[..., Keys]) -> None:
    keys = start(source="tcp_server", tcp_port=0)
    device: Any = keys.node.keys.device
    wait_for(lambda: device.port, "the server to listen")
    keys.receive()
    assert keys.events == []
    with socket.create_connection(("127.0.0.1", device.port)):
        wait_for(lambda: keys.receive() or len(keys.events) > 3, "heartbeats")
    keys.until((KeyEvent.ALL_NOTES_OFF, 0))
    assert keys.events[-1].kind == KeyEvent.ALL_NOTES_OFF


def test_a_node_that_stops_lets_go_of_every_note(start: Callable[..., Keys]) -> None:
    keys = start(source="tcp_server", tcp_port=0)
    device: Any = keys.node.keys.device
    wait_for(lambda: device.port, "the server to listen")
    with socket.create_connection(("127.0.0.1", device.port)) as line:
        line.sendall(bytes([0x90, 60, 80]))
        keys.until((KeyEvent.NOTE_ON, 60))
        keys.node.stop()
        keys.until((KeyEvent.NOTE_OFF, 60), (KeyEvent.ALL_NOTES_OFF, 0))


def test_a_port_that_cannot_be_had_is_said_in_words_and_the_node_goes_on(
    start: Callable[..., Keys],
) -> None:
    keys = start(source="port", port=f"no such piano {time.time_ns()}")
    wait_for(lambda: keys.node.keys.problem != "not connected yet", "the first attempt")
    report = keys.node.report()
    assert report.level == Level.ERROR
    assert report.message == (_why_no_ports() or report.message)
    assert "\n" not in report.message
    assert not keys.node.failed


def _why_no_ports() -> str:
    try:
        port_names()
    except DeviceError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"source": "file"}, "file is empty"),
        ({"source": "file", "file": "/no/such.mid"}, "no MIDI file at /no/such.mid"),
        ({"source": "organ"}, "source is 'organ', but must be one of: port"),
        ({"source": "port", "use_sim_time": True}, "use_sim_time is true"),
    ],
)
def test_parameters_that_cannot_work_are_refused(
    context: Any, parameters: dict[str, Any], said: str
) -> None:
    given = [Parameter(name, value=value) for name, value in parameters.items()]
    with pytest.raises(ConfigurationError, match=said):
        MidiNode(context=context, parameter_overrides=given)
