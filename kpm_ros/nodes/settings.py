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

"""Every node's parameters: default, meaning and bounds. `config/pipeline.yaml` is made from them.

No ROS is needed here, so that settings can be checked and documented without it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, TypeVar

from kpm_ros.act.assistance import illustrative_gain
from kpm_ros.core.resources import DEFAULT_MODEL
from kpm_ros.nodes.camera_settings import CameraSettings, HandTrackerSettings
from kpm_ros.nodes.device_settings import EmgSettings, MidiSettings
from kpm_ros.nodes.player_settings import PlayerSettings
from kpm_ros.nodes.setting import ManagedSettings, setting
from kpm_ros.simulate.bodies import BODIES

Settings = TypeVar("Settings")


class ConfigurationError(ValueError):
    """A setting that cannot be used, said in a sentence for the user."""


@dataclass(frozen=True)
class SimulatorSettings:
    """The simulated pianist."""

    FIXED: ClassVar[str] = "the pianist is made by it at the start"

    views: list[str] = setting(["top", "right"], "camera views to simulate")
    score: str = setting("", "a .mid file to play, over and over; empty = the built-in study")
    body: str = setting(
        "anatomical",
        "hand and muscles: a musculoskeletal model's, or plain rules that take no time to start",
        choices=BODIES,
    )
    seed: int = setting(1, "everything random follows from this", least=0, most=2**31 - 1)
    emg: bool = setting(True, "whether to publish EMG")
    key_motion: bool = setting(True, "whether the piano senses key depth (else only notes)")
    dropout: float = setting(
        0.0, "fraction of camera frames in which no hand is found", least=0.0, most=0.99
    )
    period_s: float = setting(0.002, "how often samples are delivered", least=0.0005, most=0.05)


@dataclass(frozen=True)
class SynchronizerSettings:
    """All senses onto one grid."""

    FIXED: ClassVar[str] = "a recording is replayed with one set of rules for all of it"

    model: str = setting(DEFAULT_MODEL, "model whose grid and streams are used")
    hop_s: float = setting(0.01, "longest chunk handed on", least=0.001, most=0.1)
    period_s: float = setting(0.002, "how often inputs are looked at", least=0.0005, most=0.05)
    pose_wait_s: float = setting(
        0.06,
        "how long a sample waits at least for the camera frame after it; longer for a camera of "
        "few frames a second, or whose hands are known late",
        least=0.0,
        most=1.0,
    )
    pose_longest_wait_s: float = setting(
        0.2, "how long it waits at most, however slow the camera is", least=0.0, most=1.0
    )
    pose_stale_s: float = setting(
        0.05,
        "a pose older than this is stale, or older than 2.5 of the camera's usual gaps between "
        "frames if that is more",
        least=0.001,
        most=10.0,
    )
    pose_lost_s: float = setting(0.25, "a pose older than this is lost", least=0.001, most=60.0)
    pose_extrapolate_s: float = setting(
        0.0,
        "how long a pose that is awaited in vain goes on moving before it is held; 0 = not at all",
        least=0.0,
        most=1.0,
    )
    pose_may_repeat: bool = setting(
        False,
        "whether a hand that stays the same to the last bit is believed, as a tracker that rounds "
        "may send it; else its image is taken to stand still",
    )
    keys_wait_s: float = setting(
        0.02, "how long a sample waits for key motion or events", least=0.0, most=1.0
    )
    keys_fresh_s: float = setting(
        0.1,
        "sensed key motion older than this gives way to notes, and is not joined to what follows",
        least=0.001,
        most=10.0,
    )
    keys_longest_hold_s: float = setting(
        30.0,
        "a note held for so long is given up: its end was lost, by the piano or on the way",
        least=0.1,
        most=3600.0,
    )
    keys_missing_s: float = setting(
        1.0, "keys that are silent for longer are missing", least=0.01, most=3600.0
    )
    channels_wait_s: float = setting(
        0.02,
        "how long a sample waits at least for other channels; longer where they come more seldom",
        least=0.0,
        most=1.0,
    )
    channels_longest_wait_s: float = setting(
        0.2, "how long it waits for them at most", least=0.0, most=1.0
    )
    channels_fresh_s: float = setting(
        0.1,
        "other channels' samples further apart than this are not joined, unless 2.5 of the "
        "stream's own intervals are more",
        least=0.001,
        most=10.0,
    )
    channels_missing_s: float = setting(
        1.0, "other channels that are silent for longer are missing", least=0.01, most=3600.0
    )
    future_s: float = setting(
        0.1, "a stamp further ahead of the clock is refused", least=0.0, most=10.0
    )


@dataclass(frozen=True)
class InferenceSettings:
    """Grid samples to muscle effort."""

    FIXED: ClassVar[str] = "the network is loaded and laid out by it at the start"

    model: str = setting(DEFAULT_MODEL, "weights: a shipped model's name or a .safetensors path")
    threads: int = setting(1, "threads the network may use", least=1, most=64)
    pacing: str = setting(
        "even",
        "whether effort samples leave evenly, or in bursts as they are made",
        choices=("even", "burst"),
    )
    period_s: float = setting(
        0.001, "how often aligned samples are looked for and effort leaves", least=0.0005, most=0.01
    )
    bridge_s: float = setting(
        0.03, "a gap up to this long is filled with the last sample", least=0.0, most=1.0
    )
    warm_up_s: float = setting(
        0.1,
        "output flagged as warming up after a start or a long gap, at least",
        least=0.0,
        most=10.0,
    )
    backlog_s: float = setting(
        0.3,
        "samples that have waited for longer, as on an overloaded machine, are dropped",
        least=0.1,
        most=10.0,
    )


@dataclass(frozen=True)
class ExoSettings(ManagedSettings):
    """Effort to joint torques."""

    FIXED: ClassVar[str] = "the pace is set when the node is configured"

    enabled: bool = setting(False, "whether assistance is enabled", live=True)
    gains: list[str] = setting(
        [
            f"{joint} {muscle} {gain:g}"
            for joint, row in illustrative_gain().items()
            for muscle, gain in row.items()
        ],
        "torque per unit of effort, as 'joint muscle Nm'; illustrative, tuned on nobody",
        live=True,
    )
    rate_hz: float = setting(500.0, "commands per second", least=10.0, most=1000.0)
    deadband: float = setting(
        0.08, "effort up to here moves nothing", least=0.0, most=1.0, live=True
    )
    max_torque_nm: float = setting(
        0.3, "no joint gets more torque", least=0.001, most=50.0, live=True
    )
    max_torque_rate_nm_s: float = setting(
        3.0, "no joint's torque changes faster", least=0.01, most=1000.0, live=True
    )
    smoothing_s: float = setting(
        0.03, "time constant of the smoothing", least=0.0, most=1.0, live=True
    )
    timeout_s: float = setting(
        0.05, "silence after which effort is stale", least=0.005, most=1.0, live=True
    )
    max_age_s: float = setting(
        0.3, "age after which effort is stale", least=0.01, most=5.0, live=True
    )
    recover_s: float = setting(
        0.25,
        "how long effort must be good before it is acted on again",
        least=0.0,
        most=10.0,
        live=True,
    )
    enabled_ramp_s: float = setting(1.0, "time to full assistance", least=0.0, most=60.0, live=True)


@dataclass(frozen=True)
class GestureSettings:
    """Effort to gestures."""

    FIXED: ClassVar[str] = "the pace is set when the node starts"

    enabled: bool = setting(False, "whether gestures are recognised", live=True)
    rate_hz: float = setting(100.0, "how often effort is looked at", least=10.0, most=500.0)
    heartbeat_hz: float = setting(
        20.0, "how often an unchanged gesture is sent", least=1.0, most=100.0, live=True
    )
    timeout_s: float = setting(
        0.05, "silence after which effort is stale", least=0.005, most=1.0, live=True
    )
    max_age_s: float = setting(
        0.3, "age after which effort is stale", least=0.01, most=5.0, live=True
    )


@dataclass(frozen=True)
class RecorderSettings:
    """Topics into a bag."""

    FIXED: ClassVar[str] = "the bag is opened with it"

    folder: str = setting("", "folder of the bag; it must not exist yet, or be empty")
    topics: list[str] = setting(["effort"], "topics to record, relative to the namespace")
    storage: str = setting("mcap", "format of the bag", choices=("mcap", "sqlite3"))
    period_s: float = setting(0.02, "how often messages are taken", least=0.001, most=0.05)


KINDS: dict[str, type] = {
    "simulator": SimulatorSettings,
    "camera": CameraSettings,
    "hand_tracker": HandTrackerSettings,
    "midi": MidiSettings,
    "emg": EmgSettings,
    "synchronizer": SynchronizerSettings,
    "inference": InferenceSettings,
    "exo": ExoSettings,
    "gesture": GestureSettings,
    "recorder": RecorderSettings,
    "player": PlayerSettings,
}
"""Settings of what runs each node."""

NODES: dict[str, type] = {
    name: kind
    for executable, kind in KINDS.items()
    for name in (("camera_top", "camera_right") if executable == "camera" else (executable,))
    if executable != "player"
}
"""Settings of the nodes by their names in the default graph."""


def check(node: str, settings: type[Settings], values: Mapping[str, Any]) -> Settings:
    """Build a node's settings from given values, or refuse with which, why and what is allowed."""
    specs = {spec.name: spec for spec in fields(settings)}  # type: ignore[arg-type]
    for name, value in values.items():
        if name not in specs:
            raise ConfigurationError(
                f"{node}: there is no parameter {name!r}{nearest(name, specs)}; the parameters are "
                f"{', '.join(specs)}"
            )
        _check_one(f"{node}: {name}", value, settings(), name, specs[name].metadata)
    defaults = settings()
    return settings(
        **{
            # A whole number is as good as one with a decimal point.
            name: float(value) if type(getattr(defaults, name)) is float else value
            for name, value in values.items()
        }
    )


