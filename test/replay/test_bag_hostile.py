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

"""Bags made to do harm: nothing is written, deleted or read outside, and nothing asks for much."""

from __future__ import annotations

import os
import re
import resource
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("rosbags")

from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from kpm_ros.replay.bag import BagError
from kpm_ros.replay.bag_file import BagMessage, Definition
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.bag_types import BagTypes
from kpm_ros.replay.definitions import definitions_dir, known_types
from support import hostile_bags as hostile

GB = 1_000_000_000
MOST_MB = 400


@pytest.fixture(autouse=True)
def _nothing_is_left_or_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Temporary files go, and memory stays far below what a bomb asks for."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert not list(temporary.iterdir())
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb < MOST_MB


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def texts(bag: Path) -> list[str]:
    with BagReader(bag) as reader:
        return [reader.decode(message).data for message in reader.messages()]


@pytest.mark.parametrize(
    ("make", "count"), [(hostile.with_a_hot_journal, 2000), (hostile.with_a_log, 41)]
)
def test_a_journal_is_played_back_on_a_copy(
    tmp_path: Path, make: Callable[[Path], Path], count: int
) -> None:
    make(tmp_path / "bag")
    before = contents(tmp_path / "bag")
    assert len(before) == 2
    read = texts(tmp_path / "bag")
    assert (len(read), read[0]) == (count, "0" * 200)
    assert contents(tmp_path / "bag") == before


def test_a_journal_that_names_a_file_deletes_nothing(tmp_path: Path) -> None:
    thesis = tmp_path / "thesis.txt"
    thesis.write_text("years of work")
    bag = hostile.with_a_hot_journal(tmp_path / "bag")
    hostile.name_in_journal(bag.with_name(bag.name + "-journal"), thesis)
    before = contents(tmp_path / "bag")
    with pytest.raises(BagError, match="names another file"):
        BagReader(tmp_path / "bag")
    assert thesis.read_text() == "years of work"
    assert contents(tmp_path / "bag") == before


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, storage: str) -> None:
    file = hostile.bag_of_texts(tmp_path / "bag", storage)
    outside = tmp_path / f"outside{file.suffix}"
    file.rename(outside)
    file.symlink_to(outside)
    with pytest.raises(BagError, match="link out of the bag's folder"):
        BagReader(tmp_path / "bag")
    assert len(texts(outside)) == 40
    (tmp_path / "link").symlink_to(tmp_path / "bag")
    file.unlink()
    outside.rename(file)
    assert len(texts(tmp_path / "link")) == 40, "whoever names a link means what it leads to"


def test_a_journal_that_is_a_link_is_refused(tmp_path: Path) -> None:
    bag = hostile.with_a_log(tmp_path / "bag")
    log = bag.with_name(f"{bag.name}-wal")
    log.rename(tmp_path / "log")
    log.symlink_to(tmp_path / "log")
    with pytest.raises(BagError, match="is a link"):
        BagReader(tmp_path / "bag")


