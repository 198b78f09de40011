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

from kpm_ros.nodes.setting import ManagedSettings, setting


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
    port: str = setting(
        "",
        "part of the port's name, or a pattern with * and ?; empty = the first piano. The name "
        "of a virtual port",
    )
    file: str = setting("", "the .mid file that is played")
    repeat: bool = setting(False, "whether the file begins again at its end")
    speed: float = setting(1.0, "how fast the file is played", least=0.01, most=100.0)
    host: str = setting("127.0.0.1", "TCP: address to call, or to wait at (0.0.0.0 = everywhere)")
    tcp_port: int = setting(5004, "TCP: port to call, or to wait at", least=0, most=65535)
    channel: int = setting(-1, "only this MIDI channel; -1 = all", least=-1, most=15)
    lag_s: float = setting(
        0.005, "how much later than its event a port's message may be read", least=0.0, most=0.1
    )
    retry_s: float = setting(
        8.0, "longest pause between two attempts to connect", least=0.5, most=600.0
    )
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
    stream_name: str = setting("", "LSL: name of the stream; empty = the first one of the type")
    stream_type: str = setting("EMG", "LSL: type of the stream, where no name is given")
    counter_channel: str = setting(
        "", "LSL: channel that numbers the samples; empty = the one labelled counter, if any"
    )
    board_id: int = setting(-1, "BrainFlow: the board's number", least=-3, most=10000)
    serial_port: str = setting("", "BrainFlow: such as /dev/ttyUSB0")
    mac_address: str = setting("", "BrainFlow: the board's Bluetooth address")
    ip_address: str = setting("", "BrainFlow: the board's address on the network")
    ip_port: int = setting(0, "BrainFlow: the board's port on the network", least=0, most=65535)
    serial_number: str = setting("", "BrainFlow: the board's serial number")
    other_info: str = setting("", "BrainFlow: what else the board wants to be told")
    master_board: int = setting(
        -1, "BrainFlow: board that made the recording or that streams", least=-3, most=10000
    )
    file: str = setting("", "the CSV recording, or the recording for BrainFlow's playback board")
    time_column: str = setting("", "CSV: name of the column of time; empty = found")
    time_unit: str = setting(
        "auto", "CSV: unit of the column of time", choices=("auto", "s", "ms", "us", "ns")
    )
    repeat: bool = setting(False, "whether a recording begins again at its end")
    channels: str = setting(
        "",
        "names of the channels, or columns of the CSV file to play, separated by commas; "
        "empty = the device's own",
    )
    unit: str = setting("", "unit of the samples; empty = the device's own, or uV")
    rate_hz: float = setting(
        0.0, "LSL: samples per second of a stream that states none", least=0.0, most=100000.0
    )
    latency_s: float = setting(
        0.0, "how long before its time stamp a sample was taken", least=0.0, most=1.0, live=True
    )
    silence_s: float = setting(
        2.0,
        "an amplifier that is silent for so long is connected anew",
        least=0.1,
        most=60.0,
        live=True,
    )
    retry_s: float = setting(
        8.0, "longest pause between two attempts to connect", least=0.5, most=600.0
    )
    envelope: bool = setting(True, "whether the envelope is published as well", live=True)
    low_hz: float = setting(
        20.0, "envelope: lowest frequency passed; 0 = all", least=0.0, most=1e3, live=True
    )
    high_hz: float = setting(
        450.0, "envelope: highest frequency passed; 0 = all", least=0.0, most=1e4, live=True
    )
    band_order: int = setting(
        4, "envelope: order of the band's filters", least=1, most=8, live=True
    )
    mains_hz: float = setting(
        50.0, "frequency of the mains; 0 = no notch", least=0.0, most=400.0, live=True
    )
    notch_q: float = setting(
        30.0, "envelope: narrowness of the notch", least=1.0, most=100.0, live=True
    )
    notch_harmonics: int = setting(
        3, "envelope: multiples of the mains removed", least=1, most=20, live=True
    )
    smooth_hz: float = setting(
        6.0, "envelope: it follows no faster movement", least=0.1, most=100.0, live=True
    )
    smooth_order: int = setting(2, "envelope: order of the smoothing", least=1, most=8, live=True)
    person: str = setting(
        "default", "whose maximum voluntary contraction the envelope is part of", live=True
    )
    mvc_folder: str = setting("~/.ros/kpm_ros/mvc", "where each person's maxima are kept")
    flat_uv: float = setting(
        0.05, "a channel that moves by less is dead", least=0.0, most=1000.0, live=True
    )
    rail_uv: float = setting(
        0.0, "largest value the amplifier can send; 0 = not known", least=0.0, most=1e9, live=True
    )
    hum_uv: float = setting(
        100.0,
        "mains hum of this amplitude is an electrode that is off",
        least=0.1,
        most=1e6,
        live=True,
    )
    noise_uv: float = setting(
        3000.0,
        "an effective value above this is an electrode that is off",
        least=1.0,
        most=1e9,
        live=True,
    )
    period_s: float = setting(0.01, "how often samples are published", least=0.001, most=0.1)
