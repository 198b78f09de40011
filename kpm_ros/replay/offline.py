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

"""A run over again: what was recorded through the same objects as live, without ROS or waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kpm_ros.align.aligner import Aligner
from kpm_ros.core.chunks import AlignedChunk, EffortChunk
from kpm_ros.core.grid import NS_PER_S
from kpm_ros.estimate.two_hands import Estimator
from kpm_ros.models.card import ModelCard
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_file import BagMessage
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.received import ReceivedMessages
from kpm_ros.wire import decode
from kpm_ros.wire.inputs import Input

LOOK_S = 0.1875
"""How far apart in the recording's time settled samples are asked for, and the longest chunk of
them. What they are does not depend on it; the network takes many at a time for less."""

LOOK_NS = round(LOOK_S * NS_PER_S)

LONGEST_SILENCE_NS = 10 * NS_PER_S
"""What of a silence is longer is skipped rather than filled with invalid samples."""

Progress = Callable[[int], None]
"""Called now and then with the time of receipt that the replay has come to."""


@dataclass
class ReplayCounts:
    """What was read."""

    messages: int = 0
    refused: int = 0
    """Messages whose contents cannot be what their type says."""
    silences: int = 0
    """Times that the recording was silent for so long that the rest was skipped."""
    unheard: int = 0
    """Messages left out as the run did not receive them either."""
    lacking: int = 0
    """Messages that the run received, but the recorder did not."""


class Replay:
    """Drives an aligner with a recording, in the order of receipt.

    Messages are handed over at the instants at which the run received them or, where the bag does
    not tell, the recorder did. What is settled is asked for at regular instants of that time: two
    replays give the same, bit for bit.

    >>> from kpm_ros.align.aligner import Aligner, AlignerConfig
    >>> from kpm_ros.estimate.estimator import EffortEstimator
    >>> from kpm_ros.models.registry import architecture_of
    >>> from kpm_ros.models.weight_files import load_model
    >>> from kpm_ros.replay.topics import TopicFinder
    >>> card, tensors = load_model(model)  # a model file
    >>> estimator = EffortEstimator(card, architecture_of(card).stream(card, tensors))
    >>> aligner = Aligner(AlignerConfig(streams=card.streams, rate_hz=card.rate_hz))
    >>> with BagReader(recording) as bag:  # a bag's folder
    ...     replay, inputs = Replay(bag, card), TopicFinder(bag).inputs(card.streams)
    ...     chunks = list(stream(estimator, replay.align(inputs, aligner)))
    >>> sum(len(chunk) for chunk in chunks) > 3000, chunks[0].effort.shape[1]
    (True, 6)
    """

    def __init__(
        self,
        bag: BagReader,
        card: ModelCard | None = None,
        progress: Progress = lambda now_ns: None,
    ) -> None:
        """Prepare; nothing is read yet. The model's card is for what was on the grid already."""
        self.counts = ReplayCounts()
        self._bag = bag
        self._card = card
        self._progress = progress

    def align(
        self, inputs: Mapping[str, Input], aligner: Aligner, receipts: str | None = None
    ) -> Iterator[AlignedChunk]:
        """Put what the senses said onto the grid; the topic `receipts` tells when it came."""
        takers = _takers(inputs, aligner)
        looked_ns: int | None = None
        received = ReceivedMessages(self._bag, inputs, receipts)
        for message, received_ns in received:
            looked_ns = received_ns if looked_ns is None else looked_ns
            for look_ns in self._looks(looked_ns, received_ns):
                looked_ns = look_ns
                yield from aligner.advance(look_ns)
            self._take(message, received_ns, takers[message.topic])
        self.counts.unheard, self.counts.lacking = received.unheard, received.lacking
        if looked_ns is None or self._bag.span_ns is None:
            raise BagError(f"the bag {self._bag.folder} holds no message of the model's inputs")
        end_ns = self._bag.span_ns[1]
        for look_ns in (*self._looks(looked_ns, end_ns), end_ns):
            yield from aligner.advance(look_ns)

    def read_aligned(self, topic: str) -> Iterator[AlignedChunk]:
        """Take the grid samples that the live run put onto the grid."""
        assert self._card is not None
        for message in self._bag.messages([topic]):
            self.counts.messages += 1
            self._progress(message.stamp_ns)
            try:
                chunk = decode.aligned_chunk(self._bag.decode(message), self._card.streams)
                decode.require_fit(chunk, self._card)
            except decode.RefusedMessageError as error:
                self.counts.refused += 1
                if self.counts.refused == self.counts.messages:
                    raise BagError(f"{topic} of the bag {self._bag.folder} has {error}") from None
                continue
            yield chunk

    def _looks(self, after_ns: int, before_ns: int) -> Iterator[int]:
        """Instants between two others at which to ask for what is settled."""
        look_ns = (after_ns // LOOK_NS + 1) * LOOK_NS
        while look_ns < before_ns:
            self._progress(look_ns)
            yield look_ns
            look_ns += LOOK_NS
            if look_ns > after_ns + LONGEST_SILENCE_NS and look_ns < before_ns:
                self.counts.silences += 1
                look_ns = before_ns // LOOK_NS * LOOK_NS
                after_ns = look_ns

    def _take(
        self, message: BagMessage, received_ns: int, take: Callable[[Any, int], None]
    ) -> None:
        self.counts.messages += 1
        try:
            take(self._bag.decode(message), received_ns)
        except decode.RefusedMessageError:
            self.counts.refused += 1


def stream(estimator: Estimator, chunks: Iterable[AlignedChunk]) -> Iterator[EffortChunk]:
    """Turn grid samples into effort as they come."""
    for chunk in chunks:
        effort = estimator.push(chunk)
        if effort is not None:
            yield effort


def _takers(inputs: Mapping[str, Input], aligner: Aligner) -> dict[str, Callable[[Any, int], None]]:
    """How a message of each topic is handed to the aligner."""

    def taker(entry: Input) -> Callable[[Any, int], None]:
        push = entry.push(aligner)
        return lambda message, received_ns: push(entry.convert(message), received_ns)

    return {topic: taker(entry) for topic, entry in inputs.items()}
