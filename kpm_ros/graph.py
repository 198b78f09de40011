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

"""Which nodes make the pipeline, with which topics and options. No ROS is needed to read it.

`launch/pipeline.launch.py` and `kpm up` both build from here, and so does the diagram in README.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros import devices
from kpm_ros.core.resources import config_dir
from kpm_ros.core.sides import RIGHT
from kpm_ros.core.stream_kinds import IMAGE, JOINED, KEYBOARD
from kpm_ros.pipeline_options import OPTIONS, Option, PipelineOptions

if TYPE_CHECKING:
    from kpm_ros.core.streams import Landmarks, Stream, Streams

__all__ = ["OPTIONS", "TOPICS", "NodeSpec", "Option", "PipelineOptions", "Topic", "build"]

MANAGED = ("camera", "midi", "emg", "exo")
"""What runs nodes that ROS's lifecycle tools manage: those that hold devices, or move one."""

KEYS_WAIT_OVER_NETWORK_S = 0.05
"""Covers a chunk of key motion (10 ms, and 3 ms to send it) and up to 35 ms of way."""


@dataclass(frozen=True)
class Topic:
    """One topic: its name relative to the namespace, its type, and the name of its QoS profile."""

    name: str
    type: str
    qos: str
    rate: str
    largest: int = 1 << 28
    """A message of more bytes is not read by the nodes here."""
    sensed: bool = False
    """Whether devices say it. Of a recording, only such topics are played to a pipeline."""
    moves: bool = False
    """Whether a machine acts on it at once. It is recorded under another name, so that no player
    of bags, whichever it is, can move a machine by what was once commanded."""

    def of(self, stream: str) -> str:
        """Name of the topic of one stream, where there is one for each."""
        return _PLACE.sub(stream, self.name)

    @property
    def recorded_name(self) -> str:
        """Name under which it is recorded, relative to the namespace."""
        return f"recorded/{self.name}" if self.moves else self.name


KIB = 1 << 10

_PLACE = re.compile(r"\{\w+\}")
"""Where the name of a view, or of another stream, stands in a topic's."""

LANDMARKS = Topic(
    "camera/{view}/landmarks", "kpm_ros/msg/Landmarks", "sensor", "camera", 64 * KIB, sensed=True
)
KEY_EVENTS = Topic("keys/events", "kpm_ros/msg/KeyEvent", "events", "events", 4 * KIB, sensed=True)
KEY_MOTION = Topic(
    "keys/motion", "kpm_ros/msg/KeyMotion", "sensor", "100/s", 512 * KIB, sensed=True
)
CHANNELS = Topic(
    "channels/{stream}", "kpm_ros/msg/ChannelSamples", "sensor", "device", 512 * KIB, sensed=True
)

TOPICS = (
    LANDMARKS,
    Topic("camera/{view}/image_raw", "sensor_msgs/msg/Image", "image", "camera, if listened to"),
    Topic(
        "camera/{view}/camera_info", "sensor_msgs/msg/CameraInfo", "image", "camera, if listened to"
    ),
    KEY_EVENTS,
    KEY_MOTION,
    CHANNELS,
    Topic("hand/points", "kpm_ros/msg/HandPoints", "image", "camera, if listened to"),
    Topic("hand/markers", "visualization_msgs/msg/MarkerArray", "image", "camera, if listened to"),
    Topic("/tf_static", "tf2_msgs/msg/TFMessage", "latched", "latched"),
    Topic("emg/samples", "kpm_ros/msg/ChannelSamples", "sensor", "100/s", sensed=True),
    Topic("emg/envelope", "kpm_ros/msg/ChannelSamples", "sensor", "100/s"),
    Topic("aligned", "kpm_ros/msg/AlignedSamples", "chunks", "60-200/s", 1 << 20),
    Topic("effort", "kpm_ros/msg/MuscleEffort", "effort", "2000/s"),
    Topic("effort/chunks", "kpm_ros/msg/MuscleEffortChunk", "chunks", "60-200/s"),
    Topic("effort/info", "kpm_ros/msg/EffortInfo", "latched", "latched"),
    Topic("assist/command", "std_msgs/msg/Float64MultiArray", "command", "500/s", moves=True),
    Topic("gesture", "kpm_ros/msg/Gesture", "events", "on change, 20/s"),
    Topic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", "diagnostics", "1/s"),
    Topic("/parameter_events", "rcl_interfaces/msg/ParameterEvent", "events", "events"),
    Topic("/rosout", "rcl_interfaces/msg/Log", "log", "events"),
)

