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
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from kpm_ros import graph
from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_reader import BagReader

HAND = graph.topic("camera/{view}/hand").type
KEY_EVENT = graph.topic("keys/events").type
KEY_MOTION = graph.topic("keys/motion").type
EMG = graph.topic("emg/samples").type
ALIGNED = graph.topic("aligned").type
EFFORT = graph.topic("effort").type
EFFORT_CHUNK = graph.topic("effort/chunks").type
EFFORT_INFO = graph.topic("effort/info").type

NAMES: dict[str, list[str]] = defaultdict(list)
"""How the pipeline's own topics of a type end, the usual one first: it decides where a bag has
several of a type, and what ends as another is something else."""
for _topic in graph.TOPICS:
    if not _topic.name.startswith("/") and "{view}" not in _topic.name:
        NAMES[_topic.type].append(f"/{_topic.name}")

HOW_TO_CHOOSE = "choose with --namespace, or name the ones to use with --topic"


@dataclass(frozen=True)
class Inputs:
    """The topics that the senses are read from."""

    hands: dict[str, str] = field(default_factory=dict)
    """Topic of each camera view."""
    key_events: str | None = None
    key_motion: str | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """All of them."""
        keys = (self.key_events, self.key_motion)
        return (*self.hands.values(), *(topic for topic in keys if topic is not None))


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

    def inputs(self, views: Sequence[str], use_keys: bool) -> Inputs:
        """Find the topics of these camera views, and those of the keys if they are used."""
        hands = self._hands(views) if views else {}
        if not use_keys:
            return Inputs(hands)
        found = Inputs(hands, self.find(KEY_EVENT), self.find(KEY_MOTION))
        if found.key_events is None and found.key_motion is None:
            raise BagError(f"{self._lacks(KEY_EVENT)} or {KEY_MOTION}, but the model takes keys")
        return found

    def senses(self) -> dict[str, str]:
        """Find the topics of all senses; of each, the pipeline's own name for it."""
        named: dict[str, str] = {}
        for sense in graph.TOPICS:
            if sense.sensed and sense.type == HAND:
                views = self._by_view()
                named |= {sense.of_view(view): self._only_one(view, views[view]) for view in views}
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

    def _hands(self, views: Sequence[str]) -> dict[str, str]:
        """Topic of each of these camera views."""
        by_view = self._by_view()
        if not by_view:
            raise BagError(f"{self._lacks(HAND)}, but the model takes the views {', '.join(views)}")
        if not set(views) <= by_view.keys():
            raise BagError(
                f"the bag {self._bag.folder} has the camera views {_listed(by_view)}, but the "
                f"model takes {', '.join(views)}"
            )
        return {view: self._only_one(view, by_view[view]) for view in views}

    def _by_view(self) -> dict[str, list[str]]:
        """Topics of hands, by the camera view that they are of."""
        by_view: dict[str, list[str]] = defaultdict(list)
        for topic in self._of_type(HAND):
            by_view[self._view_of(topic)].append(topic)
        return by_view

    def _only_one(self, view: str, candidates: list[str]) -> str:
        name = graph.topic("camera/{view}/hand").of_view(view)
        usual = [topic for topic in candidates if topic.endswith(f"/{name}")]
        candidates = usual or candidates
        if len(candidates) > 1:
            raise BagError(
                f"the bag {self._bag.folder} has several topics of the camera view {view} "
                f"({_listed(candidates)}): {HOW_TO_CHOOSE}"
            )
        return candidates[0]

    def _view_of(self, topic: str) -> str:
        """Name of the camera view, as the messages say it; the topic's own part without any."""
        for message in self._bag.messages([topic]):
            return str(self._bag.decode(message).view)
        return topic.removesuffix("/hand").rsplit("/", 1)[-1]

    def _of_type(self, kind: str) -> list[str]:
        """Topics of a type; those without messages only where no other has any."""
        found = [topic for topic in self._topics if self._bag.topics[topic] == kind]
        return [topic for topic in found if self._bag.counts[topic]] or found

    def _lacks(self, kind: str) -> str:
        return f"the bag {self._bag.folder} has no topic of type {kind}"


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"
