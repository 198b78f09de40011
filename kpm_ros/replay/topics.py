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

"""Which topics of a bag are a model's inputs: by their types, whatever their names are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from kpm_ros import pipeline_topics
from kpm_ros.core.sides import RIGHT
from kpm_ros.core.streams import Streams
from kpm_ros.pipeline_topics import CHANNELS, LANDMARKS, TOPICS, Topic
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.wire.inputs import Input, inputs_of

KEY_EVENT, KEY_MOTION = pipeline_topics.KEY_EVENTS.type, pipeline_topics.KEY_MOTION.type
EMG = pipeline_topics.topic("emg/samples").type
ALIGNED = pipeline_topics.topic("aligned").type
RECEIPTS = pipeline_topics.topic("aligned/receipts").type
EFFORT = pipeline_topics.topic("effort").type
EFFORT_CHUNK = pipeline_topics.topic("effort/chunks").type
EFFORT_INFO = pipeline_topics.topic("effort/info").type

NAMES: dict[str, list[str]] = defaultdict(list)
"""How the pipeline's own topics of a type end, the usual one first: it decides where a bag has
several of a type, and what ends as another is something else."""
for _topic in TOPICS:
    if not _topic.name.startswith("/") and not _topic.of_each_stream:
        NAMES[_topic.type].append(f"/{_topic.name}")

HOW_TO_CHOOSE = "choose with --namespace, or name the ones to use with --topic"


OF_EACH_STREAM = {LANDMARKS: "view", CHANNELS: "stream"}
"""Topics of which there is one for each stream, and where a message names it."""


class TopicFinder:
    """Finds topics by type among those of a namespace, or those that the user has named."""

    def __init__(self, bag: BagReader, namespace: str = "", only: Collection[str] = ()) -> None:
        """Look at all topics; a namespace, or names, that the bag does not have are refused."""
        self._bag = bag
        unknown = sorted(set(only) - set(bag.topics))
        if unknown:
            raise BagError(
                f"the bag {bag.folder} has no topic {unknown[0]}: it has {_listed(bag.topics)}"
            )
        prefix = f"/{namespace.strip('/')}/" if namespace.strip("/") else "/"
        self._topics = [
            topic
            for topic in bag.topics
            if topic.startswith(prefix) and (not only or topic in only)
        ]
        if not self._topics:
            where = f" in the namespace {prefix[:-1]}" if prefix != "/" else ""
            raise BagError(f"the bag {bag.folder} has no topic{where}: {_listed(bag.topics)}")

    def inputs(self, streams: Streams) -> dict[str, Input]:
        """Find the topics that these streams are read from; each is one of the bag's."""
        found: dict[str, Input] = {}
        for entry in inputs_of(streams):
            if entry.topic in OF_EACH_STREAM:
                found[self._of_stream(entry.topic, entry.word)] = entry
            else:
                topic = self.find(entry.topic.type)
                if topic is not None:
                    found[topic] = entry
        if streams.keys and not any(entry.stream == streams.keys.name for entry in found.values()):
            raise BagError(f"{self._lacks(KEY_EVENT)} or {KEY_MOTION}, but the model takes keys")
        return found

    def senses(self) -> dict[str, str]:
        """Find the topics of all senses; of each, the pipeline's own name for it."""
        named: dict[str, str] = {}
        for sense in TOPICS:
            if sense.sensed and sense in OF_EACH_STREAM:
                for word, candidates in self._by_word(sense).items():
                    named[sense.of(word)] = self._only_one(sense, word, candidates)
            elif sense.sensed:
                topic = self.find(sense.type)
                if topic is not None:
                    named[sense.name] = topic
        if not named:
            raise BagError(
                f"the bag {self._bag.folder} holds nothing that the senses say: it has "
                f"{_listed(self._topics)}"
            )
        return named

    def find(self, kind: str) -> str | None:
        """Find the one topic of a type; None when there is none, refused when there are several."""
        usual, *others = NAMES[kind]
        candidates = [t for t in self._of_type(kind) if not t.endswith(tuple(others))]
        candidates = [topic for topic in candidates if topic.endswith(usual)] or candidates
        if len(candidates) > 1:
            raise BagError(
                f"the bag {self._bag.folder} has several topics of type {kind} "
                f"({_listed(candidates)}): {HOW_TO_CHOOSE}"
            )
        return candidates[0] if candidates else None

    def require(self, kind: str) -> str:
        """Find the one topic of a type, which must be there."""
        found = self.find(kind)
        if found is None:
            raise BagError(self._lacks(kind))
        return found

    def _of_stream(self, topic: Topic, word: str) -> str:
        """Topic of one stream; a model that takes any hand is given the right one of two."""
        by_word = self._by_word(topic)
        if not by_word:
            raise BagError(f"{self._lacks(topic.type)}, but the model takes {topic.of(word)}")
        view, _, side = word.partition("/")
        found = next((w for w in (word, f"{view}/{side or RIGHT}", view) if w in by_word), None)
        if found is None:
            raise BagError(
                f"the bag {self._bag.folder} has the {OF_EACH_STREAM[topic]}s "
                f"{_listed(by_word)}, but the model takes {word}"
            )
        return self._only_one(topic, word, by_word[found])

    def _by_word(self, topic: Topic) -> dict[str, list[str]]:
        """Topics of one kind, by the stream that they are of, and by its side where it has two."""
        by_stream: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        for candidate in self._of_type(topic.type):
            if not candidate.endswith(tuple(NAMES[topic.type])):
                stream, side = self._stream_of(topic, candidate)
                by_stream[stream][side].append(candidate)
        return {
            f"{stream}/{side}" if len(of_sides) > 1 and side else stream: topics
            for stream, of_sides in by_stream.items()
            for side, topics in of_sides.items()
        }

    def _only_one(self, topic: Topic, stream: str, candidates: list[str]) -> str:
        usual = [name for name in candidates if name.endswith(f"/{topic.of(stream)}")]
        candidates = usual or candidates
        if len(candidates) > 1:
            raise BagError(
                f"the bag {self._bag.folder} has several topics of the {OF_EACH_STREAM[topic]} "
                f"{stream} ({_listed(candidates)}): {HOW_TO_CHOOSE}"
            )
        return candidates[0]

    def _stream_of(self, topic: Topic, candidate: str) -> tuple[str, str]:
        """Name and side of the stream, as the messages say it; the topic's own without any."""
        for message in self._bag.messages([candidate]):
            told = self._bag.decode(message)
            return str(getattr(told, OF_EACH_STREAM[topic])), str(getattr(told, "side", ""))
        before, after = topic.name.split("{")[0], topic.name.split("}")[1]
        stream, _, side = candidate.removesuffix(after).rsplit(before, 1)[-1].partition("/")
        return stream, side

    def _of_type(self, kind: str) -> list[str]:
        """Topics of a type; those without messages only where no other has any."""
        found = [topic for topic in self._topics if self._bag.topics[topic] == kind]
        return [topic for topic in found if self._bag.counts[topic]] or found

    def _lacks(self, kind: str) -> str:
        return f"the bag {self._bag.folder} has no topic of type {kind}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
