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

"""Bags that somebody made in order to harm whoever reads them."""

from __future__ import annotations

import shutil
import sqlite3
import struct
import zlib
from functools import cache
from pathlib import Path

import zstandard

from kpm_ros.replay.bag import BagTopic, BagWriter

STRING = "std_msgs/msg/String"
TOPIC = "/text"
MAGIC = b"\x89MCAP0\r\n"


def text_message(text: str) -> bytes:
    """A String as it comes off the wire."""
    data = text.encode() + b"\x00"
    return b"\x00\x01\x00\x00" + struct.pack("<I", len(data)) + data


def bag_of_texts(folder: Path, storage: str, count: int = 40, length: int = 200) -> Path:
    """A good bag; gives its one file."""
    with BagWriter(folder, {TOPIC: BagTopic(STRING)}, storage) as bag:
        for stamp in range(count):
            bag.write(TOPIC, stamp, text_message(f"{stamp:0{length}}"))
    return next(path for path in folder.iterdir() if path.suffix in (".mcap", ".db3"))


def with_a_hot_journal(folder: Path, count: int = 2000) -> Path:
    """A database whose writer was killed while it overwrote all messages; gives the file."""
    path = bag_of_texts(folder, "sqlite3", count)
    (folder / "metadata.yaml").unlink()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 5")
    writer.execute("BEGIN")
    writer.execute("UPDATE messages SET data = x'00'")
    kept = folder.parent / f"{folder.name}_kept"
    shutil.copytree(folder, kept)
    writer.execute("ROLLBACK")
    writer.close()
    shutil.rmtree(folder)
    kept.rename(folder)
    return path


def with_a_log(folder: Path) -> Path:
    """A database whose newest messages are in a write-ahead log only; gives the file."""
    path = bag_of_texts(folder, "sqlite3")
    writer = sqlite3.connect(path)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA wal_autocheckpoint = 0")
    row = (1, 1000, text_message("newest"))
    writer.execute("INSERT INTO messages (topic_id, timestamp, data) VALUES (?, ?, ?)", row)
    writer.commit()
    kept = folder.parent / f"{folder.name}_kept"
    shutil.copytree(folder, kept)
    writer.close()
    shutil.rmtree(folder)
    kept.rename(folder)
    (folder / "metadata.yaml").unlink()
    (folder / f"{path.name}-shm").unlink()
    return path


def name_in_journal(journal: Path, victim: Path) -> None:
    """Let a journal say that it belongs to another, which SQLite deletes once it is played back."""
    name = str(victim).encode()
    page = 0x40000000 // 4096 + 1
    end = struct.pack(">II", len(name), sum(name)) + b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
    with journal.open("ab") as file:
        file.write(struct.pack(">I", page) + name + end)


def record(kind: int, body: bytes) -> bytes:
    """One record of an mcap file."""
    return struct.pack("<BQ", kind, len(body)) + body


def words(*texts: bytes) -> bytes:
    """Words, each with its length."""
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def mcap(*records: bytes, end: bytes = b"") -> bytes:
    """An mcap file that is not finished, unless there is an end."""
    return MAGIC + record(1, words(b"ros2", b"nobody")) + b"".join(records) + end


def channel(topic: bytes = b"/text", schema: bytes = b"string data\n") -> bytes:
    """A type and a topic."""
    kind = struct.pack("<H", 1) + words(b"std_msgs/msg/String", b"ros2msg", schema)
    about = struct.pack("<HH", 1, 1) + words(topic, b"cdr") + struct.pack("<I", 0)
    return record(3, kind) + record(4, about)


def message(stamp_ns: int, data: bytes) -> bytes:
    """A message of the topic."""
    return record(5, struct.pack("<HIQQ", 1, 0, stamp_ns, stamp_ns) + data)


def chunk(packed: bytes, size: int, method: bytes = b"zstd", checksum: int = 0) -> bytes:
    """A chunk that states a size."""
    head = struct.pack("<QQQI", 0, 2**62, size, checksum) + words(method)
    return record(6, head + struct.pack("<Q", len(packed)) + packed)


def whole_chunk(content: bytes) -> bytes:
    """A chunk that is as it says."""
    return chunk(zstandard.compress(content), len(content), checksum=zlib.crc32(content))


def finished(about: bytes, one_chunk: bytes, times: int) -> bytes:
    """An mcap file whose index lists its chunk so many times."""
    start = len(mcap(about))
    body = mcap(about, one_chunk)
    index = struct.pack("<QQQQI", 0, 2**62, start, len(one_chunk), 0) + struct.pack("<Q", 0)
    index += words(b"zstd") + struct.pack("<QQ", 1, 1)
    counts = struct.pack("<QHIIIIQQ", times, 1, 1, 0, 0, times, 0, 9) + struct.pack("<I", 0)
    summary = about + record(8, index) * times + record(11, counts)
    footer = record(2, struct.pack("<QQI", len(body), 0, 0))
    return body + summary + footer + MAGIC


@cache
def zeros(size: int) -> bytes:
    """So many zeros, compressed as far as it goes."""
    packer = zstandard.ZstdCompressor().compressobj()
    parts = [packer.compress(bytes(min(1 << 24, size - at))) for at in range(0, size, 1 << 24)]
    return b"".join([*parts, packer.flush()])