SPOKEN_BY_EVERY_NODE = ("/diagnostics", "/parameter_events", "/rosout")


@dataclass(frozen=True)
class NodeSpec:
    """One node of the graph: the module that runs it and the topics it speaks."""

    name: str
    purpose: str
    publishes: tuple[str, ...] = ()
    subscribes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    kind: str = ""
    """What runs the node, where it is not called like the node itself."""

    @property
    def executable(self) -> str:
        """Executable that `ros2 run` knows it by."""
        return self.kind or self.name

    @property
    def module(self) -> str:
        """Python module that runs the node."""
        return f"kpm_ros.nodes.{self.executable}_node"


def build(options: PipelineOptions) -> list[NodeSpec]:
    """List the nodes that the options ask for, in the order of the data's way."""
    _check_subject(options, options.streams)
    streams = options.sensed
    inputs = tuple(input_topics(streams))
    nodes = []
    if options.source == "simulator":
        emg = ("emg/samples",) if options.emg else ()
        nodes.append(
            NodeSpec(
                "simulator",
                f"a simulated {options.whose.simulated}: "
                f"{'cameras, keys and EMG' if options.whose.has_keys else 'a camera and EMG'}",
                publishes=(*_simulated(options, streams), *emg),
                parameters={
                    "subject": options.subject,
                    "views": list(dict.fromkeys(shown.view for shown in streams.landmarks)),
                    **_hand(options),
                    "score": options.midi,
                    "body": options.body,
                    "emg": options.emg,
                },
            )
        )
    if options.source == "devices":
        nodes += _devices(options, streams)
    nodes.append(
        NodeSpec(
            "synchronizer",
            "all streams onto one time grid",
            publishes=("aligned",),
            subscribes=inputs,
            parameters={
                "model": options.model,
                **_waits(options),
                **_hand(options),
                **_registration(options),
            },
        )
    )
    nodes.append(
        NodeSpec(
            "inference",
            "grid samples to muscle effort at 2 kHz",
            publishes=("effort", "effort/chunks", "effort/info"),
            subscribes=("aligned",),
            parameters={"model": options.model, **_hand(options)},
        )
    )
    effort = ("effort", "effort/info")
    if options.exo:
        nodes.append(
            NodeSpec(
                "exo",
                "effort to joint torques",
                ("assist/command",),
                subscribes=effort,
                parameters=_suited("exo", options),
            )
        )
    if options.gesture:
        nodes.append(
            NodeSpec(
                "gesture",
                "effort to gestures",
                ("gesture",),
                subscribes=effort,
                parameters=_suited("gesture", options),
            )
        )
    if options.record:
        spoken = (topic for node in nodes for topic in (*node.subscribes, *node.publishes))
        recorded = tuple(dict.fromkeys([*spoken, *SPOKEN_BY_EVERY_NODE]))
        nodes.append(
            NodeSpec(
                "recorder",
                "everything into a bag",
                subscribes=recorded,
                parameters={
                    "folder": options.record,
                    "topics": list(recorded),
                    **_registration(options),
                },
            )
        )
    return nodes if options.autostart else [_awaiting(node) for node in nodes]


def _awaiting(node: NodeSpec) -> NodeSpec:
    """Leave a managed node to whoever manages it."""
    waits = {"autostart": False} if node.executable in MANAGED else {}
    return replace(node, parameters={**node.parameters, **waits})


def _waits(options: PipelineOptions) -> dict[str, Any]:
    """How long the synchronizer waits, where that is not left to the parameters file."""
    return {"keys_wait_s": KEYS_WAIT_OVER_NETWORK_S} if options.network else {}


def _registration(options: PipelineOptions) -> dict[str, Any]:
    """Where the cameras stand, for all who must know it, where that is known."""
    return {"registration": options.registration} if options.registration else {}


