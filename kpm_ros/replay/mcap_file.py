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

"""An mcap file, read by its index, or from its beginning where it has none.

A recorder that was killed leaves a file without an index: what had reached the disk is read all the
same.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path

from mcap.opcode import Opcode
from mcap.records import Channel, ChunkIndex, Header, Schema, Statistics

from kpm_ros.core.foreign_files import MB, ForeignFileError, opened
from kpm_ros.replay.bag_file import LATEST_NS, BagFile, BagMessage, Definition
from kpm_ros.replay.bag_limits import (
    MOST_BYTES,
    MOST_CHUNK,
    MOST_WAITING,
    DamagedError,
)
from kpm_ros.replay.mcap_blocks import Block, indexed
from kpm_ros.replay.mcap_records import (
    HEAD,
    MESSAGE,
    checked_stamp,
    records,
    stream,
    unpacked,
)

MAGIC = b"\x89MCAP0\r\n"
_FOOTER_BYTES = HEAD.size + 20
_MOST_SUMMARY = 128 * MB
_MOST_LOOSE = 1 * MB
_OF_A_MESSAGE = 200
"""Bytes of memory that a message takes besides its data."""


class McapFile(BagFile):
    """An mcap file of ROS 2 messages."""

    def __init__(self, path: Path) -> None:
        """Open a file, and find its topics and where in it which times are."""
        super().__init__()
        self._names: dict[int, str] = {}
        self._schemas: dict[int, Schema] = {}
        self._blocks: list[Block] = []
        self._stack = ExitStack()
        self._file = self._stack.enter_context(opened(path, MOST_BYTES))
        try:
            self._find()
        except BaseException:
            self.close()
            raise

    def _find(self) -> None:
        self._size = self._file.seek(0, 2)
        if self._bytes(0, len(MAGIC)) != MAGIC:
            raise ForeignFileError("it does not begin as an mcap file does")
        self._finished = self._bytes(max(0, self._size - len(MAGIC)), len(MAGIC)) == MAGIC
        self._finished &= self._size > 2 * len(MAGIC)
        if not (self._finished and self._read_index()):
            self._scan()

    def close(self) -> None:
        """Close the file."""
        self._stack.close()

    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]:
        """Yield messages, holding little more than one chunk in memory."""
        names = {number: name for number, name in self._names.items() if name in wanted}
        first_ns = 0 if start_ns is None else start_ns
        blocks = [
            block
            for block in sorted(self._blocks, key=attrgetter("start_ns", "offset"))
            if block.end_ns >= first_ns
            and (block.channels is None or not block.channels.isdisjoint(names))
        ]
        waiting: list[tuple[int, int, int, bytes]] = []
        order = held = 0
        for number, block in enumerate(blocks):
            for channel, stamp_ns, data in self._messages_in(block):
                if channel in names and stamp_ns >= first_ns:
                    waiting.append((stamp_ns, order, channel, bytes(data)))
                    order += 1
                    held += len(data) + _OF_A_MESSAGE
                    if held > MOST_WAITING:
                        raise ForeignFileError(
                            f"more than {MOST_WAITING / MB:.0f} MB of messages are out of order"
                        )
            waiting.sort()
            # Of blocks to come, none begins before the next one.
            last = number + 1 == len(blocks)
            settled = len(waiting) if last else _before(waiting, blocks[number + 1].start_ns)
            for stamp_ns, _, channel, content in waiting[:settled]:
                held -= len(content) + _OF_A_MESSAGE
                name = names[channel]
                yield BagMessage(name, self.topics[name], stamp_ns, content)
            del waiting[:settled]

    def _read_index(self) -> bool:
        """Read the summary at the end; False where it does not tell all that is needed."""
        footer_at = self._size - len(MAGIC) - _FOOTER_BYTES
        footer = self._bytes(max(0, footer_at), _FOOTER_BYTES)
        if HEAD.unpack_from(footer) != (Opcode.FOOTER, 20):
            raise ForeignFileError("its footer is damaged")
        (start,) = struct.unpack_from("<Q", footer, HEAD.size)
        if not start:
            return False
        if not len(MAGIC) < start <= footer_at or footer_at - start > _MOST_SUMMARY:
            raise ForeignFileError("its summary is not where its footer says")
        self._must_be_of_ros()
        statistics = None
        for kind, body in records(memoryview(self._bytes(start, footer_at - start))):
            if kind == Opcode.CHUNK_INDEX:
                self._blocks.append(indexed(ChunkIndex.read(stream(body))))
            elif kind == Opcode.STATISTICS:
                statistics = Statistics.read(stream(body))
            else:
                self._define(kind, body)
        if statistics is None or not self._told_by(statistics):
            self._forget()
            return False
        self._must_not_overlap(start)
        for number, count in statistics.channel_message_counts.items():
            if number in self._names:
                self.counts[self._names[number]] += count
        if statistics.message_count:
            span = (statistics.message_start_time, statistics.message_end_time)
            self.span_ns = (checked_stamp(span[0]), checked_stamp(span[1]))
        return True

    def _told_by(self, statistics: Statistics) -> bool:
        """Whether the summary repeats all channels and lists all chunks."""
        whole = statistics.chunk_count == len(self._blocks)
        whole &= statistics.channel_count == len(self._names)
        return whole and (bool(self._blocks) or not statistics.message_count)

    def _must_not_overlap(self, end: int) -> None:
        """Refuse an index by which the same bytes would be read again and again."""
        at = len(MAGIC)
        for block in sorted(self._blocks, key=attrgetter("offset")):
            if block.offset < at or block.length > end - block.offset:
                raise ForeignFileError("its index lists chunks that overlap")
            at = block.offset + block.length

    def _forget(self) -> None:
        self.topics.clear()
        self.counts.clear()
        self.definitions.clear()
        self._names.clear()
        self._schemas.clear()
        self._blocks.clear()

    def _scan(self) -> None:
        """Go through the whole file; where its writer was killed it ends within a record."""
        end = self._size - len(MAGIC) if self._finished else self._size
        at = loose = len(MAGIC)
        try:
            self._must_be_of_ros()
            while at < end:
                kind, length = self._head(at, end)
                if kind != Opcode.MESSAGE or at - loose > _MOST_LOOSE:
                    self._add_block(loose, at)
                    loose = at
                if kind in (Opcode.CHUNK, Opcode.SCHEMA, Opcode.CHANNEL):
                    self._add_block(at, at + length)
                at += length
                if kind != Opcode.MESSAGE:
                    loose = at
                if kind in (Opcode.DATA_END, Opcode.FOOTER):
                    break
        except DamagedError:
            if self._finished:
                raise
        self._add_block(loose, at)
        starts = [block.start_ns for block in self._blocks]
        if starts:
            self.span_ns = (min(starts), max(block.end_ns for block in self._blocks))

    def _head(self, at: int, end: int) -> tuple[int, int]:
        """Kind and length of the record here, its head included."""
        head = self._bytes(at, min(HEAD.size, end - at))
        if len(head) < HEAD.size:
            raise DamagedError("it is cut short")
        kind, length = HEAD.unpack(head)
        if length > end - at - HEAD.size:
            raise DamagedError("it is cut short")
        return kind, length + HEAD.size

    def _add_block(self, start: int, end: int) -> None:
        """Look through a chunk, or through records in a row, and note what times they are of."""
        block = Block(0, LATEST_NS, start, end - start, None)
        stamps = []
        found: Counter[str] = Counter()
        for kind, body in self._records_in(block):
            if kind == Opcode.MESSAGE:
                channel, _, stamp_ns, _ = MESSAGE.unpack_from(body)
                if channel in self._names:
                    stamps.append(checked_stamp(stamp_ns))
                    found[self._names[channel]] += 1
            else:
                self._define(kind, body)
        if stamps:
            for name, count in found.items():
                self.counts[name] += count
            self._blocks.append(block._replace(start_ns=min(stamps), end_ns=max(stamps)))

    def _must_be_of_ros(self) -> None:
        kind, length = self._head(len(MAGIC), self._size)
        if kind != Opcode.HEADER or length > MB:
            raise DamagedError("it has no header")
        body = self._bytes(len(MAGIC) + HEAD.size, length - HEAD.size)
        profile = Header.read(stream(memoryview(body))).profile
        if profile != "ros2":
            raise ForeignFileError(f"its profile is {profile!r}, but must be 'ros2'")

    def _define(self, kind: int, body: memoryview) -> None:
        """Take in what says of which topic and type messages are."""
        if kind == Opcode.SCHEMA:
            schema = Schema.read(stream(body))
            self._schemas[schema.id] = schema
        elif kind == Opcode.CHANNEL:
            channel = Channel.read(stream(body))
            schema_of = self._schemas.get(channel.schema_id)
            if schema_of is None or channel.id in self._names:
                return
            self._names[channel.id] = channel.topic
            self._add_topic(channel.topic, schema_of.name)
            text = schema_of.data.decode("utf-8", "replace")
            self.definitions[schema_of.name] = Definition(schema_of.encoding, text)

    def _messages_in(self, block: Block) -> Iterator[tuple[int, int, memoryview]]:
        for kind, body in self._records_in(block):
            if kind == Opcode.MESSAGE:
                channel, _, stamp_ns, _ = MESSAGE.unpack_from(body)
                if not block.start_ns <= stamp_ns <= block.end_ns:
                    raise ForeignFileError("its index does not tell the times of its chunks")
                yield channel, stamp_ns, body[MESSAGE.size :]

    def _records_in(self, block: Block) -> Iterator[tuple[int, memoryview]]:
        if block.length > MOST_CHUNK:
            raise ForeignFileError(f"a chunk has {block.length / MB:.0f} MB, more than is read")
        raw = memoryview(self._bytes(block.offset, block.length))
        for kind, body in records(raw):
            if kind == Opcode.CHUNK:
                yield from records(memoryview(unpacked(body)))
            else:
                yield kind, body

    def _bytes(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(min(length, self._size))


def _before(waiting: list[tuple[int, int, int, bytes]], start_ns: int) -> int:
    """How many of the sorted messages are older."""
    for number, message in enumerate(waiting):
        if message[0] >= start_ns:
            return number
    return len(waiting)
