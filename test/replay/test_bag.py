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

"""Bags are written so that others can read them, and read whoever wrote them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("rosbags")

from rosbags.highlevel import AnyReader
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import get_types_from_msg

from kpm_ros.replay.bag import BagError, BagTopic, BagWriter, whole_bag
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.definitions import definition, definitions_dir, known_types

STORAGES = ("mcap", "sqlite3")
EFFORT = "kpm_ros/msg/MuscleEffort"
STRING = "std_msgs/msg/String"
TOPICS = {
    "/kpm/effort": BagTopic(EFFORT, depth=200, reliable=False),
    "/kpm/effort/info": BagTopic(STRING, depth=1, latched=True),
}


def effort_message(index: int) -> bytes:
    types = known_types().types
    stamp = types["builtin_interfaces/msg/Time"](sec=3, nanosec=index)
    header = types["std_msgs/msg/Header"](stamp=stamp, frame_id="")
    effort = np.linspace(0, 1, 6, dtype=np.float32)
    message = types[EFFORT](header=header, index=index, info_digest=7, flags=3, effort=effort)
    return bytes(known_types().serialize_cdr(message, EFFORT))


def string_message(text: str) -> bytes:
    return bytes(known_types().serialize_cdr(known_types().types[STRING](data=text), STRING))


def record(folder: Path, storage: str, count: int = 50) -> None:
    with BagWriter(folder, TOPICS, storage) as bag:
        bag.write("/kpm/effort/info", 5, string_message("about"))
        for index in range(count):
            bag.write("/kpm/effort", 10 + index, effort_message(index))


@pytest.mark.parametrize("storage", STORAGES)
def test_what_is_written_is_read_back(tmp_path, storage):
    record(tmp_path / "bag", storage)
    with BagReader(tmp_path / "bag") as bag:
        messages = list(bag.messages())
        assert bag.topics == {name: topic.type for name, topic in TOPICS.items()}
        assert bag.counts == {"/kpm/effort": 50, "/kpm/effort/info": 1}
        assert bag.decode(messages[0]).data == "about"
        last = bag.decode(messages[-1])
    assert [message.stamp_ns for message in messages] == [5, *range(10, 60)]
    assert messages[-1].data == effort_message(49)
    assert (last.index, last.flags, last.header.stamp.nanosec) == (49, 3, 49)
    np.testing.assert_array_equal(last.effort, np.linspace(0, 1, 6, dtype=np.float32))


@pytest.mark.parametrize("storage", STORAGES)
def test_another_reader_needs_nothing_but_the_bag(tmp_path, storage):
    record(tmp_path / "bag", storage)
    with AnyReader([tmp_path / "bag"]) as reader:
        contents = list(reader.messages())
        effort = next(c for c in reader.connections if c.topic == "/kpm/effort")
        assert reader.deserialize(contents[-1][2], EFFORT).index == 49
    assert len(contents) == 51
    qos = effort.ext.offered_qos_profiles[0]
    assert (qos.reliability.name, qos.depth, qos.durability.name) == (
        "BEST_EFFORT",
        200,
        "VOLATILE",
    )


def test_counts_and_bytes_are_kept_while_writing(tmp_path):
    with BagWriter(tmp_path / "bag", TOPICS) as bag:
        bag.write("/kpm/effort", 1, effort_message(0))
        assert (bag.messages, bag.bytes) == (1, len(effort_message(0)))
    bag.close()


@pytest.mark.parametrize("storage", STORAGES)
def test_an_error_while_recording_keeps_what_was_recorded(tmp_path, storage):
    def fail_while_recording() -> None:
        with BagWriter(tmp_path / "bag", TOPICS, storage) as bag:
            bag.write("/kpm/effort", 1, effort_message(0))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_while_recording()
    with BagReader(tmp_path / "bag") as bag:
        assert len(list(bag.messages())) == 1


KILLED_RECORDER = """
import os, signal, sys
from kpm_ros.replay.bag import BagTopic, BagWriter
bag = BagWriter(sys.argv[1], {"/text": BagTopic("std_msgs/msg/String")}, sys.argv[2])
message = b"\\x00\\x01\\x00\\x00\\xe9\\x03\\x00\\x00" + b"a" * 1000 + b"\\x00"
for stamp in range(9000):
    bag.write("/text", stamp, message)
    if stamp == 2499:
        bag.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("storage", STORAGES)
def test_a_killed_recorder_leaves_what_it_had_flushed(tmp_path, storage):
    folder = tmp_path / "bag"
    subprocess.run([sys.executable, "-c", KILLED_RECORDER, str(folder), storage], check=False)
    assert not (folder / "metadata.yaml").exists()
    with BagReader(folder) as bag:
        messages = list(bag.messages())
        assert bag.decode(messages[0]).data == "a" * 1000
        assert bag.counts == {"/text": len(messages)}
    assert [message.stamp_ns for message in messages] == list(range(len(messages)))
    assert len(messages) >= 2500


