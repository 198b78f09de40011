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

"""A bag's SQLite file, read without ever writing to it or beside it.

SQLite itself would: a journal that lies beside a database makes it write to the database, and
delete files that the journal names. So a file with a journal is copied first, and of the database
nothing is asked but its tables of topics and messages.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

from kpm_ros.core.foreign_files import MB, ForeignFileError, opened
from kpm_ros.replay.bag_file import BagFile, BagMessage, Definition
from kpm_ros.replay.bag_limits import MOST_BYTES, MOST_CHUNK, room_for_copies

MAGIC = b"SQLite format 3\x00"
JOURNALS = ("-journal", "-wal")
_NAMES_ANOTHER = b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7"
"""With this a journal ends that names a file to be deleted, as one of several databases does."""
_FUNCTIONS = frozenset({"count", "min", "max", "sum", "length"})
_LIMIT_LENGTH = 0
"""SQLite's number for the limit of a value's length."""
_STEPS = 100_000
"""Steps of SQLite's machine between two looks at how many it has taken."""


class SqliteFile(BagFile):
    """A database as rosbag2 writes it."""

    def __init__(self, path: Path) -> None:
        """Open a database and list what is in it."""
        super().__init__()
        with opened(path, MOST_BYTES) as file:
            self._size = file.seek(0, 2)
            file.seek(0)
            if file.read(len(MAGIC)) != MAGIC:
                raise ForeignFileError("it does not begin as an SQLite database does")
        self._stack = ExitStack()
        try:
            place = _settled(path, self._stack)
            address = f"{place.absolute().as_uri()}?mode=ro&immutable=1"
            self._database = self._stack.enter_context(
                closing(sqlite3.connect(address, uri=True, check_same_thread=False))
            )
            self._guard()
            self._list()
        except BaseException:
            self._stack.close()
            raise

    def close(self) -> None:
        """Close the database, and remove what was copied."""
        self._stack.close()

    def messages(self, wanted: Collection[str], start_ns: int | None) -> Iterator[BagMessage]:
        """Yield messages; only their numbers are sorted, not what they hold."""
        names = {number: name for number, name in self._names.items() if name in wanted}
        since = "" if start_ns is None else "WHERE timestamp >= ?"
        given = () if start_ns is None else (start_ns,)
        numbers = self._ask(
            f"SELECT id, topic_id, timestamp FROM messages {since} ORDER BY timestamp, id", given
        )
        fetch = self._database.cursor()
        for number, topic, stamp_ns in numbers:
            name = names.get(topic)
            if name is None:
                continue
            ((data,),) = fetch.execute("SELECT data FROM messages WHERE id = ?", (number,))
            if not isinstance(data, bytes) or not isinstance(stamp_ns, int):
                raise ForeignFileError(f"message {number} is not bytes with a time")
            # The limit is for what goes on in vain; a message that was read is not in vain.
            self._steps = 0
            yield BagMessage(name, self.topics[name], stamp_ns, data)

    def _ask(self, question: str, given: tuple[int, ...] = ()) -> sqlite3.Cursor:
        self._steps = 0
        return self._database.execute(question, given)

    def _guard(self) -> None:
        """Let no question write, call functions, or take more steps than the file has room for."""
        if hasattr(self._database, "setlimit"):  # Python 3.11
            self._database.setlimit(_LIMIT_LENGTH, MOST_CHUNK)
        self._steps = 0
        most = (10_000_000 + 20 * self._size) // _STEPS

        def step() -> int:
            self._steps += 1
            return int(self._steps > most)

        self._database.set_progress_handler(step, _STEPS)
        self._database.execute("PRAGMA trusted_schema = OFF")
        self._database.set_authorizer(_allowed)

    def _list(self) -> None:
        tables = dict(
            self._ask("SELECT name, rootpage FROM sqlite_master WHERE type = 'table'").fetchall()
        )
        if not all(tables.get(name) for name in ("topics", "messages")):
            raise ForeignFileError("it lacks the tables of a bag, topics and messages")
        self._names: dict[int, str] = {}
        for number, name, kind in self._ask("SELECT id, name, type FROM topics ORDER BY id"):
            if not isinstance(name, str) or not isinstance(kind, str):
                raise ForeignFileError(f"topic {number} has no name or no type")
            self._names[number] = name
            self._add_topic(name, kind)
        if tables.get("message_definitions"):
            question = "SELECT topic_type, encoding, encoded_message_definition "
            for kind, encoding, text in self._ask(question + "FROM message_definitions"):
                self.definitions[str(kind)] = Definition(str(encoding), str(text))
        self._measure()

    def _measure(self) -> None:
        """Count the messages, and see that they are no larger than the file."""
        question = "SELECT min(timestamp), max(timestamp), max(length(data)), sum(length(data)) "
        first, last, largest, all_of_it = self._ask(question + "FROM messages").fetchone()
        if first is None:
            return
        if not all(isinstance(each, int) for each in (first, last, largest, all_of_it)):
            raise ForeignFileError("it holds messages without a time or without content")
        if all_of_it > self._size or largest > MOST_CHUNK:
            raise ForeignFileError(
                f"it states messages of {largest / MB:.1f} MB, together {all_of_it / MB:.1f} MB, "
                f"but has {self._size / MB:.1f} MB, and a message may have {MOST_CHUNK / MB:g} MB"
            )
        self.span_ns = (first, last)
        for number, count in self._ask("SELECT topic_id, count(*) FROM messages GROUP BY topic_id"):
            if number in self._names:
                self.counts[self._names[number]] += count


def _allowed(action: int, first: str | None, second: str | None, *_: object) -> int:
    """Answer SQLite's question whether this may be done: reading, and counting."""
    may = action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ)
    may |= action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS
    return sqlite3.SQLITE_OK if may else sqlite3.SQLITE_DENY


def _settled(path: Path, stack: ExitStack) -> Path:
    """Give the file, or a copy put right by SQLite where a killed recorder left a journal."""
    journals = [path.with_name(path.name + end) for end in JOURNALS]
    left = [each for each in journals if each.is_symlink() or (each.exists() and _size(each))]
    if not left:
        return path
    room = room_for_copies()
    needed = sum(_size(each) for each in (path, *left))
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kpm_bag_")))
    if needed > room:
        raise ForeignFileError(
            f"its recorder was killed, so that a copy has to be put right: {needed / MB:.0f} MB, "
            f"where {folder.parent} has room for {room / MB:.0f} MB"
        )
    copy = folder / "bag.db3"
    _copy(path, copy)
    for journal in left:
        if journal.is_symlink():
            raise ForeignFileError(f"{journal.name} is a link, and must be a file")
        beside = copy.with_name(copy.name + journal.name.removeprefix(path.name))
        _copy(journal, beside)
        if _ends_with(beside, _NAMES_ANOTHER):
            raise ForeignFileError(f"{journal.name} names another file, which no recorder does")
    with closing(sqlite3.connect(copy)) as database:
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return copy


def _size(path: Path) -> int:
    return path.lstat().st_size


def _ends_with(path: Path, end: bytes) -> bool:
    with path.open("rb") as file:
        file.seek(max(0, _size(path) - len(end)))
        return file.read() == end


def _copy(path: Path, target: Path) -> None:
    with opened(path, MOST_BYTES) as file, target.open("wb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