def nearest(name: str, known: Iterable[str]) -> str:
    """Name what was perhaps meant, as the end of a sentence; empty where nothing comes near."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {found[0]!r}?)" if found else ""


def _check_one(
    label: str, value: Any, defaults: Any, name: str, metadata: Mapping[str, Any]
) -> None:
    default = getattr(defaults, name)
    kind = type(default)
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits or (kind is list and not all(type(v) is str for v in value)):
        wanted = "a list of strings" if kind is list else _KINDS[kind]
        raise ConfigurationError(f"{label} is {value!r}, but must be {wanted}")
    least, most, choices = metadata["least"], metadata["most"], metadata["choices"]
    if least is not None and not least <= value <= most:
        raise ConfigurationError(f"{label} is {value!r}, but must be from {least:g} to {most:g}")
    if choices and value not in choices:
        raise ConfigurationError(f"{label} is {value!r}, but must be one of: {', '.join(choices)}")


_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a word",
}


def as_yaml() -> str:
    """All settings as a ROS parameters file, with meaning and bounds as comments."""
    lines = [
        "# Parameters of every node, with their defaults: a copy of this file is the place to",
        "# change them (params_file:=...). Written by `python -m kpm_ros.nodes.settings`.",
    ]
    for node, settings in NODES.items():
        lines += ["", f"# {(settings.__doc__ or '').splitlines()[0]}", f"/**/{node}:"]
        lines += ["  ros__parameters:"]
        for spec in fields(settings):
            least, most = spec.metadata["least"], spec.metadata["most"]
            allowed = f" ({least:g} to {most:g})" if least is not None else ""
            choices = spec.metadata["choices"]
            allowed = f" ({' or '.join(choices)})" if choices else allowed
            live = "; may change at any time" if spec.metadata["live"] else ""
            lines.append(f"    # {spec.metadata['description']}{allowed}{live}")
            lines.append(f"    {spec.name}: {_yaml(getattr(settings(), spec.name))}")
    return "\n".join(lines) + "\n"


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


if __name__ == "__main__":
    print(as_yaml(), end="")