def test_a_bag_that_is_not_filled_is_nowhere_and_one_that_is_lies_in_its_place(tmp_path):
    with pytest.raises(RuntimeError), whole_bag(tmp_path / "bag", TOPICS) as bag:
        bag.write("/kpm/effort", 1, effort_message(1))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with whole_bag(tmp_path / "bag", TOPICS) as bag:
        bag.write("/kpm/effort", 1, effort_message(1))
    assert list(tmp_path.iterdir()) == [tmp_path / "bag"]
    with BagReader(tmp_path / "bag") as reading:
        assert reading.counts["/kpm/effort"] == 1


@pytest.mark.parametrize("share", [0.2, 0.5, 0.93])
def test_an_mcap_file_cut_anywhere_gives_what_is_whole(tmp_path, share):
    with BagWriter(tmp_path / "bag", {"/text": BagTopic(STRING)}) as bag:
        for block in range(10):
            for step in range(100):
                # Neighbouring blocks overlap in time, so that order cannot come from the file.
                stamp = block * 60 + (step * 37) % 100
                bag.write("/text", stamp, string_message(str(stamp)))
            bag.flush()
    file = tmp_path / "bag" / "bag.mcap"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    (tmp_path / "bag" / "metadata.yaml").unlink()
    with BagReader(tmp_path / "bag") as bag:
        stamps = [message.stamp_ns for message in bag.messages()]
    assert stamps == sorted(stamps)
    assert 0 < len(stamps) < 1000
    assert len(stamps) % 100 == 0


def test_a_recorder_killed_before_its_first_flush_leaves_an_empty_bag(tmp_path):
    folder = tmp_path / "bag"
    BagWriter(folder, TOPICS).flush()
    with BagReader(folder) as bag:
        assert list(bag.messages()) == []


