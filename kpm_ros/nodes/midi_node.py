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

"""The keys: a piano over MIDI in, key events out."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from kpm_ros.core.settings import ConfigurationError
from kpm_ros.msg import KeyEvent
from kpm_ros.nodes import outgoing, qos
from kpm_ros.nodes.device_settings import MidiSettings
from kpm_ros.nodes.diagnostics import Level, Report
from kpm_ros.nodes.managed import ManagedNode
from kpm_ros.nodes.node_process import run
from kpm_ros.sense import samples
from kpm_ros.sense.midi.midi_device import MidiDevice
from kpm_ros.sense.midi.midi_file import MidiFilePlayer
from kpm_ros.sense.midi.midi_keys import MidiKeys
from kpm_ros.sense.midi.midi_port import MidiPort
from kpm_ros.sense.midi.midi_tcp import MidiTcpClient, MidiTcpServer


class MidiNode(ManagedNode):
    """Publishes what a piano sends; connects it again when it was unplugged."""

    name = "midi"
    settings_type = MidiSettings
    settings: MidiSettings

    def __init__(self, **node_arguments: Any) -> None:
        """Announce what the piano plays, and find out which one."""
        super().__init__(**node_arguments)
        if self.simulated_time and self.settings.source != "file":
            raise ConfigurationError(
                "midi: use_sim_time is true, but only source file can follow /clock: a piano "
                "plays in the host's time"
            )
        self._output = self.create_publisher(KeyEvent, "keys/events", qos.of("keys/events"))
        self._playing = threading.Lock()
        self.prepare()

    def make(self) -> None:
        """Find out which piano; the first step connects it."""
        self.keys = MidiKeys(_device(self.settings), self.settings.keys)
        self._said = self.keys.problem

    def configure(self) -> None:
        """Begin to look at the piano."""
        self.add_loop(self.settings.period_s, self.step)

    def step(self) -> None:
        """Publish what was played; a file begins to play when it can be heard."""
        if self.settings.source == "file" and not self.active:
            return
        with self._playing:
            self._publish(self.keys.poll(self.now_ns()))
        if self.keys.problem != self._said:
            self._say()

    def deactivate(self) -> None:
        """End every note."""
        with self._playing:
            self._publish(self.keys.decoder.release_all(self.now_ns()))
            if self.settings.source == "file":
                self.keys.close(self.now_ns())

    def clean_up(self) -> None:
        """Let the piano go."""
        self.keys.close(self.now_ns())

    def report(self) -> Report:
        """Whether the piano is there, and what it sent."""
        report = super().report()
        keys = self.keys
        report.hardware = keys.device.name
        report.values |= {
            "device": keys.device.name,
            "state": keys.device.state if keys.connected else keys.problem,
            "sounding": keys.decoder.sounding,
            "garbage_bytes": keys.parser.garbage,
            "connections_lost": keys.lost,
            **asdict(keys.decoder.counts),
        }
        if not keys.connected:
            report.worsen(Level.ERROR, keys.problem)
        return report

    def _publish(self, events: Sequence[samples.KeyEvent]) -> None:
        for event in events:
            self._output.publish(outgoing.key_event_message(event))

    def _say(self) -> None:
        self._said = self.keys.problem
        if self._said:
            self.get_logger().warning(self._said)
        else:
            self.get_logger().info(f"{self.keys.device.name}: {self.keys.device.state}")


def _device(settings: MidiSettings) -> MidiDevice:
    if settings.source == "file":
        if not settings.playing.path:
            raise ConfigurationError("midi: source is file, but file is empty: name a .mid file")
        try:
            return MidiFilePlayer(settings.playing)
        except ValueError as error:
            raise ConfigurationError(f"midi: {error}") from None
    if settings.source == "tcp_client":
        return MidiTcpClient(settings.address)
    if settings.source == "tcp_server":
        return MidiTcpServer(settings.address)
    return MidiPort(replace(settings.listening, virtual=settings.source == "virtual"))


def main() -> None:
    """Run the node."""
    sys.exit(run(MidiNode))


if __name__ == "__main__":
    main()
