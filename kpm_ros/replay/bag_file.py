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

"""What every file of a bag is to its reader, in whichever format."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from kpm_ros.core.foreign_files import ForeignFileError, printable
from kpm_ros.replay.bag_limits import MOST_TOPICS

LATEST_NS = 2**63 - 1
ENDINGS = (".mcap", ".db3")


@dataclass(frozen=True, slots=True)
class BagMessage:
    """One recorded message as it came off the wire, with the instant it was received."""

    topic: str
    type: str
    stamp_ns: int
    data: bytes


class Definition(NamedTuple):
    """A type in the words of the file: "ros2msg" or "ros2idl", and the text."""

    encoding: str
    text: str


class BagFile(ABC):
    """One file of a bag, open for reading."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.topics: dict[str, str] = {}
        self.counts: dict[str, int] = {}
        self.definitions: dict[str, Definition] = {}
        """By type; of a type that the file does not define there is none."""
        self.span_ns: tuple[int, int] | None = None
        """Stamps of the first and the last message."""

    @abstractmethod
    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]:
        """Yield the messages of these topics in the order of their stamps, from a start on."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def _add_topic(self, name: str, kind: str) -> None:
        if not (name.isprintable() and kind.isprintable()):
            raise ForeignFileError(f"it has a topic {printable(name)} ({printable(kind)})")
        self.topics[name] = kind
        self.counts.setdefault(name, 0)
        if len(self.topics) > MOST_TOPICS:
            raise ForeignFileError(f"it has more than {MOST_TOPICS} topics")


def is_bag(path: Path) -> bool:
    """Whether a path is a bag, or one file of it."""
    if path.suffix in ENDINGS:
        return True
    return path.is_dir() and (
        (path / "metadata.yaml").is_file() or any(any(path.glob(f"*{e}")) for e in ENDINGS)
    )