def test_a_folder_with_something_in_it_is_not_recorded_into(tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(BagError, match="is not empty"):
        BagWriter(tmp_path, TOPICS)
    with pytest.raises(BagError, match="cannot record into"):
        BagWriter(tmp_path / "thesis.txt" / "bag", TOPICS)
    (tmp_path / "empty").mkdir()
    BagWriter(tmp_path / "empty", TOPICS).close()


def test_what_cannot_be_written_is_refused_by_name(tmp_path):
    with pytest.raises(BagError, match="flac"):
        BagWriter(tmp_path / "a", TOPICS, "flac")
    with pytest.raises(BagError, match="no_msgs/msg/Nothing"):
        BagWriter(tmp_path / "b", {"/x": BagTopic("no_msgs/msg/Nothing")})
    with BagWriter(tmp_path / "c", TOPICS) as bag, pytest.raises(BagError, match="/other"):
        bag.write("/other", 0, b"")


def test_what_is_not_a_bag_is_refused_in_words(tmp_path):
    with pytest.raises(BagError, match="no bag at"):
        BagReader(tmp_path / "nowhere")
    with pytest.raises(BagError, match="is not a bag"):
        BagReader(tmp_path)
    (tmp_path / "metadata.yaml").write_text("hello: there")
    with pytest.raises(BagError, match="not the metadata of a bag"):
        BagReader(tmp_path)
    for name in ("noise.mcap", "noise.db3", "noise.txt"):
        (tmp_path / name).write_bytes(b"\x00noise" * 100)
        with pytest.raises(BagError, match=rf"{name} is not a recording"):
            BagReader(tmp_path / name)


def test_a_missing_file_and_an_unknown_topic_are_named(tmp_path):
    record(tmp_path / "bag", "mcap")
    with BagReader(tmp_path / "bag") as bag, pytest.raises(BagError, match="/kpm/efort"):
        next(bag.messages(["/kpm/efort"]))
    (tmp_path / "bag" / "bag.mcap").unlink()
    with pytest.raises(BagError, match=r"lacks its file bag\.mcap"):
        BagReader(tmp_path / "bag")


def test_fewer_messages_than_stated_are_warned_of(tmp_path):
    record(tmp_path / "bag", "mcap")
    listing = tmp_path / "bag" / "metadata.yaml"
    listing.write_text(listing.read_text().replace("message_count: 51", "message_count: 60"))
    with BagReader(tmp_path / "bag") as bag, pytest.warns(match="states 60.*holds 51"):
        list(bag.messages())


def test_a_message_that_is_damaged_is_named(tmp_path):
    with BagWriter(tmp_path / "bag", TOPICS) as writer:
        writer.write("/kpm/effort", 1, effort_message(0)[:30])
    with BagReader(tmp_path / "bag") as bag, pytest.raises(BagError, match="/kpm/effort"):
        bag.decode(next(bag.messages()))


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
def test_compressed_bags_are_read(tmp_path, mode):
    writer = Writer(tmp_path / "bag", version=8, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(mode, CompressionFormat.ZSTD)
    with writer:
        text = writer.add_connection("/text", STRING, typestore=known_types())
        writer.write(text, 7, string_message("hello"))
    with BagReader(tmp_path / "bag") as bag:
        assert [bag.decode(message).data for message in bag.messages()] == ["hello"]


def test_the_type_hash_is_the_one_ros_computes():
    described = definitions_dir() / "MuscleEffort.json"
    if not described.is_file():
        pytest.skip("the package is not built here, so ROS's own type hash is not known")
    hashes = json.loads(described.read_text())["type_hashes"]
    ours = {entry["type_name"]: entry["hash_string"] for entry in hashes}
    assert known_types().hash_rihs01(EFFORT) == ours[EFFORT]


def test_definitions_are_found_in_a_workspace_first(tmp_path, monkeypatch):
    share = tmp_path / "share" / "kpm_ros" / "msg"
    share.mkdir(parents=True)
    (share / "MuscleEffort.msg").write_text("uint8 flags\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", os.pathsep.join(["/nowhere", str(tmp_path)]))
    assert definitions_dir() == share


@pytest.mark.parametrize(
    ("name", "count"),
    [
        (f"{storage}/{bag}", count)
        for storage in STORAGES
        for bag, count in (("wbag", 6074), ("talker", 20), ("cdr_test", 7))
    ],
)
def test_bags_of_rosbag2_itself_are_read_whole(shared, name, count):
    with BagReader(shared / "data" / "bags" / name) as bag, warnings.catch_warnings():
        warnings.simplefilter("error")
        messages = list(bag.messages())
        for message in messages[:: max(1, count // 20)]:
            bag.decode(message)
    assert len(messages) == count == bag.promised
    stamps = [message.stamp_ns for message in messages]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize("storage", STORAGES)
def test_topics_whose_qos_is_worded_twice_are_not_lost(shared, storage):
    """The metadata of "talker" words deadlines otherwise than its file does."""
    with BagReader(shared / "data" / "bags" / storage / "talker") as bag:
        words = [bag.decode(message).data for message in bag.messages(["/topic"])]
    assert words == [f"Hello, world! {i}" for i in range(10)]


def test_a_definition_that_does_not_fit_its_messages_gives_way_to_ros_own(shared):
    """The definition of Log in this bag has lost all fields but one."""
    with BagReader(shared / "data" / "bags" / "sqlite3" / "talker") as bag:
        log = bag.decode(next(bag.messages(["/rosout"])))
    assert (log.name, log.msg) == ("minimal_publisher", "Publishing: 'Hello, world! 0'")


@pytest.mark.parametrize("storage", STORAGES)
def test_definitions_in_a_bag_keep_their_comments(tmp_path, storage):
    record(tmp_path / "bag", storage)
    with AnyReader([tmp_path / "bag"]) as reader:
        [text] = [c.msgdef.data for c in reader.connections if c.msgtype == EFFORT]
    own = (definitions_dir() / "MuscleEffort.msg").read_text("utf-8")
    assert text.startswith(own.rstrip())
    assert "#" in own
    assert "=" * 80 + "\nMSG: std_msgs/Header\n" in text
    assert "=" * 80 + "\nMSG: builtin_interfaces/Time\n" in text
    # Others read it as the type that it is, comments and all.
    read = get_types_from_msg(text, EFFORT)
    assert read[EFFORT] == known_types().fielddefs[EFFORT]


@pytest.mark.parametrize("kind", sorted(k for k in known_types().fielddefs if "kpm_ros" in k))
def test_every_definition_of_ours_says_what_the_type_is(kind):
    read = get_types_from_msg(definition(kind), kind)
    for name, fields in read.items():
        assert fields == known_types().fielddefs[name]


def test_a_file_that_defines_another_version_of_a_type_is_not_believed(tmp_path, monkeypatch):
    folder = tmp_path / "share" / "std_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "String.msg").write_text("# of another distribution\nwstring data\n")
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    definition.cache_clear()
    assert "another distribution" not in definition(STRING)
    (folder / "String.msg").write_text("# the same\nstring data\n")
    definition.cache_clear()
    assert definition(STRING) == "# the same\nstring data\n"
    definition.cache_clear()


@pytest.mark.parametrize("storage", STORAGES)
def test_facts_about_a_recording_are_in_its_metadata(tmp_path, storage):
    with BagWriter(tmp_path / "bag", TOPICS, storage) as bag:
        bag.describe(commit="v1-3-gabc", model="touchnet-sim")
    with BagReader(tmp_path / "bag") as reading:
        facts = reading.facts
    assert facts["commit"] == "v1-3-gabc"
    assert facts["model"] == "touchnet-sim"
    assert facts["recorded_by"].startswith("kpm_ros ")
