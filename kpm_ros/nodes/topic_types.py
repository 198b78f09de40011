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

"""The classes of the messages of the graph's topics."""

from __future__ import annotations

import importlib

from kpm_ros import graph
from kpm_ros.core.settings import ConfigurationError


def message_type(name: str) -> type:
    """Find the class of a topic's messages."""
    package, _, kind = graph.topic(name).type.split("/")
    found: type = getattr(importlib.import_module(f"{package}.msg"), kind)
    return found


def known_topic(name: str, node: str) -> graph.Topic:
    """Find a topic that a node's parameter `topics` names; one that is not there is refused."""
    try:
        return graph.topic(name)
    except KeyError:
        raise ConfigurationError(
            f"{node}: topics has {name!r}, which the graph does not have"
        ) from None
