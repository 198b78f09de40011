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

"""Parameters of the nodes that read keys and EMG from devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from kpm_ros.core.settings import rules, setting
from kpm_ros.nodes.managed_settings import ManagedSettings
from kpm_ros.sense.emg.channel_health import HealthConfig
from kpm_ros.sense.emg.emg_brainflow import BrainFlowConfig
from kpm_ros.sense.emg.emg_csv import EmgCsvConfig
from kpm_ros.sense.emg.emg_lsl import LslConfig
from kpm_ros.sense.emg.emg_stream import EmgStreamConfig
from kpm_ros.sense.emg.envelope_config import EnvelopeConfig
from kpm_ros.sense.midi.midi_file import MidiFileConfig
from kpm_ros.sense.midi.midi_keys import MidiKeysConfig
from kpm_ros.sense.midi.midi_port import PortConfig
from kpm_ros.sense.midi.midi_tcp import TcpConfig


@dataclass(frozen=True)
class MidiSettings(ManagedSettings):
    """A piano over MIDI."""

    FIXED: ClassVar[str] = "the piano is opened with it"

    source: str = setting(
        "port",
        "where MIDI comes from: a port of this machine, a port that others connect to, a file "
        "that is played, a server that is called, or a client that calls",
        choices=("port", "virtual", "file", "tcp_client", "tcp_server"),
    )
    listening: PortConfig = rules(PortConfig, names={"pattern": "port"})
    playing: MidiFileConfig = rules(MidiFileConfig, names={"path": "file"})
    address: TcpConfig = rules(TcpConfig, names={"port": "tcp_port"})
    keys: MidiKeysConfig = rules(MidiKeysConfig, names={"retry_longest_s": "retry_s"})
    period_s: float = setting(0.001, "how often the piano is looked at", least=0.0005, most=0.02)


@dataclass(frozen=True)
class EmgSettings(ManagedSettings):
    """An EMG amplifier or recording."""

    FIXED: ClassVar[str] = "the amplifier is opened with it"

    source: str = setting(
        "lsl",
        "where EMG comes from: a Lab Streaming Layer stream, a BrainFlow board, or a recording",
        choices=("lsl", "brainflow", "csv"),
    )
    lsl: LslConfig = rules(LslConfig, names={"name": "stream_name", "type": "stream_type"})
    board: BrainFlowConfig = rules(BrainFlowConfig)
    file: str = setting("", "the CSV recording, or the recording for BrainFlow's playback board")
    recording: EmgCsvConfig = rules(EmgCsvConfig)
    repeat: bool = setting(False, "whether a recording begins again at its end")
    channels: str = setting(
        "",
        "names of the channels, or columns of the CSV file to play, separated by commas; "
        "empty = the device's own",
    )
    unit: str = setting("", "unit of the samples; empty = the device's own, or uV")
    stream: EmgStreamConfig = rules(EmgStreamConfig, names={"retry_longest_s": "retry_s"})
    envelope: bool = setting(True, "whether the envelope is published as well", live=True)
    smoothing: EnvelopeConfig = rules(EnvelopeConfig, names={"notch_hz": "mains_hz"})
    person: str = setting(
        "default", "whose maximum voluntary contraction the envelope is part of", live=True
    )
    mvc_folder: str = setting("~/.ros/kpm_ros/mvc", "where each person's maxima are kept")
    health: HealthConfig = rules(HealthConfig)
    period_s: float = setting(0.01, "how often samples are published", least=0.001, most=0.1)
