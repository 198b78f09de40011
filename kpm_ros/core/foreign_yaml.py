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

"""YAML that somebody else wrote: plain values, within limits of size, depth and repetition."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from kpm_ros.core.foreign_files import SETTINGS_BYTES, ForeignFileError, printable, read_text

MOST_NODES, MOST_DEPTH = 200_000, 64
"""Values in a YAML file, with everything that its aliases repeat; and how deep they are nested."""
MOST_DIGITS = 100
"""Digits of a number in a YAML file."""


def read_yaml(path: Path | str, most: int = SETTINGS_BYTES) -> Any:
    """Read a YAML file of plain values."""
    return parse_yaml(read_text(path, most), str(path))


def parse_yaml(text: str, source: str) -> Any:
    """Read YAML of plain values; `source` is what an error calls it.

    Aliases may be used, but what they repeat is counted each time.
    """
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise ForeignFileError(f"{source} is not YAML: it is nested too deeply") from None
    except _TooMuchError as error:
        raise ForeignFileError(f"{source} {error}") from None
    except (yaml.YAMLError, ValueError, TypeError, OverflowError) as error:
        reason = " ".join(str(error).split())
        raise ForeignFileError(f"{source} is not YAML: {printable(reason, 300)}") from None


class _TooMuchError(Exception):
    """YAML beyond the limits."""


class _Loader(yaml.SafeLoader):
    """PyYAML's reader of plain values, with limits."""

    _depth = 0
    _count = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count what is read while it is read."""
        self._depth += 1
        self._count += 1
        if self._depth > MOST_DEPTH:
            raise _TooMuchError(f"is nested more than {MOST_DEPTH} deep")
        if self._count > MOST_NODES:
            raise _TooMuchError(f"holds more than {MOST_NODES} values")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def get_single_node(self) -> Any:
        """Count what aliases repeat, which takes no room here, but time of whoever reads it."""
        node = super().get_single_node()
        if node is not None and _expanded(node, {}) > MOST_NODES:
            raise _TooMuchError(f"holds more than {MOST_NODES} values, its aliases resolved")
        return node

    def construct_yaml_int(self, node: Any) -> Any:
        """Refuse a number that takes long to compute, or by which a table becomes slow."""
        self._must_be_short(node)
        number = super().construct_yaml_int(node)
        if abs(number) >= 1 << 64:
            raise _TooMuchError("holds a whole number of more than 64 bits")
        return number

    def construct_yaml_float(self, node: Any) -> Any:
        """Refuse the same: both may be written to the base of 60."""
        self._must_be_short(node)
        return super().construct_yaml_float(node)

    def _must_be_short(self, node: Any) -> None:
        if len(self.construct_scalar(node)) > MOST_DIGITS:
            raise _TooMuchError(f"holds a number of more than {MOST_DIGITS} digits")


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_yaml_int)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_yaml_float)
# `ros2 launch` writes lists of parameters with this tag, by which rcl does not go either.
_Loader.add_constructor("tag:yaml.org,2002:python/tuple", _Loader.construct_yaml_seq)


def _expanded(node: yaml.Node, known: dict[Hashable, int]) -> int:
    """Count the values of a node, each alias as all that it stands for."""
    count = known.get(id(node))
    if count == 0:
        raise _TooMuchError("holds an alias within what it stands for")
    if count is None:
        known[id(node)] = 0
        children: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            children = node.value
        elif isinstance(node, yaml.MappingNode):
            children = [part for pair in node.value for part in pair]
        count = known[id(node)] = 1 + sum(_expanded(child, known) for child in children)
    return count
