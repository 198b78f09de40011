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

"""The messages and the enumerations that mirror them must say the same, and say it in words."""

from __future__ import annotations

import re
from enum import IntEnum, IntFlag
from pathlib import Path

import pytest

from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import KeyEventKind
from support.sources import ROOT

MESSAGES = sorted((ROOT / "msg").glob("*.msg"))
FIELD = re.compile(r"^(?P<type>[\w/]+(\[\d*\])?)\s+(?P<name>\w+)\s*(=\s*(?P<value>\S+))?\s*(#.*)?$")


def declarations(message: Path) -> list[tuple[str, re.Match[str]]]:
    """List the lines of a message that declare something, with what they say."""
    lines = [line for line in message.read_text().splitlines() if re.match(r"[^#\s]", line)]
    found = [(line, FIELD.match(line)) for line in lines]
    assert all(match for _, match in found), f"{message.name} has a line that is not understood"
    return [(line, match) for line, match in found if match]


def constants(message: str) -> dict[str, int]:
    """Read the constants of a message from its text."""
    matches = [match for _, match in declarations(ROOT / "msg" / message)]
    return {match["name"]: int(match["value"]) for match in matches if match["value"]}


def members(enumeration: type[IntFlag] | type[IntEnum]) -> dict[str, int]:
    """List an enumeration's single values."""
    return {name: int(member) for name, member in enumeration.__members__.items() if member}


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_every_field_says_what_it_means(message: Path) -> None:
    fields = [(line, match) for line, match in declarations(message) if not match["value"]]
    assert fields
    for line, match in fields:
        comment = line.partition("#")[2].strip()
        assert len(comment) > 2, f"{message.name}: {match['name']} has no comment"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_every_message_says_what_it_is(message: Path) -> None:
    assert message.read_text().startswith("# ")


def test_validity_flags_are_the_messages_bits() -> None:
    assert members(Flag) == constants("MuscleEffort.msg")


def test_kinds_of_key_events_are_the_messages_numbers() -> None:
    kinds = {n: v for n, v in constants("KeyEvent.msg").items() if n in KeyEventKind.__members__}
    assert members(KeyEventKind) | {"NOTE_OFF": 0} == kinds
