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

"""Devices as a user names them in one word, as parameters of the nodes that drive them."""

from __future__ import annotations

from typing import Any


def midi_parameters(piano: str) -> dict[str, Any]:
    """Parameters of the midi node for a .mid file, tcp://host:port, or part of a port's name."""
    if piano.lower().endswith((".mid", ".midi")):
        return {"source": "file", "file": piano}
    if piano.startswith("tcp://"):
        host, _, port = piano.removeprefix("tcp://").rpartition(":")
        if not host or not port.isdigit():
            raise ValueError(f"midi is {piano!r}, but a TCP address is tcp://host:port")
        return {"source": "tcp_client", "host": host, "tcp_port": int(port)}
    return {"source": "port", "port": piano}


def emg_parameters(amplifier: str) -> dict[str, Any]:
    """Parameters of the emg node for lsl[:NAME], brainflow:ID, or a .csv recording."""
    kind, _, name = amplifier.partition(":")
    if kind == "lsl":
        return {"source": "lsl", "stream_name": name}
    if kind == "brainflow" and name.lstrip("-").isdigit():
        return {"source": "brainflow", "board_id": int(name)}
    if amplifier.lower().endswith(".csv"):
        return {"source": "csv", "file": amplifier}
    raise ValueError(
        f"emg_device is {amplifier!r}, but must be lsl, lsl:NAME, brainflow:ID or a .csv file"
    )
