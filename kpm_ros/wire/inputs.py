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

"""Which messages carry the streams of a list, and how each is handed to the aligner.

Live nodes and replay both read their inputs by this table.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from kpm_ros.align.aligner import Aligner
from kpm_ros.core.streams import Channels, Landmarks, Stream, Streams
from kpm_ros.pipeline_topics import KEY_EVENTS, OF_KIND, Topic, word_of
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.wire import decode

LONGEST_WORD = 100
"""Of what a message says and a sentence repeats."""

Push = Callable[[Any, int], None]


class Input(NamedTuple):
    """One topic of a stream."""

    stream: str
    topic: Topic
    name: str
    """The topic's name, relative to the namespace."""
    word: str
    """What stands for the stream in it."""
    convert: Callable[[Any], Any]
    """Message to sample."""
    push: Callable[[Aligner], Push]
    """Where an aligner takes the sample in, with its time of receipt."""


def inputs_of(streams: Streams) -> list[Input]:
    """List the topics of all streams, in their order."""
    return [
        Input(
            stream.name,
            topic,
            topic.of(word_of(stream)),
            word_of(stream),
            *_way(topic, stream),
        )
        for stream in streams
        for topic in OF_KIND[stream.kind]
    ]


def _way(topic: Topic, stream: Stream) -> tuple[Callable[[Any], Any], Callable[[Aligner], Push]]:
    """How a message of a topic becomes a sample of a stream, and where that is taken in."""
    if isinstance(stream, Landmarks):
        return partial(_landmarks, stream), lambda to: to.push_frame
    if isinstance(stream, Channels):
        return partial(_channels, stream), lambda to: to.push_channels
    if topic is KEY_EVENTS:
        return decode.key_event, lambda to: to.push_key_event
    return decode.key_motion, lambda to: to.push_key_motion


def _landmarks(stream: Landmarks, message: Any) -> LandmarkFrame:
    """Read landmarks, and say why they are not those of the stream."""
    if message.skeleton != stream.skeleton.name:
        raise decode.RefusedMessageError(
            f"{stream.name} shows the skeleton {message.skeleton[:LONGEST_WORD]!r}, but the model "
            f"takes {stream.skeleton.name!r}"
        )
    frame = decode.landmark_frame(message)
    if frame.points is not None and len(frame.points) != len(stream.skeleton):
        raise decode.RefusedMessageError(
            f"{stream.name} has {len(frame.points)} landmarks, but {stream.skeleton.name} has "
            f"{len(stream.skeleton)}"
        )
    if stream.side and frame.side != stream.side:
        raise decode.RefusedMessageError(
            f"{stream.name} shows a hand of the side {frame.side[:LONGEST_WORD]!r}, but the "
            f"{stream.side} one is looked for: start its camera with hand:={stream.side}"
        )
    return frame


def _channels(stream: Channels, message: Any) -> ChannelChunk:
    """Read channels, and say why they are not those of the stream."""
    chunk = decode.channel_chunk(message)
    if chunk.channels != stream.columns or chunk.unit != stream.unit:
        named = ", ".join(chunk.channels)[:LONGEST_WORD]
        raise decode.RefusedMessageError(
            f"{stream.name} has the channels {named} in {chunk.unit[:LONGEST_WORD]!r}, but the "
            f"model takes {', '.join(stream.columns)} in {stream.unit!r}"
        )
    return chunk
