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

"""A bag's own message definitions, taken no further than messages need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import get_types_from_msg
from rosbags.typesys.store import Typestore

from kpm_ros.core.foreign_files import MB, ForeignFileError, is_our_mistake
from kpm_ros.replay.bag_file import BagMessage, Definition
from kpm_ros.replay.bag_limits import MOST_DECODED, MOST_DEFINITION
from kpm_ros.replay.definitions import known_types

_NAME = re.compile(r"[A-Za-z]\w*(/(msg|srv|action))?/[A-Za-z]\w*", re.ASCII)
_MOST_FIELDS = 5000
_MOST_REPEATED = 1000
"""Length of a fixed array of messages or words: the decoder is written out for each of them."""
_MOST_NUMBERS = 100_000_000

_NEWER_FIELDS = {
    ("kpm_ros/msg/MuscleEffort", "info_digest"),
    ("kpm_ros/msg/MuscleEffortChunk", "info_digest"),
}
"""What types have gained since bags were first recorded; nothing that reads bags asks for it."""

_WIDER_NOW = {"uint8": "uint16"}
"""Of fields called `flags`, which have gained bits since: a bag's narrower ones mean the same."""


class BagTypes:
    """Decodes messages by the definitions of the file they are in, else by ROS 2's own.

    Where the definition in the bag does not fit its own messages (in rosbag2's "talker", that of
    rcl_interfaces/msg/Log is cut short), ROS 2's of that name is tried as well.
    """

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        """Take the definitions; each is read when it is first needed."""
        self._definitions = definitions
        self._stores: dict[str, Typestore | ForeignFileError] = {}

    def decode(self, message: BagMessage) -> Any:
        """Turn a message's bytes into an object with the message's fields."""
        if len(message.data) > MOST_DECODED:
            raise ForeignFileError(
                f"it has {len(message.data) / MB:.1f} MB, but at most {MOST_DECODED / MB:g} MB are "
                "decoded"
            )
        reason: Exception | None = None
        for store in (self._own(message.type), known_types()):
            try:
                if isinstance(store, ForeignFileError):
                    raise store
                return store.deserialize_cdr(message.data, message.type)
            except Exception as error:  # bytes that are no such message fail in any way
                if is_our_mistake(error):
                    raise
                reason = reason or error
        raise ForeignFileError(str(reason) or type(reason).__name__)

    def _own(self, kind: str) -> Typestore | ForeignFileError:
        """Types by the definition in the bag, or what is wrong with it."""
        if kind not in self._stores:
            try:
                self._stores[kind] = _read(kind, self._definitions.get(kind))
            except ForeignFileError as error:
                self._stores[kind] = error
            except Exception as error:  # the library's parser fails in any way
                if is_our_mistake(error):
                    raise
                self._stores[kind] = ForeignFileError(f"its definition cannot be read: {error}")
        return self._stores[kind]


def _read(kind: str, definition: Definition | None) -> Typestore:
    if definition is None or not definition.text:
        return known_types()
    if definition.encoding != "ros2msg":
        # The time that reading IDL takes doubles many times with each bracket.
        raise ForeignFileError(f"its definition is {definition.encoding}, and only ros2msg is read")
    if len(definition.text) > MOST_DEFINITION:
        raise ForeignFileError(f"its definition has more than {MOST_DEFINITION} characters")
    if not _NAME.fullmatch(kind):
        raise ForeignFileError("its type has a name that no type can have")
    types = get_types_from_msg(definition.text, kind)
    _must_be_small(types)
    if kind in known_types().fielddefs:
        # Who asked for a type that we know takes its fields for granted.
        _must_have_fields(kind, types, known_types().fielddefs)
    store = Typestore()
    store.register(types)
    return store


def _must_have_fields(kind: str, types: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse a definition that lacks a field of the type of this name, or has it otherwise."""
    if kind not in types:
        raise ForeignFileError(f"its definition does not define {kind}")
    found = dict(types[kind][1])
    for field, due in known[kind][1]:
        if field not in found and (kind, field) in _NEWER_FIELDS:
            continue
        told = found.get(field)
        if told is not None and field == "flags":
            told = _widened(told)
        if told != due:
            raise ForeignFileError(
                f"its definition of {kind} lacks the field {field!r}, or has it otherwise than here"
            )
        inner = due[1][0] if due[0] in (Nodetype.ARRAY, Nodetype.SEQUENCE) else due
        if inner[0] == Nodetype.NAME:
            _must_have_fields(inner[1], types, known)


def _widened(described: Any) -> Any:
    """Describe a field as it would be with the wider type of number that it has now."""
    node, inner = described
    if node == Nodetype.BASE:
        return node, (_WIDER_NOW.get(inner[0], inner[0]), *inner[1:])
    if node == Nodetype.SEQUENCE:
        return node, (_widened(inner[0]), *inner[1:])
    return described


def _must_be_small(types: Mapping[str, Any]) -> None:
    """Refuse what would take much memory to write out, or take none and be without end."""
    fields = [
        (name, *described) for name, (_, all_of_it) in types.items() for described in all_of_it
    ]
    if len(fields) > _MOST_FIELDS or not all(_NAME.fullmatch(name) for name in types):
        raise ForeignFileError("its definition has too many fields, or names that cannot be")
    for _, field, (node, description) in fields:
        if not field.isidentifier():
            raise ForeignFileError(f"its definition has a field {field!r}")
        if node == Nodetype.ARRAY:
            (inner, described), length = description
            plain = inner == Nodetype.BASE and described[0] != "string"
            if not 1 <= length <= (_MOST_NUMBERS if plain else _MOST_REPEATED):
                raise ForeignFileError(f"its definition has an array of {length} in {field}")
