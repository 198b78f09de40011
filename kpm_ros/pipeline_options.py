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

"""What the user may choose when the pipeline is started, checked and typed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.resources import config_dir, find_model
from kpm_ros.core.settings import check_choice
from kpm_ros.core.sides import HANDS, RIGHT
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.core.subjects import DEFAULT_SUBJECT, Subject, find_subject, subject_names
from kpm_ros.simulate.bodies import BODIES

if TYPE_CHECKING:
    from kpm_ros.core.registration import Registration
    from kpm_ros.core.streams import Streams


def simulated_room() -> Path:
    """Path of the registration of the simulator's cameras."""
    return config_dir() / "rooms" / "simulated.yaml"


@dataclass(frozen=True)
class Option:
    """One choice the user has when the pipeline is started."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


YES_NO = ("true", "false")

SHOW = "true"
"""Of the option `view`: in a viewer."""

OPTIONS = (
    Option(
        "subject",
        DEFAULT_SUBJECT,
        "whose muscles they are: those of a hand at a piano, or of a whole body",
        subject_names(),
    ),
    Option(
        "hand",
        RIGHT,
        "subject hand: whose effort is estimated; the left hand's by the mirror image of what a "
        "model of a right hand knows; both = twice the muscles, named L_ and R_",
        HANDS,
    ),
    Option(
        "source",
        "auto",
        "where samples come from: somebody simulated, cameras and a piano that are plugged in, or "
        "topics that other nodes publish; auto = devices where cameras are named, else simulator",
        ("auto", "simulator", "devices", "topics"),
    ),
    Option(
        "cameras",
        "",
        "devices: the camera of each of the model's views, in order, separated by commas: a device "
        "(0, /dev/video0), a video file, or a stream's address; empty = 0,1,...",
    ),
    Option(
        "registration",
        "",
        "where the cameras stand: a file that `kpm calibrate` wrote, with a camera for each view; "
        "empty = not known, but simulated cameras are where a model of the keyboard's frame, or a "
        "left hand, needs to know it",
    ),
    Option(
        "tracker",
        "configured",
        "devices: model of the cameras' trackers: full, lite (faster), auto (full where this "
        "machine is fast enough, else lite), or as the parameters file says",
        ("configured", "full", "lite", "auto"),
    ),
    Option(
        "midi",
        "",
        "simulator: the .mid file that is played, empty = built-in study; devices: a .mid file, "
        "tcp://host:port, or part of a port's name, empty = the first piano",
    ),
    Option(
        "body",
        "anatomical",
        "simulated pianist: hand and muscles of a musculoskeletal model, or plain rules",
        BODIES,
    ),
    Option(
        "knock",
        "",
        "simulated pianist: a camera that is knocked: view, seconds since the beginning, and "
        "metres along the keyboard's x, y and z, such as top,20,0.06,0.06,-0.05; empty = none",
    ),
    Option("emg", "true", "whether EMG is published as well", YES_NO),
    Option(
        "emg_device",
        "lsl",
        "devices: lsl or lsl:NAME for a stream, brainflow:ID for a board, or a .csv recording",
    ),
    Option(
        "model",
        "",
        "weights: a shipped model's name or a .safetensors path; empty = the subject's usual one, "
        "for registered or simulated cameras one that takes the hand in the keyboard's frame",
    ),
    Option(
        "network",
        "false",
        "whether the devices are on another host: notes and key motion are waited for longer",
        YES_NO,
    ),
    Option("namespace", "kpm", "namespace of every node and topic"),
    Option("params_file", "", "parameters of every node; empty = the package's pipeline.yaml"),
    Option("use_sim_time", "false", "take time from /clock, as under `ros2 bag play`", YES_NO),
    Option("record", "", "folder to record a bag into; empty = no recording"),
    Option(
        "view",
        "",
        "whether the run is shown: true = in Rerun's viewer, or a page where there is no screen; a "
        ".rrd file = in that file; empty = not",
    ),
    Option("exo", "true", "whether the exoskeleton node runs (disarmed until armed)", YES_NO),
    Option(
        "drive",
        "none",
        "what follows the commands: none; here: the relay runs on this host and hands them on as "
        "drive/command; elsewhere: a relay at the drive echoes them. Without its echo, nobody can "
        "arm",
        ("none", "here", "elsewhere"),
    ),
    Option("gesture", "true", "whether the gesture node runs (disabled until enabled)", YES_NO),
    Option(
        "gesture_model",
        "",
        "a model that `kpm train-gestures` wrote; default = shapes of a hand, SIMULATED; empty = "
        "gestures by rules of effort",
    ),
    Option(
        "autostart",
        "true",
        "whether the exoskeleton and the drivers configure and activate themselves; else `ros2 "
        "lifecycle set` does",
        YES_NO,
    ),
    Option("log_level", "info", "what nodes log", ("debug", "info", "warn", "error", "fatal")),
    Option("respawn", "true", "whether a node that ends by itself is started again", YES_NO),
)


@dataclass(frozen=True)
class PipelineOptions:
    """What the user chose, checked and typed."""

    subject: str = DEFAULT_SUBJECT
    hand: str = RIGHT
    source: str = "auto"
    cameras: tuple[str, ...] = ()
    registration: str = ""
    tracker: str = "configured"
    midi: str = ""
    body: str = "anatomical"
    knock: str = ""
    emg: bool = True
    emg_device: str = "lsl"
    model: str = ""
    network: bool = False
    namespace: str = "kpm"
    params_file: str = ""
    use_sim_time: bool = False
    record: str = ""
    view: str = ""
    exo: bool = True
    drive: str = "none"
    gesture: bool = True
    gesture_model: str = ""
    autostart: bool = True
    log_level: str = "info"
    respawn: bool = True

    def __post_init__(self) -> None:
        """Decide what was left open."""
        if self.source == "auto":
            object.__setattr__(self, "source", "devices" if self.cameras else "simulator")
        if not self.model:
            registered = self.source == "simulator" or self.registration
            usual = (registered and self.whose.room_model) or self.whose.model
            object.__setattr__(self, "model", usual)
        if not self.registration and self.source == "simulator" and self.whose.has_keys:
            # A model that cannot be read is refused where it is asked for.
            with suppress(ValueError):
                if any(
                    view.coordinates == KEYBOARD or (self.hand != RIGHT and view.camera is not None)
                    for view in self.streams.landmarks
                ):
                    object.__setattr__(self, "registration", str(simulated_room()))

    @property
    def whose(self) -> Subject:
        """What the subject is."""
        return find_subject(self.subject)

    @property
    def streams(self) -> Streams:
        """What the model is given, as its card and the hand say; refused where it cannot be."""
        from kpm_ros.models.hands import card_of_hand
        from kpm_ros.models.weight_files import read_card

        try:
            return card_of_hand(read_card(find_model(self.model)), self.hand).streams
        except (FileNotFoundError, ValueError) as error:
            raise ValueError(f"model: {error}") from None

    @property
    def registered(self) -> Registration | None:
        """Where the cameras stand, if that is known; a file that cannot be used is refused."""
        from kpm_ros.core.registration import Registration

        if not self.registration:
            return None
        try:
            return Registration.read(Path(self.registration).expanduser())
        except ValueError as error:
            raise ValueError(f"registration: {error}") from None

    @property
    def sensed(self) -> Streams:
        """What the senses give for the model: a picture of each registered camera, where needed."""
        from kpm_ros.core.registered_streams import sensed

        return sensed(self.streams, self.registered)

    @classmethod
    def from_strings(cls, values: Mapping[str, str]) -> PipelineOptions:
        """Type the words of a command line; a word that is not allowed is refused by name."""
        known = {option.name: option for option in OPTIONS}
        typed: dict[str, Any] = {}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no option {name!r}: the options are {', '.join(known)}")
            typed[name] = _typed(known[name], value)
        return cls(**typed)


def _typed(option: Option, value: str) -> Any:
    word = value.strip()
    if option.choices == YES_NO:
        word = word.lower()
    if option.choices:
        check_choice(option.name, word, option.choices)
    if option.choices == YES_NO:
        return word == "true"
    if option.name == "cameras":
        return tuple(camera.strip() for camera in word.split(",") if camera.strip())
    if option.name == "view":
        if word.lower() in YES_NO:
            return SHOW if word.lower() == SHOW else ""
        if word and not word.endswith(".rrd"):
            raise ValueError(f"view is {value!r}, but must be true, false or a .rrd file")
    if option.name == "namespace":
        word = word.strip("/")
        if not word or not all(part.isidentifier() for part in word.split("/")):
            raise ValueError(f"namespace is {value!r}, but must be a ROS name such as kpm")
    return word
