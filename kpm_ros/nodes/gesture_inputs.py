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

"""What a gesture model takes, read from the pipeline's topics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from kpm_ros.act.freshness import FreshnessRules
from kpm_ros.act.gestures.gesture_model import GestureCard, Input
from kpm_ros.act.gestures.learnt import Batch
from kpm_ros.client import EffortReader
from kpm_ros.core.flags import INVALID_SIDE, Flag
from kpm_ros.core.hands import side_of
from kpm_ros.msg import ChannelSamples, Landmarks
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.pipeline_topics import LANDMARKS
from kpm_ros.wire.decode import RefusedMessageError
from kpm_ros.wire.gesture_signals import (
    Samples,
    chosen,
    emg_samples,
    shape_samples,
)

EFFORT_HZ = 2000.0
WATCHED = 20
"""Frames of a camera between which its rate is measured."""


class SignalReader(Protocol):
    """Reads one signal; use it from one thread."""

    misfit: str
    """Why it cannot be what the model takes; empty while it can."""
    trouble: str
    """What came beside it, the last time, so that nothing should be believed."""

    @property
    def messages(self) -> int:
        """How many have come."""

    def take(self) -> Batch | None:
        """Take what has come; None for nothing."""


class TopicSignal:
    """A signal on a topic of its own."""

    def __init__(
        self,
        node: PipelineNode,
        taken: Input,
        kind: type,
        topic: str,
        read: Callable[[Any], Samples],
    ) -> None:
        """Subscribe."""
        self.misfit = self.trouble = ""
        self._messages = 0
        self._node, self._taken, self._read = node, taken, read
        self._topic = PolledSubscription[Any](node, kind, topic, node.input_profile(topic))
        self._frames: list[int] = []
        node.expect_one_publisher(self._topic)

    @property
    def messages(self) -> int:
        """How many have come."""
        return self._messages

    def take(self) -> Batch | None:
        """Take what has come, in the model's channels."""
        stamps, samples = [], []
        for message, _ in self._topic.take():
            self._messages += 1
            try:
                read = self._read(message)
                values = chosen(self._with_rate(read), self._taken.channels, self._taken.rate_hz)
            except RefusedMessageError as error:
                self._node.refuse(f"{self._topic.topic}: {error}")
                continue
            except ValueError as error:
                self._say(f"{self._topic.topic}: {error}")
                continue
            self.misfit = ""
            stamps.append(read.stamps_ns)
            samples.append(values)
        if not stamps:
            return None
        whole = np.concatenate(stamps)
        return Batch(whole, np.concatenate(samples), np.zeros(len(whole), np.int64))

    def _with_rate(self, read: Samples) -> Samples:
        """Measure the rate of what does not state it."""
        if read.rate_hz:
            return read
        self._frames = [*self._frames[-WATCHED:], int(read.stamps_ns[-1])]
        if len(self._frames) <= WATCHED:
            return read
        period_s = float(np.median(np.diff(self._frames))) / 1e9
        return read._replace(rate_hz=1 / period_s) if period_s > 0 else read

    def _say(self, sentence: str) -> None:
        if sentence != self.misfit:
            self._node.refuse(sentence)
        self.misfit = sentence


class EffortSignal:
    """Effort, of the one publisher that is followed."""

    def __init__(self, node: PipelineNode, taken: Input, rules: FreshnessRules) -> None:
        """Subscribe."""
        self.misfit = self.trouble = ""
        self._node, self._taken = node, taken
        self._reader = EffortReader(node, timeout_s=rules.timeout_s, max_age_s=rules.max_age_s)
        node.expect_one_publisher(*self._reader.subscriptions)
        sides = {side_of(name) for name in taken.channels} - {""}
        self._spoilt_by = sum(INVALID_SIDE[side] for side in sides)

    @property
    def messages(self) -> int:
        """How many samples have come."""
        return self._reader.messages

    def take(self) -> Batch | None:
        """Take what has come, in the model's muscles."""
        batch = self._reader.take()
        self.trouble = self._reader.trouble
        if self._reader.info is None or not len(batch):
            return None
        read = Samples(
            batch.stamps_ns, batch.effort.astype(np.float64), self._reader.muscles, EFFORT_HZ
        )
        try:
            values = chosen(read, self._taken.channels, self._taken.rate_hz)
        except ValueError as error:
            self.misfit = f"{self._reader.topic}: {error}"
            return None
        self.misfit = ""
        spoilt = np.where(batch.flags & self._spoilt_by, int(Flag.INVALID), 0)
        return Batch(batch.stamps_ns, values, batch.flags | spoilt)


def open_signals(
    node: PipelineNode, card: GestureCard, view: str, rules: FreshnessRules
) -> dict[str, SignalReader]:
    """Subscribe to each signal that a model takes."""
    found: dict[str, SignalReader] = {}
    for taken in card.inputs:
        if taken.signal == "effort":
            found["effort"] = EffortSignal(node, taken, rules)
        elif taken.signal == "emg":
            found["emg"] = TopicSignal(node, taken, ChannelSamples, "emg/samples", emg_samples)
        else:
            topic = LANDMARKS.of(view)
            found["landmarks"] = TopicSignal(node, taken, Landmarks, topic, shape_samples)
    return found
