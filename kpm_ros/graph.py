"""Which nodes make the pipeline, with which topics and options. No ROS is needed to read it.

`launch/pipeline.launch.py` and `kpm up` both build from here, and so does the diagram in README.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kpm_ros import devices
from kpm_ros.resources import config_dir


@dataclass(frozen=True)
class Topic:
    """One topic: its name relative to the namespace, its type, and the name of its QoS profile."""

    name: str
    type: str
    qos: str
    rate: str


@dataclass(frozen=True)
class Option:
    """One choice the user has when the pipeline is started."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()


YES_NO = ("true", "false")

TOPICS = (
    Topic("camera/{view}/hand", "kpm_ros/msg/HandLandmarks", "sensor", "camera"),
    Topic("keys/events", "kpm_ros/msg/KeyEvent", "events", "events"),
    Topic("keys/motion", "kpm_ros/msg/KeyMotion", "sensor", "100/s"),
    Topic("emg/samples", "kpm_ros/msg/EmgSamples", "sensor", "100/s"),
    Topic("emg/envelope", "kpm_ros/msg/EmgSamples", "sensor", "100/s"),
    Topic("aligned", "kpm_ros/msg/AlignedSamples", "chunks", "60-200/s"),
    Topic("effort", "kpm_ros/msg/MuscleEffort", "effort", "2000/s"),
    Topic("effort/chunks", "kpm_ros/msg/MuscleEffortChunk", "chunks", "60-200/s"),
    Topic("effort/info", "kpm_ros/msg/EffortInfo", "latched", "latched"),
    Topic("assist/command", "std_msgs/msg/Float64MultiArray", "command", "500/s"),
    Topic("gesture", "kpm_ros/msg/Gesture", "events", "on change, 20/s"),
    Topic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", "diagnostics", "1/s"),
)

OPTIONS = (
    Option(
        "source",
        "simulator",
        "where samples come from: the simulated pianist, cameras and a piano that are plugged in, "
        "or topics that other nodes publish",
        ("simulator", "devices", "topics"),
    ),
    Option("views", "top,right", "camera views, in the model's order, separated by commas"),
    Option(
        "cameras",
        "",
        "devices: the camera of each view, in order, separated by commas: a device (0, "
        "/dev/video0), a video file, or a stream's address; empty = 0,1,...",
    ),
    Option(
        "midi",
        "",
        "simulator: the .mid file that is played, empty = built-in study; devices: a .mid file, "
        "tcp://host:port, or part of a port's name, empty = the first piano",
    ),
    Option("emg", "true", "whether EMG is published as well", YES_NO),
    Option(
        "emg_device",
        "lsl",
        "devices: lsl or lsl:NAME for a stream, brainflow:ID for a board, or a .csv recording",
    ),
    Option("model", "pianokpm-sim", "weights: a shipped model's name or a .safetensors path"),
    Option("namespace", "kpm", "namespace of every node and topic"),
    Option("params_file", "", "parameters of every node; empty = the package's pipeline.yaml"),
    Option("use_sim_time", "false", "take time from /clock, as under `ros2 bag play`", YES_NO),
    Option("record", "", "folder to record a bag into; empty = no recording"),
    Option("exo", "true", "whether the exoskeleton node runs (disabled until enabled)", YES_NO),
    Option("gesture", "true", "whether the gesture node runs (disabled until enabled)", YES_NO),
    Option("log_level", "info", "what nodes log", ("debug", "info", "warn", "error", "fatal")),
    Option("respawn", "true", "whether a node that ends by itself is started again", YES_NO),
)


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