@pytest.mark.parametrize("name", ["bag.mcap", "bag.db3", "metadata.yaml"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "bag"
    folder.mkdir()
    os.mkfifo(folder / name)
    with pytest.raises(BagError, match="is a pipe"):
        BagReader(folder)


@pytest.mark.parametrize("stated", [6 * GB, 2**63])
def test_a_chunk_that_would_become_gigabytes_is_refused(tmp_path: Path, stated: int) -> None:
    path = tmp_path / "bomb.mcap"
    path.write_bytes(hostile.mcap(hostile.channel(), hostile.chunk(hostile.zeros(GB), stated)))
    assert path.stat().st_size < 100_000
    with pytest.raises(BagError, match=r"would become .* MB or more"):
        BagReader(path)


def test_a_chunk_that_holds_more_than_it_states_ends_what_a_killed_recorder_left(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bag.mcap"
    good = hostile.whole_chunk(hostile.message(1, hostile.text_message("hello")))
    bomb = hostile.chunk(hostile.zeros(GB), 20)
    path.write_bytes(hostile.mcap(hostile.channel(), good, bomb, good))
    assert texts(path) == ["hello"]


def test_a_compressed_file_that_would_fill_the_disk_is_refused(tmp_path: Path) -> None:
    hostile.bag_of_texts(tmp_path / "bag", "mcap")
    file = compressed(tmp_path / "packed", CompressionMode.FILE)
    file.write_bytes(hostile.zeros(GB))
    with pytest.raises(BagError, match="would become more than 64 MB"):
        BagReader(tmp_path / "packed")


def test_a_compressed_message_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    compressed(tmp_path / "packed", CompressionMode.MESSAGE, hostile.zeros(GB))
    with BagReader(tmp_path / "packed") as bag, pytest.raises(BagError, match="would become"):
        list(bag.messages())


def compressed(folder: Path, mode: CompressionMode, data: bytes = b"") -> Path:
    """Write a compressed bag of one message; gives its file."""
    writer = Writer(folder, version=8, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        topic = writer.add_connection("/text", hostile.STRING, typestore=known_types())
        writer.write(topic, 7, hostile.text_message("hello"))
    (file,) = (path for path in folder.iterdir() if path.name != "metadata.yaml")
    if data:
        with sqlite3.connect(file) as database:
            database.execute("UPDATE messages SET data = ?", (data,))
        database.close()
    return file


def test_chunks_that_the_index_lists_twice_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bag.mcap"
    text = hostile.message(5, hostile.text_message("hello"))
    for times, refused in ((1, False), (3, True)):
        path.write_bytes(hostile.finished(hostile.channel(), hostile.whole_chunk(text), times))
        if refused:
            with pytest.raises(BagError, match="overlap"):
                BagReader(path)
        else:
            assert texts(path) == ["hello"]


def test_a_view_in_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    file = hostile.bag_of_texts(tmp_path / "bag", "sqlite3")
    with sqlite3.connect(file) as database:
        database.execute("DROP TABLE messages")
        database.execute(
            "CREATE VIEW messages AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 "
            "FROM n) SELECT id, 1 AS topic_id, id AS timestamp, x'00' AS data FROM n"
        )
    database.close()
    with pytest.raises(BagError, match="lacks the tables"):
        BagReader(file)


def test_a_column_that_computes_its_values_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "bag.db3"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE topics (id INTEGER PRIMARY KEY, name TEXT, type TEXT)")
        database.execute(
            "CREATE TABLE messages (id INTEGER PRIMARY KEY, topic_id, timestamp, "
            "data AS (zeroblob(900000000)))"
        )
        database.execute("INSERT INTO topics VALUES (1, '/text', 'std_msgs/msg/String')")
        database.execute("INSERT INTO messages (topic_id, timestamp) VALUES (1, 1)")
    database.close()
    with pytest.raises(BagError, match=r"bag\.db3 is not a recording"):
        BagReader(file)


@pytest.mark.parametrize(
    "definition",
    [
        "string[100000000] data\n",
        "std_msgs/Empty[100000] data\n===\nMSG: std_msgs/Empty\n",
        "std_msgs/String[0] data\n",
        "uint8 x\n" * 20_000,
        "std_msgs/String data\n",
        "[" * 50_000,
    ],
)
def test_a_definition_that_is_a_bomb_gives_way_to_ros_own(definition: str) -> None:
    types = BagTypes({hostile.STRING: Definition("ros2msg", definition)})
    message = BagMessage("/text", hostile.STRING, 0, hostile.text_message("hello"))
    assert types.decode(message).data == "hello"


@pytest.mark.parametrize(
    "points", ["string points", "float64[] points", "std_msgs/String[] points", "", "uint8 other"]
)
def test_a_definition_that_is_not_the_packages_own_is_refused(points: str) -> None:
    """What asks for a type of the package takes its fields for granted."""
    kind = "kpm_ros/msg/Landmarks"
    own = (definitions_dir() / "Landmarks.msg").read_text()
    changed = re.sub(r"^float32\[\] points.*$", points, own, flags=re.M)
    assert changed != own
    text = f"{changed}\n{'=' * 80}\nMSG: std_msgs/String\nstring data\n"
    types = BagTypes({kind: Definition("ros2msg", text)})
    with pytest.raises(ValueError, match=r"lacks the field|cannot be read|not define"):
        types.decode(BagMessage("/hand", kind, 0, hostile.text_message("x")))


@pytest.mark.parametrize("flags", ["", "string flags", "float32[] flags"])
def test_a_definition_without_flags_of_ours_is_refused_by_the_fields_name(flags: str) -> None:
    """Narrower flags, of earlier versions, are read; no flags, or other ones, are not."""
    kind = "kpm_ros/msg/MuscleEffort"
    own = (definitions_dir() / "MuscleEffort.msg").read_text()
    changed = re.sub(r"^uint16 flags\b.*$", flags, own, flags=re.M)
    assert changed != own
    types = BagTypes({kind: Definition("ros2msg", _with_header(changed))})
    with pytest.raises(ValueError, match="lacks the field 'flags'"):
        types.decode(BagMessage("/effort", kind, 0, hostile.text_message("x")))


def _with_header(text: str) -> str:
    rule = "=" * 80
    return (
        f"{text}\n{rule}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
        f"{rule}\nMSG: builtin_interfaces/Time\nint32 sec\nuint32 nanosec\n"
    )


def test_a_definition_in_idl_is_not_read(tmp_path: Path) -> None:
    """The time that the library takes for it doubles many times with each bracket."""
    text = f"module a {{ const long x = {'(' * 9}1{')' * 9}; struct S {{ long y; }}; }};"
    for kind, expected in ((hostile.STRING, "hello"), ("a/msg/S", "")):
        types = BagTypes({kind: Definition("ros2idl", text)})
        message = BagMessage("/text", kind, 0, hostile.text_message("hello"))
        if expected:
            assert types.decode(message).data == expected
        else:
            with pytest.raises(ValueError, match="only ros2msg"):
                types.decode(message)


def test_messages_far_out_of_order_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "bag.mcap"
    stamps = [(step * 37) % 101 for step in range(101)]
    chunks = [hostile.whole_chunk(hostile.message(s, hostile.text_message(str(s)))) for s in stamps]
    path.write_bytes(hostile.mcap(hostile.channel(), *chunks))
    assert texts(path) == [str(step) for step in range(101)]


def test_names_in_a_bag_cannot_act_on_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "bag.mcap"
    text = hostile.message(1, hostile.text_message("hello"))
    path.write_bytes(hostile.mcap(hostile.channel(b"/\x1b[2Jtext"), text))
    with pytest.raises(BagError, match=r"/\\x1b\[2Jtext") as refusal:
        BagReader(path)
    assert str(refusal.value).isprintable()
