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

"""Every node's parameters, found by the node's name. `config/pipeline.yaml` is made from them.

No ROS is needed here, so that settings can be checked and documented without it.
"""

from __future__ import annotations

from typing import Any

from kpm_ros.core.settings import declared
from kpm_ros.nodes.camera_settings import CameraSettings, TrackerSettings
from kpm_ros.nodes.device_settings import EmgSettings, MidiSettings
from kpm_ros.nodes.effort_settings import (
    ExoSettings,
    GestureSettings,
    InferenceSettings,
    RelaySettings,
    SynchronizerSettings,
)
from kpm_ros.nodes.motion_player_settings import MotionPlayerSettings
from kpm_ros.nodes.playback_settings import PlaybackSettings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.nodes.recorder_settings import RecorderSettings
from kpm_ros.nodes.simulator_settings import SimulatorSettings
from kpm_ros.nodes.view_settings import ViewSettings

KINDS: dict[str, type] = {
    "simulator": SimulatorSettings,
    "camera": CameraSettings,
    "tracker": TrackerSettings,
    "midi": MidiSettings,
    "emg": EmgSettings,
    "synchronizer": SynchronizerSettings,
    "inference": InferenceSettings,
    "exo": ExoSettings,
    "relay": RelaySettings,
    "gesture": GestureSettings,
    "recorder": RecorderSettings,
    "view": ViewSettings,
    "player": PlayerSettings,
    "playback": PlaybackSettings,
    "motion_player": MotionPlayerSettings,
}
"""Settings of what runs each node."""

PLAYERS = ("player", "playback", "motion_player")
"""What runs by itself, and in no graph."""

NODES: dict[str, type] = {
    name: kind
    for executable, kind in KINDS.items()
    for name in (("camera_top", "camera_right") if executable == "camera" else (executable,))
    if executable not in PLAYERS
}
"""Settings of the nodes by their names in the default graph."""


def as_yaml() -> str:
    """All settings as a ROS parameters file, with meaning and bounds as comments."""
    lines = [
        "# Parameters of every node, with their defaults: a copy of this file is the place to",
        "# change them (params_file:=...). Written by `python -m kpm_ros.nodes.node_settings`.",
    ]
    for node, settings in NODES.items():
        lines += ["", f"# {(settings.__doc__ or '').splitlines()[0]}", f"/**/{node}:"]
        lines += ["  ros__parameters:"]
        for name, setting in declared(settings).items():
            least, most = setting.least, setting.most
            allowed = f" ({least:g} to {most:g})" if least is not None else ""
            allowed = f" ({' or '.join(setting.choices)})" if setting.choices else allowed
            live = "; may change at any time" if setting.live else ""
            lines.append(f"    # {setting.description}{allowed}{live}")
            lines.append(f"    {name}: {_yaml(setting.default)}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print(as_yaml(), end="")
