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

"""The nodes that publish what is sensed: a simulated subject, or a driver for each device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kpm_ros import devices
from kpm_ros.core.sides import RIGHT
from kpm_ros.core.stream_kinds import KEYBOARD
from kpm_ros.pipeline_nodes import NodeSpec
from kpm_ros.pipeline_options import PipelineOptions
from kpm_ros.pipeline_topics import KEY_EVENTS, KEY_MOTION, LANDMARKS, input_topics, word_of

if TYPE_CHECKING:
    from kpm_ros.core.streams import Landmarks, Streams


def sources(options: PipelineOptions) -> list[NodeSpec]:
    """List the nodes that sense; none where others publish."""
    if options.source == "simulator":
        return [_simulator(options, options.sensed)]
    return _devices(options, options.sensed) if options.source == "devices" else []


def where_cameras_stand(options: PipelineOptions) -> dict[str, Any]:
    """Where the cameras stand, for all who must know it, where that is known."""
    return {"registration": options.registration} if options.registration else {}


def which_hand(options: PipelineOptions) -> dict[str, Any]:
    """Which hand, for all who must agree on it, where it is not the usual one."""
    return {} if options.hand == RIGHT else {"hand": options.hand}


def _simulator(options: PipelineOptions, streams: Streams) -> NodeSpec:
    """Simulate the subject, and all devices that the model's streams need."""
    emg = ("emg/samples",) if options.emg else ()
    return NodeSpec(
        "simulator",
        f"a simulated {options.whose.simulated}: "
        f"{'cameras, keys and EMG' if options.whose.has_keys else 'a camera and EMG'}",
        publishes=(*_simulated(options, streams), *emg),
        parameters={
            "subject": options.subject,
            "views": list(dict.fromkeys(shown.view for shown in streams.landmarks)),
            **which_hand(options),
            "score": options.midi,
            "body": options.body,
            "knock": options.knock,
            "emg": options.emg,
        },
    )


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
    from kpm_ros.core.registered_streams import picture_of
    from kpm_ros.sense.trackers import TRACKERS, is_tracked

    def what(shown: list[Landmarks]) -> str:
        found = TRACKERS[shown[0].skeleton.name].what
        return f"the {found}" if len(shown) == 1 else f"each {found}"

    tracked: dict[str, list[Landmarks]] = {}
    for stream in streams.landmarks:
        if is_tracked(stream):
            tracked.setdefault(stream.view, []).append(stream)
    hands = [view for view in options.streams.landmarks if view.coordinates == KEYBOARD]
    if hands and not tracked:
        # Of cameras that are not registered. They are shown, and may be calibrated; what they show
        # is of no use before.
        for number in range(1, len(options.cameras) + 1):
            tracked[f"view{number}"] = [picture_of(hand, f"view{number}") for hand in hands]
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
                **which_hand(options),
                **where_cameras_stand(options),
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
