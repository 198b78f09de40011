"""Reading recordings, whoever made them, in the order of their stamps and without ROS."""

from __future__ import annotations

import heapq
import warnings
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePath
from typing import Any, Protocol

import yaml
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.serde import SerdeError
from rosbags.typesys import TypesysError, get_types_from_idl, get_types_from_msg
from rosbags.typesys.store import Typestore

from kpm_ros.replay.bag import BagError, OpenBag
from kpm_ros.replay.definitions import known_types
from kpm_ros.replay.unfinished import UnfinishedMcap, is_unfinished_mcap, settle_sqlite

BROKEN = (AnyReaderError, TypesysError, SerdeError, OSError, ValueError, KeyError, AssertionError)
"""What the libraries raise for a file that is not what its name says."""


DAMAGED = (*BROKEN, IndexError, TypeError)
"""What they raise for bytes that are no message of the type."""


@dataclass(frozen=True, slots=True)
class BagMessage:
    """One recorded message as it came off the wire, with the instant it was received."""

    topic: str
    type: str
    stamp_ns: int
    data: bytes


class _File(Protocol):
    """One file of a bag."""

    topics: dict[str, str]
    counts: dict[str, int]
    span_ns: tuple[int, int] | None

    def decode(self, data: bytes, kind: str) -> Any: ...

    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]: ...


class BagReader(OpenBag):
    """One recording, sqlite3 or mcap, finished or not.

    The files are opened one by one. Reading them through the bag's folder, as rosbags does, pairs
    topics by name *and* QoS; where `metadata.yaml` words a QoS otherwise than the file does
    (rosbag2's own "talker" bags do, for deadlines and lifespans), such a topic reads as empty.
    """

    def __init__(self, folder: str | Path) -> None:
        """Open a bag's folder, or one of its files."""
        self.folder = Path(folder)
        self._stack = ExitStack()
        self.promised: int | None = None
        """Number of messages that the bag's metadata states; None = it states none."""
        try:
            self._files = [self._open(path) for path in self._list_files()]
        except BaseException:
            self._stack.close()
            raise
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
                f"{', '.join(sorted(self.topics)) or 'none'}"
            )
        count = 0
        streams = [file.messages(topics or self.topics, start_ns) for file in self._files]
        try:
            for message in heapq.merge(*streams, key=attrgetter("stamp_ns")):
                count += 1
                yield message
        except BROKEN as error:
            raise BagError(f"the bag {self.folder} is damaged: {error}") from None
        whole = not topics and start_ns is None
        if whole and self.promised is not None and count != self.promised:
            warnings.warn(
                f"the bag {self.folder} states {self.promised} messages, but holds {count}",
                stacklevel=2,
            )

    def decode(self, message: BagMessage) -> Any:
        """Turn a message's bytes into an object with the message's fields.

        Where the definition in the bag does not fit its own messages (in rosbag2's "talker", that
        of rcl_interfaces/msg/Log is cut short), ROS 2's of that name is tried as well.
        """
        file = next(file for file in self._files if message.topic in file.topics)
        reason: Exception | None = None
        for decode in (file.decode, known_types().deserialize_cdr):
            try:
                return decode(message.data, message.type)
            except DAMAGED as error:
                reason = reason or error
        raise BagError(
            f"a message of {message.topic} in {self.folder} is not a {message.type}: {reason}"
        )

    def close(self) -> None:
        """Close the bag's files."""
        self._stack.close()

    def _list_files(self) -> list[Path]:
        if self.folder.is_file():
            return [self.folder]
        if not self.folder.exists():
            raise BagError(f"no bag at {self.folder}")
        listing = self.folder / "metadata.yaml"
        if not listing.is_file():
            files = sorted([*self.folder.glob("*.mcap"), *self.folder.glob("*.db3")])
            if not files:
                raise BagError(
                    f"{self.folder} is not a bag: it holds neither metadata.yaml nor a recording"
                )
            return files
        try:
            information = yaml.safe_load(listing.read_text("utf-8"))["rosbag2_bagfile_information"]
            names = [PurePath(name).name for name in information["relative_file_paths"]]
            self.promised = int(information["message_count"])
            compressed = information.get("compression_mode", "").lower() not in ("", "none")
        except (yaml.YAMLError, *BROKEN, TypeError, AttributeError):
            raise BagError(f"{listing} is not the metadata of a bag") from None
        # Of compressed files only the reader of the whole folder knows how to undo the compression.
        return [self.folder] if compressed else [self.folder / name for name in names]

    def _open(self, path: Path) -> _File:
        if not path.exists():
            raise BagError(f"the bag {self.folder} lacks its file {path.name}")
        try:
            if path.suffix == ".mcap" and is_unfinished_mcap(path):
                return _Unfinished(path)
            if path.suffix == ".db3":
                settle_sqlite(path)
            return _Finished(self._stack.enter_context(_reader(path)))
        except BROKEN as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise BagError(f"{path} is not a recording that can be read: {reason}") from None


def _reader(path: Path) -> AnyReader:
    return AnyReader([path], default_typestore=known_types())


class _Finished:
    """A file with its index."""

    def __init__(self, reader: AnyReader) -> None:
        self._reader = reader
        self.topics = {each.topic: each.msgtype for each in reader.connections}
        self.counts = dict.fromkeys(self.topics, 0)
        for each in reader.connections:
            self.counts[each.topic] += each.msgcount
        # The library's end is the instant after the last message.
        self.span_ns = (
            (reader.start_time, reader.end_time - 1) if any(self.counts.values()) else None
        )

    def decode(self, data: bytes, kind: str) -> Any:
        return self._reader.deserialize(data, kind)

    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]:
        chosen = [each for each in self._reader.connections if each.topic in wanted]
        if chosen:
            for connection, stamp_ns, data in self._reader.messages(chosen, start=start_ns):
                yield BagMessage(connection.topic, connection.msgtype, stamp_ns, bytes(data))


class _Unfinished:
    """An mcap file whose writer was killed."""

    def __init__(self, path: Path) -> None:
        self._file = UnfinishedMcap(path)
        self.topics = self._file.topics
        self.counts = self._file.counts
        self.span_ns = self._file.span_ns
        types = {}
        for name, (encoding, text) in self._file.definitions.items():
            of_msg = encoding == "ros2msg"
            types.update(get_types_from_msg(text, name) if of_msg else get_types_from_idl(text))
        self._types = Typestore()
        self._types.register(types)

    def decode(self, data: bytes, kind: str) -> Any:
        return self._types.deserialize_cdr(data, kind)

    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]:
        for topic, stamp_ns, data in self._file.messages():
            if topic in wanted and (start_ns is None or stamp_ns >= start_ns):
                yield BagMessage(topic, self.topics[topic], stamp_ns, data)
