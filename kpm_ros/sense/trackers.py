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

"""Which tracker finds which skeleton."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kpm_ros.core.settings import check_choice
from kpm_ros.core.streams import Landmarks, Stream
from kpm_ros.sense.bodies import pose_graph
from kpm_ros.sense.bodies.person_identity import PersonRules
from kpm_ros.sense.bodies.tracking import BodyTracker
from kpm_ros.sense.hands import mediapipe_hands
from kpm_ros.sense.hands.tracking import ChosenHands, HandRules
from kpm_ros.sense.samples import BODY, HAND
from kpm_ros.sense.tracking.tracker import Tracker, TrackerConfig


@dataclass(frozen=True)
class Kind:
    """How the tracker of a skeleton is made."""

    make: Callable[[TrackerConfig, Any], Tracker]
    what: str
    """What it finds, in a word."""
    models: str
    """What MediaPipe calls its models."""
    rules: type[HandRules] | type[PersonRules]
    """What says whom it follows."""


TRACKERS: Mapping[str, Kind] = {
    HAND: Kind(ChosenHands, "hand", mediapipe_hands.MODELS, HandRules),
    BODY: Kind(BodyTracker, "body", pose_graph.MODELS, PersonRules),
}
"""Our own trackers, by the skeleton that they find."""


def tracker_of(skeleton: str) -> Kind:
    """Find the tracker of a skeleton; one that nobody here tracks is refused."""
    check_choice("skeleton", skeleton, tuple(TRACKERS))
    return TRACKERS[skeleton]


def is_tracked(stream: Stream) -> bool:
    """Whether a stream is what one of our own trackers gives."""
    return isinstance(stream, Landmarks) and stream.skeleton.name in TRACKERS
