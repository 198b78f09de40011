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

"""What a recording says of hands and keys, for measuring the time between them."""

from __future__ import annotations

from pathlib import Path

from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topics import KEY_EVENT, TopicFinder
from kpm_ros.sense.samples import KeyEvent, LandmarkFrame
from kpm_ros.wire import decode


def read_hands_and_keys(
    folder: Path, namespace: str = ""
) -> tuple[list[LandmarkFrame], list[KeyEvent]]:
    """Read all camera views and the key events, found by their types; damaged ones are left out."""
    frames: list[LandmarkFrame] = []
    events: list[KeyEvent] = []
    with BagReader(folder) as bag:
        finder = TopicFinder(bag, namespace)
        keys = finder.require(KEY_EVENT)
        hands = [topic for name, topic in finder.senses().items() if name.startswith("camera/")]
        for message in bag.messages([keys, *hands]):
            try:
                decoded = bag.decode(message)
                if message.topic == keys:
                    events.append(decode.key_event(decoded))
                else:
                    frames.append(decode.landmark_frame(decoded))
            except decode.RefusedMessageError:
                continue
    return frames, events
