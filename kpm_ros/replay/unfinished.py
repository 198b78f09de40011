"""Recordings whose recorder was killed: what had reached the disk is read all the same."""

from __future__ import annotations

import heapq
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from itertools import accumulate
from pathlib import Path
from typing import IO

from mcap.exceptions import McapError
from mcap.records import Channel, Chunk, McapRecord, Message, Schema
from mcap.stream_reader import StreamReader, breakup_chunk

MCAP_MAGIC = b"\x89MCAP0\r\n"


def is_unfinished_mcap(path: Path) -> bool:
    """Say whether an mcap file begins as it should and lacks its end."""
    with path.open("rb") as file:
        begins = file.read(len(MCAP_MAGIC)) == MCAP_MAGIC
        file.seek(0, 2)
        file.seek(max(0, file.tell() - len(MCAP_MAGIC)))
        return begins and file.read() != MCAP_MAGIC


def settle_sqlite(path: Path) -> None:
    """Let SQLite finish or undo what a killed writer left beside the file in its journal."""
    if any(path.with_name(path.name + end).exists() for end in ("-journal", "-wal")):
        with closing(sqlite3.connect(path)) as database:
            database.execute("SELECT count(*) FROM sqlite_master").fetchone()
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


class UnfinishedMcap:
    """Reads an mcap file without its index, in the order of the stamps."""

    def __init__(self, path: Path) -> None:
        """Scan the file once for its topics and for where in time each chunk begins."""
        self.path = path
        self.topics: dict[str, str] = {}
        self.definitions: dict[str, tuple[str, str]] = {}
        """Of each type: encoding ("ros2msg" or "ros2idl") and text."""
        self.counts: dict[str, int] = {}
        self.span_ns: tuple[int, int] | None = None
        """Stamps of the first and the last message."""
        self._names: dict[int, str] = {}
        schemas: dict[int, Schema] = {}
        starts: list[int] = []
        newest = 0
        for block in _blocks(path):
            stamps = []
            for record in block:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    self._add(record, schemas.get(record.schema_id))
                elif isinstance(record, Message) and record.channel_id in self._names:
                    stamps.append(record.log_time)
                    self.counts[self._names[record.channel_id]] += 1
            starts.append(min(stamps, default=2**63))
            newest = max([newest, *stamps])
        if any(self.counts.values()):
            self.span_ns = (min(starts), newest)
        # After block k, no message older than the earliest start among later blocks can follow.
        self._safe_until = [*reversed([*accumulate(reversed(starts[1:]), min)]), 2**63]

    def _add(self, channel: Channel, schema: Schema | None) -> None:
        if schema is None or channel.id in self._names:
            return
        self._names[channel.id] = channel.topic
        self.topics[channel.topic] = schema.name
        self.definitions[schema.name] = (schema.encoding, schema.data.decode("utf-8", "replace"))
        self.counts.setdefault(channel.topic, 0)

    def messages(self) -> Iterator[tuple[str, int, bytes]]:
        """Yield topic, stamp and data, holding little more than one chunk in memory."""
        waiting: list[tuple[int, int, str, bytes]] = []
        order = 0
        for block, safe_until in zip(_blocks(self.path), self._safe_until, strict=True):
            for record in block:
                if isinstance(record, Message) and record.channel_id in self._names:
                    topic = self._names[record.channel_id]
                    heapq.heappush(waiting, (record.log_time, order, topic, record.data))
                    order += 1
            while waiting and waiting[0][0] <= safe_until:
                stamp, _, topic, data = heapq.heappop(waiting)
                yield topic, stamp, data


def _blocks(path: Path) -> Iterator[list[McapRecord]]:
    """Yield what each whole chunk holds, and records outside chunks one by one."""
    with path.open("rb") as file:
        yield from _whole(file)


def _whole(file: IO[bytes]) -> Iterator[list[McapRecord]]:
    size = file.seek(0, 2)
    file.seek(0)
    records = StreamReader(file, emit_chunks=True, record_size_limit=size).records
    try:
        for record in records:
            if isinstance(record, Chunk):
                yield breakup_chunk(record, validate_crc=True)
            else:
                yield [record]
    except (McapError, ValueError, EOFError, struct.error):
        return  # the writer was killed in the middle of this record
