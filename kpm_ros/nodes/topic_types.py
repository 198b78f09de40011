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

"""The graph's topics as a node takes them: the classes of their messages, and their queues."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rclpy.qos import QoSProfile

from kpm_ros import pipeline_topics
from kpm_ros.core.settings import ConfigurationError
from kpm_ros.nodes.base import PipelineNode
from kpm_ros.nodes.polling import PolledSubscription
from kpm_ros.pipeline_topics import Topic


def message_type(name: str) -> type:
    """Find the class of a topic's messages."""
    package, _, kind = pipeline_topics.topic(name).type.split("/")
    found: type = getattr(importlib.import_module(f"{package}.msg"), kind)
    return found


class Listened(NamedTuple):
    """A topic of the graph, and its queue."""

    topic: Topic
    queue: PolledSubscription[Any]


def listen(
    node: PipelineNode, names: Sequence[str], profile_of: Callable[[str], QoSProfile]
) -> list[Listened]:
    """Subscribe to what a node's parameter `topics` names; what is not there is refused."""
    listed = []
    for name in names:
        try:
            topic = pipeline_topics.topic(name)
        except KeyError:
            raise ConfigurationError(
                f"{node.name}: topics has {name!r}, which the graph does not have"
            ) from None
        kind, profile = message_type(name), profile_of(name)
        queue: PolledSubscription[Any] = PolledSubscription(
            node, kind, name, profile, topic.largest
        )
        listed.append(Listened(topic, queue))
    return listed
