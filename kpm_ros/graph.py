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

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kpm_ros.core.resources import config_dir, find_gesture_model
from kpm_ros.core.sides import RIGHT
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import SHOW, PipelineOptions
from kpm_ros.pipeline_sources import sources, where_cameras_stand, which_hand
from kpm_ros.pipeline_topics import (
    DEAD_MAN,
    KEY_EVENTS,
    LANDMARKS,
    SPOKEN_BY_EVERY_NODE,
    TOPICS,
    input_topics,
    topic,
)

if TYPE_CHECKING:
    from kpm_ros.core.streams import Streams

MANAGED = ("camera", "midi", "emg", "exo", "relay")
"""What runs nodes that ROS's lifecycle tools manage: those that hold devices, or move one."""

WAITS_OVER_NETWORK = {"keys_wait_s": 0.05, "pose_newest_wait_s": 0.02}
"""Cover a chunk of key motion (10 ms, and 3 ms to send it) and up to 35 ms of way; for models of
the newest points 5 ms, 3 and up to 10."""


def build(options: PipelineOptions) -> list[NodeSpec]:
    """List the nodes that the options ask for, in the order of the data's way."""
    _check_subject(options, options.streams)
    if options.drive != "none" and not options.exo:
        raise ValueError(
            f"drive is {options.drive!r}, but exo is false: nothing would command it; choose "
            "drive:=none"
        )
    streams = options.sensed
    inputs = tuple(input_topics(streams))
    nodes = sources(options)
    nodes.append(
        NodeSpec(
            "synchronizer",
            "all streams onto one time grid",
            publishes=("aligned", "aligned/receipts"),
            subscribes=inputs,
            parameters={
                "model": options.model,
                **suited("synchronizer", options, streams),
                **_waits(options),
                **which_hand(options),
                **where_cameras_stand(options),
                **({"begin_with": "recorder"} if options.record else {}),
            },
        )
    )
    nodes.append(
        NodeSpec(
            "inference",
            "grid samples to muscle effort at 2 kHz",
            publishes=("effort", "effort/chunks", "effort/info", "effort/view"),
            subscribes=("aligned",),
            parameters={
                "model": options.model,
                **which_hand(options),
                **suited("inference", options),
            },
        )
    )
    effort = ("effort", "effort/info")
    nodes += _driving(options) if options.exo else []
    if options.gesture:
        nodes.append(
            NodeSpec(
                "gesture",
                "effort to gestures",
                ("gesture",),
                subscribes=_gesture_inputs(options) if options.gesture_model else effort,
                parameters=suited("gesture", options) | _gesture_model(options),
            )
        )
    if options.view:
        shown = tuple(_shown(options, inputs))
        nodes.append(
            NodeSpec(
                "view",
                "everything to look at",
                subscribes=shown,
                parameters={
                    "topics": list(shown),
                    "save": "" if options.view == SHOW else options.view,
                },
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
                    **where_cameras_stand(options),
                },
            )
        )
    return nodes if options.autostart else [_awaiting(node) for node in nodes]


def _driving(options: PipelineOptions) -> list[NodeSpec]:
    """List what moves a machine, and the relay where the drive is on this host."""
    echo = {"drive_echo": True} if options.drive != "none" else {}
    exo = NodeSpec(
        "exo",
        "effort to joint torques",
        ("assist/command", "assist/command_stamped", "assist/state"),
        subscribes=("effort", "effort/info", DEAD_MAN.name, "drive/state"),
        parameters={**suited("exo", options), **echo},
    )
    relay = NodeSpec(
        "relay",
        "fresh commands to the drive, else zero",
        ("drive/command", "drive/state"),
        subscribes=("assist/command_stamped",),
        parameters=suited("relay", options),
    )
    return [exo, relay] if options.drive == "here" else [exo]


def _shown(options: PipelineOptions, inputs: Sequence[str]) -> list[str]:
    """List what the viewer draws; of simulated cameras there are no pictures."""
    names = [name for name in inputs if topic(name).type in (LANDMARKS.type, KEY_EVENTS.type)]
    if options.source != "simulator":
        views = dict.fromkeys(shown.view for shown in options.sensed.landmarks)
        names += [f"camera/{view}/image_raw" for view in views]
    if options.whose.has_keys:
        names.append("hand/points")
    return [*names, "effort/chunks", "effort/info", "/diagnostics"]


def _awaiting(node: NodeSpec) -> NodeSpec:
    """Leave a managed node to whoever manages it."""
    waits = {"autostart": False} if node.executable in MANAGED else {}
    return replace(node, parameters={**node.parameters, **waits})


def _gesture_model(options: PipelineOptions) -> dict[str, Any]:
    """Which model recognises gestures, where one does."""
    if not options.gesture_model:
        return {}
    return {"model": str(find_gesture_model(options.gesture_model))}


def _gesture_inputs(options: PipelineOptions) -> tuple[str, ...]:
    """List the topics that a gesture model is given."""
    from kpm_ros.act.gestures.gesture_model import GestureModel

    topics = {
        "emg": ("emg/samples",),
        "effort": ("effort", "effort/info"),
        "landmarks": (LANDMARKS.of("top"),),
    }
    card = GestureModel.load(find_gesture_model(options.gesture_model)).card
    return tuple(topic for each in card.inputs for topic in topics[each.signal])


def _waits(options: PipelineOptions) -> dict[str, Any]:
    """How long the synchronizer waits, where that is not left to the parameters file."""
    return WAITS_OVER_NETWORK if options.network else {}


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


def suited(node: str, options: PipelineOptions, streams: Streams | None = None) -> dict[str, Any]:
    """Parameters that suit the subject, but for those that the parameters file has changed.

    It is whoever the streams are of, where those are given and tell.
    """
    from kpm_ros.act.muscle_weights import joints_of_hand, weights_of_hand
    from kpm_ros.core.params_file import meant_for, read_table
    from kpm_ros.core.subjects import subject_of

    name = f"/{options.namespace}/{node}"
    subject = (streams and subject_of(streams)) or options.whose
    found = dict(subject.parameters.get(node, {}))
    usual: Mapping[str, Any] = {}
    if options.hand != RIGHT or (found and options.params_file):
        usual = meant_for(read_table(config_dir() / "pipeline.yaml"), name).values
    if options.hand != RIGHT:
        for parameter in {"gains", "gestures", "joints"} & set(usual):
            of_hand = joints_of_hand if parameter == "joints" else weights_of_hand
            found[parameter] = of_hand(usual[parameter], options.hand)
    if found and options.params_file:
        own = meant_for(read_table(Path(options.params_file).expanduser()), name).values
        for parameter in list(found):
            if parameter in own and own[parameter] != usual.get(parameter):
                del found[parameter]
    return found


def senses(options: PipelineOptions) -> list[str]:
    """List the topics that devices speak, which are all that may be played to a pipeline."""
    emg = [entry.name for entry in TOPICS if entry.sensed and not entry.of_each_stream]
    return list(dict.fromkeys([*input_topics(options.sensed), *emg]))