OF_KIND = {
    "landmarks": (LANDMARKS,),
    "keys": (KEY_EVENTS, KEY_MOTION),
    "channels": (CHANNELS,),
}
"""Topics that a stream of each kind is read from."""


def input_topics(streams: Streams) -> list[str]:
    """List the topics that a list of streams is read from."""
    return [topic.of(word_of(stream)) for stream in streams for topic in OF_KIND[stream.kind]]


def word_of(stream: Stream) -> str:
    """What stands for a stream in the names of its topics.

    One hand is published as its view's; of two, each is behind its side.

    >>> from kpm_ros.core.hands import streams_of
    >>> from kpm_ros.core.skeletons import find_skeleton
    >>> from kpm_ros.core.streams import Landmarks, Streams
    >>> streams = Streams((Landmarks("top", find_skeleton("mediapipe-hand")),))
    >>> [LANDMARKS.of(word_of(stream)) for stream in streams_of(streams, "both")]
    ['camera/top/left/landmarks', 'camera/top/right/landmarks']
    """
    view = getattr(stream, "view", stream.name)
    return view if view == stream.name else f"{view}/{getattr(stream, 'side', '')}"


def _hand(options: PipelineOptions) -> dict[str, Any]:
    """Which hand, for all who must agree on it, where it is not the usual one."""
    return {} if options.hand == RIGHT else {"hand": options.hand}


def _check_subject(options: PipelineOptions, streams: Streams) -> None:
    """Refuse a model that is for somebody else; topics may show anybody, unless one is named."""
    from kpm_ros.core.subjects import DEFAULT_SUBJECT, subject_of

    meant = subject_of(streams)
    anybody = options.source == "topics" and options.subject == DEFAULT_SUBJECT
    if meant is None or anybody or options.whose.is_seen_in(streams):
        return
    seen = ", ".join(dict.fromkeys(view.skeleton.name for view in streams.landmarks))
    raise ValueError(
        f"the model {options.model} is for a {meant.name} ({seen}), but subject is "
        f"{options.subject!r}: choose subject:={meant.name}, or another model"
    )


def _suited(node: str, options: PipelineOptions) -> dict[str, Any]:
    """Parameters that suit the subject, but for those that the parameters file has changed."""
    from kpm_ros.act.muscle_weights import weights_of_hand
    from kpm_ros.core.params_file import meant_for, read_table

    name = f"/{options.namespace}/{node}"
    suited = dict(options.whose.parameters.get(node, {}))
    usual: Mapping[str, Any] = {}
    if options.hand != RIGHT or (suited and options.params_file):
        usual = meant_for(read_table(config_dir() / "pipeline.yaml"), name).values
    if options.hand != RIGHT:
        for parameter in {"gains", "gestures"} & set(usual):
            suited[parameter] = weights_of_hand(usual[parameter], options.hand)
    if suited and options.params_file:
        own = meant_for(read_table(Path(options.params_file).expanduser()), name).values
        for parameter in list(suited):
            if parameter in own and own[parameter] != usual.get(parameter):
                del suited[parameter]
    return suited


def _simulated(options: PipelineOptions, streams: Streams) -> list[str]:
    """List what the simulated subject publishes of them."""
    subject = options.whose
    for stream in streams:
        if not subject.can_simulate(stream):
            raise ValueError(
                f"the model takes the stream {stream.name!r} ({stream.kind}), which the simulated "
                f"{subject.simulated} does not have: choose source:=topics, and publish it"
            )
    keys = [KEY_EVENTS.name, KEY_MOTION.name] if subject.has_keys and not streams.keys else []
    return [*input_topics(streams), *keys]


