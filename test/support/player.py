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

"""Plays the simulated devices from within a test, with whatever fault the test wants to see."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from kpm_ros.msg import ChannelSamples, KeyEvent, KeyMotion, Landmarks

from kpm_ros.nodes import outgoing, qos
from kpm_ros.sense import samples
from kpm_ros.simulate.cameras import default_cameras
from kpm_ros.simulate.drivers import Sample
from kpm_ros.simulate.example_scores import five_finger_study
from kpm_ros.simulate.pianist import Pianist
from kpm_ros.simulate.session import SimulatedSession
from support.background import Background

FOLLOWED_NS = 500_000_000
"""A clock that jumps by more begins another performance, as real devices would lose theirs."""

Alter = Callable[[Sample], "Sample | None"]


def as_it_is(sample: Sample) -> Sample:
    """Change nothing."""
    return sample


class Player(Background):
    """Publishes in real time what simulated drivers would; `alter` may change or drop samples."""

    def __init__(
        self,
        node: Any,
        namespace: str,
        alter: Alter = as_it_is,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        """Play on the topics of a pipeline in `namespace`, by a clock that may be another."""
        super().__init__()
        self.alter = alter
        self._now_ns = now_ns
        self._begin()
        topics: dict[str, Any] = {
            f"camera/{camera.name}/landmarks": Landmarks for camera in default_cameras()
        }
        topics |= {"keys/events": KeyEvent, "keys/motion": KeyMotion, "emg/samples": ChannelSamples}
        self._publishers = {
            topic: node.create_publisher(kind, f"/{namespace}/{topic}", qos.of(topic))
            for topic, kind in topics.items()
        }

    def send(self, sample: Sample) -> None:
        """Publish a sample, unaltered."""
        if isinstance(sample, samples.LandmarkFrame):
            self._publish(f"camera/{sample.view}/landmarks", outgoing.landmarks_message(sample))
        elif isinstance(sample, samples.KeyEvent):
            self._publish("keys/events", outgoing.key_event_message(sample))
        elif isinstance(sample, samples.KeyMotionChunk):
            self._publish("keys/motion", outgoing.key_motion_message(sample))
        else:
            self._publish("emg/samples", outgoing.channels_message(sample))

    def _publish(self, topic: str, message: Any) -> None:
        self._publishers[topic].publish(message)

    def _begin(self) -> None:
        self._at_ns = self._now_ns()
        self._session = SimulatedSession(
            Pianist(five_finger_study()), default_cameras(), self._at_ns
        )

    def work(self) -> None:
        """Play."""
        while not self.stopping.wait(0.002):
            before_ns, self._at_ns = self._at_ns, self._now_ns()
            if not 0 <= self._at_ns - before_ns < FOLLOWED_NS:
                self._begin()
            for delivery in self._session.advance(self._at_ns):
                sample = self.alter(delivery.sample)
                if sample is not None:
                    self.send(sample)
