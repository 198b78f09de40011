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

"""A bag whose disk is full: one sentence, no crash, and what was written is kept."""

from __future__ import annotations

import resource
from collections.abc import Iterator

import pytest

pytest.importorskip("rosbags")

from kpm_ros.replay.bag import BagError, BagTopic, BagWriter
from kpm_ros.replay.bag_reader import BagReader

TOPICS = {"/text": BagTopic("std_msgs/msg/String")}
TEXT = b"\x00\x01\x00\x00\x04\x00\x00\x00abc\x00" + bytes(2000)
STORAGES = ("mcap", "sqlite3")


@pytest.fixture
def no_file_over_200_kb() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def fill(bag: BagWriter) -> None:
    for number in range(1000):
        bag.write("/text", number, TEXT)
        if number % 10 == 9:
            bag.flush()


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.usefixtures("no_file_over_200_kb")
def test_a_full_disk_is_told_in_a_sentence_and_what_was_written_is_kept(tmp_path, storage):
    bag = BagWriter(tmp_path / "bag", TOPICS, storage)
    with pytest.raises(BagError, match="cannot write to the bag"):
        fill(bag)
    bag.abandon()
    bag.close()
    with BagReader(tmp_path / "bag") as reading:
        assert len(list(reading.messages())) > 20


@pytest.mark.parametrize("storage", STORAGES)
def test_a_disk_without_any_room_is_refused_in_a_sentence(tmp_path, storage):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(BagError, match="bag"):
            bag = BagWriter(tmp_path / "bag", TOPICS, storage)
            fill(bag)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("storage", STORAGES)
def test_an_abandoned_bag_stays_abandoned(tmp_path, storage):
    bag = BagWriter(tmp_path / "bag", TOPICS, storage)
    bag.write("/text", 1, TEXT)
    bag.flush()
    bag.abandon()
    bag.abandon()
    bag.close()
    assert not (tmp_path / "bag" / "metadata.yaml").exists()
