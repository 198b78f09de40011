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

"""The pipeline's topics: their names, types and sizes, and those that each stream is read from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kpm_ros.core.streams import Stream, Streams


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

    @property
    def of_each_stream(self) -> bool:
        """Whether there is one for each view, or for each stream of channels."""
        return bool(_PLACE.search(self.name))

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
    "keys/motion", "kpm_ros/msg/KeyMotion", "sensor", "200/s", 512 * KIB, sensed=True
)
CHANNELS = Topic(
    "channels/{stream}", "kpm_ros/msg/ChannelSamples", "sensor", "device", 512 * KIB, sensed=True
)
DEAD_MAN = Topic("assist/deadman", "sensor_msgs/msg/Joy", "sensor", "device", 16 * KIB)
"""A switch that somebody holds while a machine may move; it is no node's."""
PROMPT = Topic(
    "session/prompt", "kpm_ros/msg/SessionPrompt", "latched", "1/s, in a session", 64 * KIB
)
"""What `kpm session` asks of the person; it is no node's."""

PLAYED_JOINTS = Topic("motion/joint_states", "sensor_msgs/msg/JointState", "events", "100/s")
PLAYED_MARKERS = Topic(
    "motion/markers", "visualization_msgs/msg/MarkerArray", "image", "100/s, if listened to"
)
"""What `kpm play` says of a movement; it is no node's of the graph."""

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
    Topic("aligned/receipts", "kpm_ros/msg/Receipts", "chunks", "10/s, if listened to", 1 << 20),
    Topic("effort", "kpm_ros/msg/MuscleEffort", "effort", "2000/s"),
    Topic("effort/chunks", "kpm_ros/msg/MuscleEffortChunk", "chunks", "60-200/s"),
    Topic("effort/info", "kpm_ros/msg/EffortInfo", "latched", "latched"),
    Topic("effort/view", "sensor_msgs/msg/JointState", "events", "100/s, if listened to", 64 * KIB),
    Topic("assist/command", "std_msgs/msg/Float64MultiArray", "command", "500/s", moves=True),
    Topic("assist/command_stamped", "kpm_ros/msg/AssistCommand", "command", "500/s", moves=True),
    DEAD_MAN,
    Topic("assist/state", "kpm_ros/msg/AssistState", "latched", "on change, 1/s"),
    Topic("drive/command", "std_msgs/msg/Float64MultiArray", "command", "500/s", moves=True),
    Topic("drive/state", "kpm_ros/msg/DriveState", "events", "50/s"),
    Topic(
        "playback/targets",
        "trajectory_msgs/msg/JointTrajectory",
        "command",
        "100/s, while armed",
        moves=True,
    ),
    Topic("playback/state", "kpm_ros/msg/AssistState", "latched", "on change, 1/s"),
    Topic("gesture", "kpm_ros/msg/Gesture", "events", "on change, 20/s"),
    PROMPT,
    PLAYED_JOINTS,
    PLAYED_MARKERS,
    Topic("/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", "diagnostics", "1/s"),
    Topic("/parameter_events", "rcl_interfaces/msg/ParameterEvent", "events", "events"),
    Topic("/rosout", "rcl_interfaces/msg/Log", "log", "events"),
)

SPOKEN_BY_EVERY_NODE = ("/diagnostics", "/parameter_events", "/rosout")

OF_KIND = {
    "landmarks": (LANDMARKS,),
    "keys": (KEY_EVENTS, KEY_MOTION),
    "channels": (CHANNELS,),
}
"""Topics that a stream of each kind is read from."""


def input_topics(streams: Streams) -> list[str]:
    """List the topics that a list of streams is read from."""
    return [entry.of(word_of(stream)) for stream in streams for entry in OF_KIND[stream.kind]]


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
    return _word(view, "" if view == stream.name else getattr(stream, "side", ""))


def landmarks_topic(view: str, side: str = "") -> str:
    """Name of the topic of a view's hand or body; of two hands, of the one of this side.

    >>> landmarks_topic("top"), landmarks_topic("top", "left")
    ('camera/top/landmarks', 'camera/top/left/landmarks')
    """
    return LANDMARKS.of(_word(view, side))


def _word(view: str, side: str) -> str:
    return f"{view}/{side}" if side else view


def topic(name: str) -> Topic:
    """Look a topic up by its name, with the view or stream filled in or not."""
    for entry in TOPICS:
        if entry.name == name or (entry.of_each_stream and _matches(entry.name, name)):
            return entry
    raise KeyError(f"no topic {name!r} in the graph")


def _matches(pattern: str, name: str) -> bool:
    before, after = _PLACE.split(pattern)
    return name.startswith(before) and name.endswith(after) and len(name) > len(before + after)