def _devices(options: PipelineOptions, streams: Streams) -> list[NodeSpec]:
    """One driver for each camera, the piano and the amplifier.

    What none of them gives, such as other skeletons or channels, is for others to publish.
    """
    from kpm_ros.sense.trackers import TRACKERS, is_tracked

    def what(shown: list[Landmarks]) -> str:
        found = TRACKERS[shown[0].skeleton.name].what
        return f"the {found}" if len(shown) == 1 else f"each {found}"

    tracked: dict[str, list[Landmarks]] = {}
    for stream in streams.landmarks:
        if is_tracked(stream):
            tracked.setdefault(stream.view, []).append(stream)
    unregistered = any(view.coordinates == KEYBOARD for view in options.streams.landmarks)
    if unregistered and not tracked:
        # They are shown, and may be calibrated; what they show is of no use before.
        hands = [view for view in options.streams.landmarks if view.coordinates == KEYBOARD]
        tracked = {
            f"view{number}": [
                replace(hand, name=f"view{number}", coordinates=IMAGE, timing=JOINED)
                for hand in hands
            ]
            for number in range(1, len(options.cameras) + 1)
        }
    views = list(tracked)
    cameras = options.cameras or tuple(str(number) for number in range(len(views)))
    if len(cameras) != len(views):
        raise ValueError(
            f"cameras names {len(cameras)} of them, but the model has {len(views)} "
            f"view{'s' * (len(views) != 1)}: {', '.join(views)}"
        )
    model = {} if options.tracker == "configured" else {"model": options.tracker}
    nodes = [
        NodeSpec(
            f"camera_{view}",
            f"{what(shown)} as the camera {view} sees it",
            publishes=tuple(LANDMARKS.of(word_of(stream)) for stream in shown),
            parameters={
                "source": source,
                "view": view,
                "skeleton": shown[0].skeleton.name,
                **model,
                **_hand(options),
                **_registration(options),
            },
            kind="camera",
        )
        for (view, shown), source in zip(tracked.items(), cameras, strict=True)
    ]
    if streams.keys:
        piano = devices.midi_parameters(options.midi)
        nodes.append(NodeSpec("midi", "the piano's keys", (KEY_EVENTS.name,), parameters=piano))
    if options.emg:
        published = ("emg/samples", "emg/envelope")
        amplifier = devices.emg_parameters(options.emg_device)
        nodes.append(NodeSpec("emg", "the EMG amplifier", published, parameters=amplifier))
    return nodes


def senses(options: PipelineOptions) -> list[str]:
    """List the topics that devices speak, which are all that may be played to a pipeline."""
    emg = [entry.name for entry in TOPICS if entry.sensed and not _PLACE.search(entry.name)]
    return list(dict.fromkeys([*input_topics(options.sensed), *emg]))


def topic(name: str) -> Topic:
    """Look a topic up by its name, with the view or stream filled in or not."""
    for entry in TOPICS:
        if entry.name == name or _matches(entry.name, name):
            return entry
    raise KeyError(f"no topic {name!r} in the graph")


def _matches(pattern: str, name: str) -> bool:
    if not _PLACE.search(pattern):
        return False
    before, after = _PLACE.split(pattern)
    return name.startswith(before) and name.endswith(after) and len(name) > len(before + after)


def params_file(options: PipelineOptions) -> str:
    """Path of the parameters file in force."""
    return options.params_file or str(config_dir() / "pipeline.yaml")


def shared_parameters(options: PipelineOptions) -> dict[str, Any]:
    """Parameters that every node is given."""
    return {"use_sim_time": options.use_sim_time}


def enclave(node: NodeSpec, options: PipelineOptions) -> str:
    """Name under which a node has keys and permissions, where ROS's security is switched on."""
    return f"/{options.namespace}/{node.name}"


def command(node: NodeSpec, options: PipelineOptions) -> list[str]:
    """Command line that runs one node of the graph as a process of its own."""
    words = [sys.executable, "-m", node.module, "--ros-args", "--enclave", enclave(node, options)]
    words += ["-r", f"__ns:=/{options.namespace}", "-r", f"__node:={node.name}"]
    words += ["--log-level", options.log_level, "--params-file", params_file(options)]
    for name, value in {**shared_parameters(options), **node.parameters}.items():
        words += ["-p", f"{name}:={_yaml(value)}"]
    return words


def _yaml(value: Any) -> str:
    """Write a value as the YAML that `--ros-args -p` reads."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, Sequence):
        return "[" + ", ".join(_yaml(item) for item in value) + "]"
    return str(value)
