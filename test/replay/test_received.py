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

"""A replay hears what the run heard, when the run heard it."""

from __future__ import annotations

import zlib
from itertools import islice

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig
from kpm_ros.replay.bag_reader import BagReader
from kpm_ros.replay.compare import Fingerprints
from kpm_ros.replay.definitions import known_types
from kpm_ros.replay.offline import Replay
from kpm_ros.replay.received import ReceivedMessages
from kpm_ros.replay.topics import RECEIPTS, TopicFinder
from support.bags import MS, T0, entries, header, live, make, played, small_model, write

TOLD = "/kpm/aligned/receipts"


def receipts(heard, first_index=0, every=40):
    """Say when these messages were received, some at a time."""
    heard = iter(sorted(heard, key=lambda entry: entry[1]))
    while some := list(islice(heard, every)):
        topics = list(dict.fromkeys(topic for topic, *_ in some))
        times_ns = [received_ns for _, received_ns, *_ in some]
        message = make(
            RECEIPTS,
            header=header(times_ns[-1]),
            first_index=first_index,
            topics=topics,
            topic=np.array([topics.index(topic) for topic, *_ in some], np.uint32),
            checksum=np.array(
                [zlib.crc32(known_types().serialize_cdr(m, kind)) for _, _, m, kind in some],
                np.uint32,
            ),
            received=np.array(times_ns, np.int64),
        )
        yield TOLD, times_ns[-1] + MS, message, RECEIPTS
        first_index += len(some)


def recorded(heard, rng):
    """The same messages as a recorder receives them: up to 60 ms later."""
    return [
        (topic, received_ns + int(rng.integers(0, 60 * MS)), message, kind)
        for topic, received_ns, message, kind in heard
    ]


def read(folder, told=TOLD):
    with BagReader(folder) as bag:
        topics = [topic for topic in bag.topics if topic not in (TOLD, "/kpm/aligned")]
        received = ReceivedMessages(bag, topics, told)
        found = [
            (message.topic, zlib.crc32(message.data), received_ns)
            for message, received_ns in received
        ]
    return found, received


@pytest.fixture(scope="module")
def heard():
    return entries(played(1.0))


@pytest.mark.parametrize("told", [True, False])
def test_the_grid_is_that_of_a_run_that_received_all_at_other_times(tmp_path, told):
    model, card = small_model(tmp_path)
    deliveries = played(2.0)
    heard = entries(deliveries)
    run = [one for one in live(deliveries, model) if one[0] == "/kpm/aligned"]
    said = list(receipts(heard)) if told else []
    bag_of = write(tmp_path / "bag", [*recorded(heard, np.random.default_rng(1)), *said, *run])
    with BagReader(bag_of) as bag:
        replay, finder = Replay(bag, card), TopicFinder(bag)
        made, lived = Fingerprints(card.rate_hz), Fingerprints(card.rate_hz)
        aligner = Aligner(AlignerConfig(streams=card.streams, rate_hz=card.rate_hz))
        found = finder.find(RECEIPTS)
        for _ in made.watch(replay.align(finder.inputs(card.streams), aligner, found)):
            pass
        for _ in lived.watch(replay.read_aligned("/kpm/aligned")):
            pass
    assert (made.compare(lived).share == 1.0) == told
    assert made.compare(lived).same > 0


def test_messages_come_in_the_order_and_at_the_times_of_the_run(tmp_path, heard):
    bag = write(tmp_path / "bag", [*recorded(heard, np.random.default_rng(2)), *receipts(heard)])
    found, received = read(bag)
    assert [at_ns for *_, at_ns in found] == sorted(at_ns for _, at_ns, *_ in heard)
    assert (received.unheard, received.lacking) == (0, 0)


def test_what_the_run_did_not_receive_is_left_out_and_what_the_bag_lacks_is_counted(
    tmp_path, heard
):
    both = heard[20:-3]
    bag = write(tmp_path / "bag", [*heard[:-3], *receipts(heard[20:])])
    found, received = read(bag)
    assert [at_ns for *_, at_ns in found] == [at_ns for _, at_ns, *_ in both]
    assert (received.unheard, received.lacking) == (20, 3)


def test_what_came_before_the_bag_tells_counts_as_the_recorder_received_it(tmp_path, heard):
    # The run had gone on for long when its recorder was started.
    bag = write(tmp_path / "bag", [*heard, *receipts(heard[20:], first_index=7000)])
    found, received = read(bag)
    assert (len(found), received.unheard) == (len(heard), 0)


def test_what_a_lost_message_would_have_told_counts_as_the_recorder_received_it(tmp_path, heard):
    first, _lost, *others = receipts(heard)
    found, received = read(write(tmp_path / "bag", [*heard, first, *others]))
    assert (len(found), received.unheard) == (len(heard), 0)


def test_without_receipts_all_counts_as_the_recorder_received_it(tmp_path, heard):
    found, _ = read(write(tmp_path / "bag", heard), told=None)
    assert [at_ns for *_, at_ns in found] == [at_ns for _, at_ns, *_ in heard]


def test_receipts_that_cannot_be_are_of_no_use_and_do_no_harm(tmp_path, heard):
    [told] = receipts(heard[:30])
    told[2].topic[:] = 9
    found, _ = read(write(tmp_path / "bag", [*heard, told]))
    assert len(found) == len(heard)
    assert found[0][2] >= T0
