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

"""Recordings as rosbag2 keeps them, written and read without ROS."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer, WriterError
from rosbags.rosbag2.storage_mcap import McapWriter
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Writer
from rosbags.typesys import TypesysError

from kpm_ros import __version__
from kpm_ros.replay.definitions import definition, known_types

Storage = Literal["mcap", "sqlite3"]
AnyBag = TypeVar("AnyBag", bound="OpenBag")

METADATA_VERSION: Literal[8] = 8
"""Newest version whose QoS entries are read by every ROS 2 from Humble on."""

FOREVER = QosTime(9223372036, 854775807)
"""What ROS 2 writes for a deadline or lifespan that is not limited."""


UNWRITABLE = (OSError, sqlite3.Error)
"""What a disk that is full, or gone, raises in either format."""


class BagError(Exception):
    """A bag cannot be written or read; the message is one sentence for the user."""


@dataclass(frozen=True, slots=True)
class BagTopic:
    """A topic to record: its type, and how it was published, so that it is replayed likewise."""

    type: str
    depth: int = 10
    reliable: bool = True
    latched: bool = False

    def offered_qos(self) -> Qos:
        """Write the profile in the form that bags keep."""
        return Qos(
            history=QosHistory.KEEP_LAST,
            depth=self.depth,
            reliability=QosReliability.RELIABLE if self.reliable else QosReliability.BEST_EFFORT,
            durability=QosDurability.TRANSIENT_LOCAL if self.latched else QosDurability.VOLATILE,
            deadline=FOREVER,
            lifespan=FOREVER,
            liveliness=QosLiveliness.AUTOMATIC,
            liveliness_lease_duration=FOREVER,
            avoid_ros_namespace_conventions=False,
        )


class OpenBag(ABC):
    """One recording being read or written; use it in a `with` block."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the bag's files, finished."""

    def __enter__(self: AnyBag) -> AnyBag:
        """Use it within a `with` block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close it, also after an error: what was recorded is worth keeping."""
        self.close()


