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

"""ROS parameters files: which of their values are meant for a node.

`/**` speaks to every node there is, of other packages as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.core.settings import ConfigurationError

LONGEST_NAME = 64
"""No node is so many namespaces deep."""


@dataclass
class Given:
    """What was given for a node."""

    values: dict[str, Any] = field(default_factory=dict)
    for_all: set[str] = field(default_factory=set)
    """Names that were given to every node, and not to this one in particular."""


def meant_for(table: Mapping[str, Any], node: str) -> Given:
    """Pick what a parameters file holds for a node; what comes later in it counts."""
    given = Given()
    for pattern, parameters in _sections(table):
        if names(pattern, node):
            if pattern.rpartition("/")[2] in ("*", "**"):
                given.for_all |= parameters.keys() - given.values.keys()
            else:
                given.for_all -= parameters.keys()
            given.values |= parameters
    return given


def read_table(path: Path) -> dict[str, Any]:
    """Read a parameters file as a table."""
    if not path.exists():
        raise ConfigurationError(f"params_file is {str(path)!r}, but there is no such file")
    content = read_yaml(path)
    if not isinstance(content, dict):
        raise ConfigurationError(
            f"params_file {path} is not a table of nodes and their ros__parameters"
        )
    return content


def names(pattern: str, node: str) -> bool:
    """Whether a name with wildcards (`*` one part, `**` any number) is this node's."""
    if pattern.count("/") > LONGEST_NAME:
        return False
    return _parts_match(pattern.strip("/").split("/"), node.strip("/").split("/"))


def _sections(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield whom each part of a file speaks to, and what it says, in the file's order."""
    for key, value in table.items():
        if key == "ros__parameters" and isinstance(value, dict):
            yield prefix, dict(_flat(value))
        elif isinstance(value, dict):
            yield from _sections(value, f"{prefix}/{str(key).strip('/')}")


def _flat(parameters: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield parameters by their names; a table in a table is a name with dots."""
    for key, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _parts_match(pattern: list[str], parts: list[str]) -> bool:
    if not pattern or not parts:
        return not parts and all(part == "**" for part in pattern)
    if pattern[0] == "**":
        return _parts_match(pattern[1:], parts) or _parts_match(pattern, parts[1:])
    return pattern[0] in ("*", parts[0]) and _parts_match(pattern[1:], parts[1:])
