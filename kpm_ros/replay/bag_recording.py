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

"""A bag as a recording of a data set: what devices said in it, and the effort measured by EMG.

Bags of this package are understood by themselves, others with a table of their topics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_files import printable
from kpm_ros.learn.importing.measured import (
    EMG,
    Measured,
    TakenRecording,
    TakeRules,
    recording_of,
)
from kpm_ros.learn.recordings.recording import RecordingError
from kpm_ros.pipeline_topics import CHANNELS
from kpm_ros.replay import recorded_with
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.topic_map import TopicMap
from kpm_ros.replay.topics import EMG as EMG_TYPE
from kpm_ros.replay.topics import KEY_EVENT, KEY_MOTION, TopicFinder
from kpm_ros.sense.samples import ChannelChunk, LandmarkFrame
from kpm_ros.wire import decode

Keep = Callable[[Any, int], None]


def recording_of_bag(
    folder: Path, rules: TakeRules, topics: TopicMap | None = None, namespace: str = ""
) -> TakenRecording:
    """Make a recording of a bag; a ValueError says why there can be none.

    What of the bag cannot be used is said, and the rest is used.
    """
    try:
        return recording_of(read_measured(folder, topics, namespace), rules)
    except (BagError, RecordingError) as error:
        raise RecordingError(_about(folder, error)) from None


def read_measured(folder: Path, topics: TopicMap | None = None, namespace: str = "") -> Measured:
    """Read what devices said in a bag, as far as it can be read."""
    measured = Measured()
    with BagReader(folder) as bag:
        measured.registration = recorded_with.registration(bag.facts)
        keepers = _mapped(topics, measured) if topics else _own(bag, measured, namespace)
        lacking = [topic for topic in keepers if topic not in bag.topics]
        for topic in lacking:
            measured.said.append(f"the bag {folder} has no topic {topic}")
            del keepers[topic]
        if not keepers:
            raise BagError(
                f"the bag {folder} has none of the topics wanted: it has "
                f"{printable(', '.join(sorted(bag.topics))) or 'none'}"
            )
        refused: dict[str, tuple[int, str]] = {}
        for message in _readable(bag, keepers, measured):
            try:
                keepers[message.topic](bag.decode(message), message.stamp_ns)
            except (decode.RefusedMessageError, BagError) as error:
                count, first = refused.get(message.topic, (0, str(error)))
                refused[message.topic] = (count + 1, first)
        measured.said += [
            f"{count} messages of {topic} were left out: {first}"
            for topic, (count, first) in refused.items()
        ]
    return measured


def _readable(bag: BagReader, topics: Any, measured: Measured) -> Iterator[Any]:
    """Give messages up to where the bag is damaged, if it is."""
    messages = bag.messages(list(topics))
    while True:
        try:
            message = next(messages, None)
        except BagError as error:
            measured.said.append(f"it was read up to where it is damaged: {error}")
            return
        if message is None:
            return
        yield message


def _own(bag: BagReader, measured: Measured, namespace: str) -> dict[str, Keep]:
    """Find the topics of this package's devices."""
    finder = TopicFinder(bag, namespace)
    keepers: dict[str, Keep] = {}
    emg = finder.find(EMG_TYPE)
    for name, topic in finder.senses().items():
        if topic == emg or name == "emg/samples":
            keepers[topic] = partial(_channels, measured, EMG)
        elif bag.topics[topic] == CHANNELS.type:
            keepers[topic] = partial(_channels, measured, "")
        elif bag.topics[topic] in (KEY_EVENT, KEY_MOTION):
            read = decode.key_event if bag.topics[topic] == KEY_EVENT else decode.key_motion
            keepers[topic] = partial(_keys, measured, read)
        else:
            keepers[topic] = partial(_frames, measured)
    return keepers


def _mapped(topics: TopicMap, measured: Measured) -> dict[str, Keep]:
    """Find the topics that a table names."""

    def channels(name: str, convert: Any) -> Keep:
        kept = measured.channels.setdefault(EMG if name == topics.emg else name, [])
        return lambda message, at_ns: kept.append((convert(message, at_ns), at_ns))

    def frames(name: str, convert: Any) -> Keep:
        kept = measured.frames.setdefault(name, [])
        return lambda message, at_ns: kept.append((convert(message, at_ns), at_ns))

    def keys(convert: Any) -> Keep:
        return lambda message, at_ns: measured.keys.append((convert(message, at_ns), at_ns))

    return {
        **{one.topic: channels(name, one.converter(name)) for name, one in topics.channels.items()},
        **{one.topic: frames(name, one.converter(name)) for name, one in topics.views.items()},
        **{one.topic: keys(one.converter(name)) for name, one in topics.keys.items()},
    }


def _channels(measured: Measured, name: str, message: Any, at_ns: int) -> None:
    chunk: ChannelChunk = decode.channel_chunk(message)
    measured.channels.setdefault(name or chunk.name, []).append((chunk, at_ns))


def _keys(measured: Measured, read: Callable[[Any], Any], message: Any, at_ns: int) -> None:
    measured.keys.append((read(message), at_ns))


def _frames(measured: Measured, message: Any, at_ns: int) -> None:
    frame: LandmarkFrame = decode.landmark_frame(message)
    measured.frames.setdefault(frame.view, []).append((frame, at_ns))


def _about(folder: Path, error: Exception) -> str:
    words = str(error)
    return words if str(folder) in words else f"{folder}: {words}"
