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

"""A recorded bag as a recording of Rerun, with a time line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kpm_ros.core.grid import NS_PER_S
from kpm_ros.core.registration import Registration
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_hands import read_hands
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.sense.samples import HAND
from kpm_ros.view.layout import layout
from kpm_ros.view.messages import COMPRESSED, HAND_POINTS, IMAGE, MessageView, view_of
from kpm_ros.view.scene import Scene

PARTS = 100
"""Steps of which drawing tells."""


class BagView:
    """Draws what a bag holds; use it in a `with` block."""

    def __init__(
        self, path: Path, namespace: str = "", registration: Registration | None = None
    ) -> None:
        """Open it, and find what can be drawn; a bag without any of it is refused.

        Where the cameras stood is what the bag says, unless it is given.
        """
        self._path, self._namespace, self._registration = path, namespace, registration
        self._bag = BagReader(path)
        prefix = f"/{namespace.strip('/')}/" if namespace.strip("/") else "/"
        kinds = MessageView(Scene(None)).kinds
        self.topics = {
            topic: kind
            for topic, kind in self._bag.topics.items()
            if kind in kinds and (topic.startswith(prefix) or topic == "/diagnostics")
        }
        if not self.topics:
            self._bag.close()
            raise BagError(f"the bag {path} holds nothing that can be shown")

    def __enter__(self) -> BagView:
        return self

    def __exit__(self, *error: object) -> None:
        self._bag.close()

    @property
    def messages(self) -> int:
        """How many messages will be looked at."""
        return sum(self._bag.counts[topic] for topic in self.topics)

    @property
    def views(self) -> list[str]:
        """List the cameras."""
        shown = [
            view_of(topic)
            for topic, kind in self.topics.items()
            if kind in (IMAGE, COMPRESSED) or topic.endswith("/landmarks")
        ]
        return list(dict.fromkeys(shown))

    def missing(self) -> list[str]:
        """Say what is not shown, as the bag does not hold it."""
        kinds = set(self.topics.values())
        return [] if kinds & {IMAGE, COMPRESSED} else ["pictures of cameras"]

    def draw(self, recording: Any, tell: Callable[[], None] = lambda: None) -> MessageView:
        """Draw everything into a recording."""
        recording.send_blueprint(layout(self.views))
        scene = Scene(recording)
        shown = MessageView(scene)
        part = max(1, self.messages // PARTS)
        hands = deque(self._hands())
        for number, message in enumerate(self._bag.messages(self.topics), 1):
            while hands and hands[0][0] <= message.stamp_ns:
                scene.hand(*hands.popleft())
            shown.show(message.topic, self.topics[message.topic], self._bag.decode(message))
            if number % part == 0:
                tell()
        return shown

    def _hands(self) -> Iterator[tuple[int, str, str, NDArray[np.float32]]]:
        """Put hands into space by the registration, without which there are none.

        The live run's own points are in a bag only where somebody listened to them.
        """
        if HAND_POINTS in self.topics.values():
            return
        try:
            found = read_hands(self._path, self._namespace, registration=self._registration)
        except BagError:
            return
        motion = found.motion
        step_ns = NS_PER_S / motion.rate_hz
        for frame in range(len(motion)):
            for side, hand in motion.hands.items():
                if hand.visible[frame] and hand.landmarks is not None:
                    stamp_ns = found.start_ns + round(frame * step_ns)
                    yield stamp_ns, HAND, side, hand.landmarks[frame]