@dataclass(frozen=True)
class PipelineOptions:
    """What the user chose, checked and typed."""

    source: str = "simulator"
    views: tuple[str, ...] = ("top", "right")
    cameras: tuple[str, ...] = ()
    midi: str = ""
    emg: bool = True
    emg_device: str = "lsl"
    model: str = "pianokpm-sim"
    namespace: str = "kpm"
    params_file: str = ""
    use_sim_time: bool = False
    record: str = ""
    exo: bool = True
    gesture: bool = True
    log_level: str = "info"
    respawn: bool = True

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
    if option.choices and word not in option.choices:
        allowed = ", ".join(option.choices)
        raise ValueError(f"{option.name} is {value!r}, but must be one of: {allowed}")
    if option.choices == YES_NO:
        return word == "true"
    if option.name == "views":
        views = tuple(view.strip() for view in word.split(",") if view.strip())
        if not views or len(set(views)) != len(views):
            raise ValueError(f"views is {value!r}, but must name each camera view once: top,right")
        return views
    if option.name == "cameras":
        return tuple(camera.strip() for camera in word.split(",") if camera.strip())
    if option.name == "namespace":
        word = word.strip("/")
        if not word or not all(part.isidentifier() for part in word.split("/")):
            raise ValueError(f"namespace is {value!r}, but must be a ROS name such as kpm")
    return word


def build(options: PipelineOptions) -> list[NodeSpec]:
    """List the nodes that the options ask for, in the order of the data's way."""
    hands = tuple(f"camera/{view}/hand" for view in options.views)
    views = list(options.views)
    nodes = []
    if options.source == "simulator":
        emg = ("emg/samples",) if options.emg else ()
        nodes.append(
            NodeSpec(
                "simulator",
                "a simulated pianist: cameras, keys and EMG",
                publishes=(*hands, "keys/events", "keys/motion", *emg),
                parameters={"views": views, "score": options.midi, "emg": options.emg},
            )
        )
    if options.source == "devices":
        nodes += _devices(options)
    nodes.append(
        NodeSpec(
            "synchronizer",
            "all senses onto one time grid",
            publishes=("aligned",),
            subscribes=(*hands, "keys/events", "keys/motion"),
            parameters={"views": views, "model": options.model},
        )
    )
    nodes.append(
        NodeSpec(
            "inference",
            "grid samples to muscle effort at 2 kHz",
            publishes=("effort", "effort/chunks", "effort/info"),
            subscribes=("aligned",),
            parameters={"model": options.model},
        )
    )
    effort = ("effort", "effort/info")
    if options.exo:
        nodes.append(
            NodeSpec("exo", "effort to joint torques", ("assist/command",), subscribes=effort)
        )
    if options.gesture:
        nodes.append(NodeSpec("gesture", "effort to gestures", ("gesture",), subscribes=effort))
    if options.record:
        spoken = (topic for node in nodes for topic in (*node.subscribes, *node.publishes))
        recorded = tuple(dict.fromkeys(spoken))
        nodes.append(
            NodeSpec(
                "recorder",
                "everything into a bag",
                subscribes=recorded,
                parameters={"folder": options.record, "topics": list(recorded)},
            )
        )
    return nodes


def _devices(options: PipelineOptions) -> list[NodeSpec]:
    """One driver for each camera, the piano and the amplifier."""
    cameras = options.cameras or tuple(str(number) for number in range(len(options.views)))
    if len(cameras) != len(options.views):
        raise ValueError(
            f"cameras names {len(cameras)} of them, but there are {len(options.views)} views: "
            f"{', '.join(options.views)}"
        )
    nodes = [
        NodeSpec(
            f"camera_{view}",
            f"the hand as the camera {view} sees it",
            publishes=(f"camera/{view}/hand",),
            parameters={"source": source, "view": view},
            kind="camera",
        )
        for view, source in zip(options.views, cameras, strict=True)
    ]
    piano = devices.midi_parameters(options.midi)
    nodes.append(NodeSpec("midi", "the piano's keys", ("keys/events",), parameters=piano))
    if options.emg:
        published = ("emg/samples", "emg/envelope")
        amplifier = devices.emg_parameters(options.emg_device)
        nodes.append(NodeSpec("emg", "the EMG amplifier", published, parameters=amplifier))
    return nodes


def topic(name: str) -> Topic:
    """Look a topic up by its name, with the view filled in or not."""
    for entry in TOPICS:
        if entry.name == name or _matches(entry.name, name):
            return entry
    raise KeyError(f"no topic {name!r} in the graph")


def _matches(pattern: str, name: str) -> bool:
    before, view, after = pattern.partition("{view}")
    return bool(view) and name.startswith(before) and name.endswith(after)


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