class BagWriter(OpenBag):
    """One recording being written.

    What `flush` has passed on survives the death of this process: an unfinished recording lacks its
    index and `metadata.yaml`, which BagReader and `ros2 bag reindex` do without.

    >>> topics = {"/kpm/gesture": BagTopic("kpm_ros/msg/Gesture")}
    >>> with BagWriter(folder / "bag", topics) as bag:
    ...     bag.describe(person="a pianist")
    ...     bag.write("/kpm/gesture", 1_000_000, bytes(4))  # as it came off the wire
    >>> bag.messages
    1
    """

    def __init__(
        self, folder: str | Path, topics: Mapping[str, BagTopic], storage: Storage = "mcap"
    ) -> None:
        """Create the bag's folder, which must not exist or be empty, and announce the topics."""
        self.folder = Path(folder)
        self.counts = dict.fromkeys(topics, 0)
        self.bytes = 0
        if storage not in ("mcap", "sqlite3"):
            raise BagError(f"a bag's storage is {storage!r}, but must be mcap or sqlite3")
        unusual = set("?#%").intersection(str(self.folder))
        if storage == "sqlite3" and unusual:
            raise BagError(
                f"cannot record into {self.folder}: in sqlite3, its path must not hold "
                f"{' or '.join(sorted(unusual))}"
            )
        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        try:
            _make_way(self.folder)
            self._writer = Writer(self.folder, version=METADATA_VERSION, storage_plugin=plugin)
            self._writer.open()
            self._writer.set_custom_data("recorded_by", f"kpm_ros {__version__}")
            self._make_lasting()
            self._connections = {n: self._announce(n, topic) for n, topic in topics.items()}
        except (*UNWRITABLE, WriterError) as error:
            raise BagError(f"cannot record into {self.folder}: {_reason(error)}") from None

    def write(self, topic: str, stamp_ns: int, data: bytes | memoryview) -> None:
        """Append one message as it came off the wire (CDR), with the instant it was received."""
        try:
            self._writer.write(self._connections[topic], stamp_ns, data)
        except KeyError:
            raise BagError(f"topic {topic!r} was not announced when the bag was begun") from None
        except (*UNWRITABLE, WriterError) as error:
            raise BagError(f"cannot write to the bag {self.folder}: {_reason(error)}") from None
        self.counts[topic] += 1
        self.bytes += len(data)

    def describe(self, **facts: str) -> None:
        """Put facts about the recording into its metadata, which is written when it is closed."""
        for name, value in facts.items():
            self._writer.set_custom_data(name, value)

    def flush(self) -> None:
        """Hand everything written so far to the operating system."""
        storage = self._writer.storage
        try:
            if isinstance(storage, McapWriter):
                if storage.chunk.msgs:
                    storage.close_chunk()
                storage.bio.flush()
            elif isinstance(storage, Sqlite3Writer):
                storage.conn.commit()
        except UNWRITABLE as error:
            raise BagError(f"cannot write to the bag {self.folder}: {_reason(error)}") from None

    def close(self) -> None:
        """Finish the bag: index and metadata; doing so twice is harmless."""
        if self.finished:
            return
        try:
            self._writer.close()
        except UNWRITABLE as error:
            raise BagError(f"cannot finish the bag {self.folder}: {_reason(error)}") from None

    def abandon(self) -> None:
        """Let go of a bag that cannot be written any more; what reached the disk stays readable."""
        with suppress(*UNWRITABLE):
            self._writer.abort()

    @property
    def finished(self) -> bool:
        """Whether nothing more can be written."""
        return self._writer.storage is None

    @property
    def messages(self) -> int:
        """Number of messages written."""
        return sum(self.counts.values())

    def _announce(self, name: str, topic: BagTopic) -> Connection:
        try:
            return self._writer.add_connection(
                name,
                topic.type,
                msgdef=definition(topic.type),
                rihs01=known_types().hash_rihs01(topic.type),
                offered_qos_profiles=[topic.offered_qos()],
            )
        except TypesysError:
            raise BagError(
                f"the type {topic.type!r} of topic {name} is neither ROS 2's nor this package's"
            ) from None

    def _make_lasting(self) -> None:
        storage = self._writer.storage
        if isinstance(storage, Sqlite3Writer):
            # A bag is begun, written and finished by whichever thread has the time for it, one
            # after the other; the library's own connection is for the one that began it.
            storage.conn.close()
            storage.conn = sqlite3.connect(storage.path, check_same_thread=False)
            storage.cursor = storage.conn.cursor()
            # Commits then wait for no disk, and a killed process still loses nothing.
            storage.conn.execute("PRAGMA synchronous = OFF")


@contextmanager
def whole_bag(folder: Path, topics: Mapping[str, BagTopic]) -> Iterator[BagWriter]:
    """Give a bag to fill; it is in its place once it is finished, and nowhere if filling fails."""
    require_free(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    except OSError as error:
        raise BagError(f"cannot record into {folder}: {_reason(error)}") from None
    try:
        # A bag's file is named after its folder.
        with BagWriter(aside / folder.name, topics) as bag:
            yield bag
        bag.folder.rename(folder)
    except OSError as error:
        raise BagError(f"cannot record into {folder}: {_reason(error)}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def require_free(folder: Path) -> None:
    """Refuse a place where something is already."""
    try:
        if folder.is_dir() and any(folder.iterdir()):
            raise BagError(f"cannot record into {folder}: the folder exists and is not empty")
        if folder.exists() and not folder.is_dir():
            raise BagError(f"cannot record into {folder}: that is a file")
    except OSError as error:
        raise BagError(f"cannot record into {folder}: {_reason(error)}") from None


def _make_way(folder: Path) -> None:
    require_free(folder)
    if folder.is_dir():
        folder.rmdir()


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error).rstrip(".")
