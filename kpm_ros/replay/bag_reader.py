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

"""Reading recordings, whoever made them, in the order of their stamps and without ROS."""

from __future__ import annotations

import heapq
import tempfile
import warnings
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any

from kpm_ros.core.foreign_files import (
    LISTING_BYTES,
    ForeignFileError,
    opened,
    printable,
    reading,
)
from kpm_ros.core.foreign_yaml import read_yaml
from kpm_ros.replay.bag import BagError, OpenBag
from kpm_ros.replay.bag_file import BagFile, BagMessage
from kpm_ros.replay.bag_limits import MOST_BYTES, decompressed, unpack_file
from kpm_ros.replay.bag_types import BagTypes
from kpm_ros.replay.mcap_file import McapFile
from kpm_ros.replay.sqlite_file import SqliteFile

MOST_FILES = 100_000


class BagReader(OpenBag):
    """One recording, sqlite3 or mcap, finished or not, compressed or not.

    Nothing is written in the bag's folder, and nothing outside it is read. The files are opened one
    by one, and topics told apart by name alone: where `metadata.yaml` words a QoS otherwise than
    the file does (rosbag2's own "talker" bags do, for deadlines and lifespans), what pairs both
    reads such a topic as empty.

    >>> with BagReader(recording) as bag:  # a bag's folder
    ...     first = next(bag.messages(["/kpm/keys/events"]))
    ...     event = bag.decode(first)
    >>> first.stamp_ns > 0, event.index, bag.topics["/kpm/keys/events"]
    (True, 0, 'kpm_ros/msg/KeyEvent')
    """

    def __init__(self, folder: str | Path) -> None:
        """Open a bag's folder, or one of its files."""
        self.folder = Path(folder)
        self._stack = ExitStack()
        self.promised: int | None = None
        """Number of messages that the bag's metadata states; None = it states none."""
        self.facts: dict[str, str] = {}
        """What the recorder has told of the recording, beside its messages."""
        self._compression = ""
        try:
            self._files = [self._open(path) for path in self._list_files()]
        except BaseException:
            self._stack.close()
            raise
        self._types = [BagTypes(file.definitions) for file in self._files]
        self.topics = {name: kind for file in self._files for name, kind in file.topics.items()}
        """Type of each topic."""

    @property
    def counts(self) -> dict[str, int]:
        """Number of messages of each topic."""
        return {name: sum(file.counts.get(name, 0) for file in self._files) for name in self.topics}

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """When the first and the last message were received; None for a bag without any."""
        spans = [file.span_ns for file in self._files if file.span_ns is not None]
        return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None

    def messages(
        self, topics: Collection[str] = (), start_ns: int | None = None
    ) -> Iterator[BagMessage]:
        """Yield the messages of these topics, or of all, in the order of their stamps.

        With a start, only those received then or later.
        """
        unknown = sorted(set(topics) - set(self.topics))
        if unknown:
            raise BagError(
                f"the bag {self.folder} has no topic {unknown[0]}: it has "
                f"{printable(', '.join(sorted(self.topics))) or 'none'}"
            )
        count = 0
        streams = [file.messages(topics or self.topics, start_ns) for file in self._files]
        merged = heapq.merge(*streams, key=attrgetter("stamp_ns"))
        while True:
            # What the caller does with a message is none of this.
            with reading(self.folder, "a bag", BagError):
                message = next(merged, None)
                if message is not None and self._compression == "message":
                    message = _unpacked(message)
            if message is None:
                break
            count += 1
            yield message
        whole = not topics and start_ns is None
        if whole and self.promised is not None and count != self.promised:
            warnings.warn(
                f"the bag {self.folder} states {self.promised} messages, but holds {count}",
                stacklevel=2,
            )

    def decode(self, message: BagMessage) -> Any:
        """Turn a message's bytes into an object with the message's fields."""
        number = next(k for k, file in enumerate(self._files) if message.topic in file.topics)
        try:
            return self._types[number].decode(message)
        except ForeignFileError as error:
            raise BagError(
                f"a message of {printable(message.topic)} in {self.folder} is not a "
                f"{printable(message.type)}: {error}"
            ) from error

    def close(self) -> None:
        """Close the bag's files."""
        self._stack.close()

    def _list_files(self) -> list[Path]:
        if self.folder.is_dir():
            with reading(self.folder, "a bag", BagError):
                return self._list_folder()
        if not self.folder.exists():
            raise BagError(f"no bag at {self.folder}")
        return [self.folder]

    def _list_folder(self) -> list[Path]:
        listing = self.folder / "metadata.yaml"
        if not listing.exists():
            files = sorted([*self.folder.glob("*.mcap"), *self.folder.glob("*.db3")])
            if not files:
                raise BagError(
                    f"{self.folder} is not a bag: it holds neither metadata.yaml nor a recording"
                )
            return files
        self._must_be_inside(listing)
        content = read_yaml(listing, LISTING_BYTES)
        try:
            information = content["rosbag2_bagfile_information"]
            names = [PurePath(name).name for name in information["relative_file_paths"]]
            self.promised = int(information["message_count"])
            compression = str(information.get("compression_mode") or "").lower()
            method = str(information.get("compression_format") or "").lower()
            facts = information.get("custom_data") or {}
            self.facts = {str(name): str(value) for name, value in facts.items()}
        except (TypeError, KeyError, AttributeError, ValueError, OverflowError):
            raise BagError(f"{listing} is not the metadata of a bag") from None
        if len(names) > MOST_FILES or len(set(names)) < len(names):
            raise BagError(f"{listing} lists a file more than once, or more than {MOST_FILES}")
        self._compression = "" if compression == "none" else compression
        if self._compression not in ("", "file", "message"):
            raise BagError(f"{listing} has a compression_mode that is not known: {compression!r}")
        if self._compression and method != "zstd":
            raise BagError(f"the bag {self.folder} is compressed by {method!r}, and not by zstd")
        return [self.folder / name for name in names]

    def _open(self, path: Path) -> BagFile:
        with reading(path, "a recording", BagError):
            if not path.exists():
                raise BagError(f"the bag {self.folder} lacks its file {printable(path.name)}")
            if path != self.folder:
                self._must_be_inside(path)
        shown = printable(str(path))
        try:
            with reading(path, "a recording"):
                file = self._opened(path)
        except ForeignFileError as error:
            reason = str(error).removeprefix(f"{shown} cannot be read as a recording: ")
            raise BagError(f"{shown} is not a recording that can be read: {reason}") from error
        self._stack.callback(file.close)
        return file

    def _opened(self, path: Path) -> BagFile:
        if self._compression == "file" and path.suffix == ".zstd":
            folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="kpm_bag_")))
            with opened(path, MOST_BYTES) as packed:
                unpack_file(packed, folder / path.stem, path.stat().st_size)
            path = folder / path.stem
        if path.suffix == ".db3":
            return SqliteFile(path)
        if path.suffix != ".mcap":
            raise ForeignFileError("the name of a recording ends in .mcap or .db3")
        return McapFile(path)

    def _must_be_inside(self, path: Path) -> None:
        """Refuse a link that leads out of the bag's folder."""
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise BagError(
                f"{printable(str(path))} is a link out of the bag's folder, which is not followed: "
                "put the file itself there"
            )


def _unpacked(message: BagMessage) -> BagMessage:
    data = decompressed(message.data, "zstd")
    return BagMessage(message.topic, message.type, message.stamp_ns, data)
