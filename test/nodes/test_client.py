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

"""The reader that other packages use: every sample, and what went wrong on the way."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from kpm_ros.msg import EffortInfo, MuscleEffort

from kpm_ros import client
from kpm_ros.act.sender import SILENT_NS
from kpm_ros.client import EffortReader
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.estimate.effort_info import described, digest_of, new_stream
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.nodes import qos
from kpm_ros.nodes.effort_infos import MOST_KEPT
from kpm_ros.nodes.effort_wire import effort_encoder
from support.waiting import wait_for

MUSCLES = ("ADM", "1DI")
STEP_NS = 500_000
S = 1_000_000_000


class Stream:
    """A publisher of effort whose every sample the test decides."""

    def __init__(self, node, muscles=MUSCLES):
        self.node = node
        self.muscles = muscles
        self.infos = node.create_publisher(EffortInfo, "effort/info", qos.of("effort/info"))
        self.effort = node.create_publisher(MuscleEffort, "effort", qos.of("effort"))
        self.origin_ns = node.get_clock().now().nanoseconds // STEP_NS * STEP_NS
        self.announce()

    def announce(self, **changes):
        """Say what effort is from now on, as an estimator that has just been started."""
        card = published_card(muscles=self.muscles)
        said = described(card, "", new_stream()) | changes
        self.info = EffortInfo(**(said | {"digest": digest_of(SimpleNamespace(**said))}))
        self.encoder = effort_encoder(len(self.muscles), self.info.digest)
        self.infos.publish(self.info)

    def send(self, first, count, flags=0, value=0.5):
        index = np.arange(first, first + count)
        for data in self.encoder.encode(
            self.origin_ns + index * STEP_NS,
            first,
            np.full(count, flags, FlagBits),
            np.full((count, len(self.muscles)), value, np.float32),
        ):
            self.effort.publish(data)


class Steady:
    """The clock that nobody can set, but for these tests."""

    now_ns = 10**12

    def monotonic_ns(self):
        return self.now_ns

    def advance(self, ms):
        self.now_ns += ms * 1_000_000


@pytest.fixture(autouse=True)
def steady(monkeypatch):
    made = Steady()
    monkeypatch.setattr(client, "time", made)
    return made


@pytest.fixture
def stream(node):
    return Stream(node)


@pytest.fixture
def reader(node, stream):
    made = EffortReader(node)
    wait_for(lambda: stream.effort.get_subscription_count() == 1, "the reader to be found")
    wait_until_known(made, stream)
    yield made
    made.close()


def wait_until_known(reader, stream):
    digest = stream.info.digest
    wait_for(lambda: reader.take() is not None and reader._infos.of(digest), "the info")


def take(reader, count):
    batches = []

    def enough():
        batches.append(reader.take())
        return sum(map(len, batches)) >= count

    wait_for(enough, f"{count} samples")
    return batches


def test_a_width_stands_beside_each_effort_where_the_model_knows_one(stream, reader, steady):
    stream.send(0, 1)
    assert np.isnan(take(reader, 1)[-1].half_width).all()
    told = {"interval_at": [0.0, 1.0] * 2, "interval_half": [0.1, 0.5, 0.2, 0.2]}
    steady.advance(SILENT_NS // 1_000_000 + 1)
    stream.announce(**told)
    wait_until_known(reader, stream)
    stream.send(1, 1)
    batch = next(batch for batch in take(reader, 1) if len(batch))
    assert batch.half_width[0] == pytest.approx([0.3, 0.2])
    assert batch.lower[0] == pytest.approx([0.2, 0.3])
    assert batch.upper[0] == pytest.approx([0.8, 0.7])
    stream.send(2, 1, flags=int(Flag.INVALID))
    invalid = next(batch for batch in take(reader, 1) if len(batch))
    assert np.isnan(invalid.half_width).all()


def test_every_sample_comes_once_and_in_order(stream, reader):
    stream.send(0, 100)
    stream.send(100, 100, value=0.25)
    batches = take(reader, 200)
    assert np.concatenate([b.index for b in batches]).tolist() == list(range(200))
    effort = np.concatenate([b.effort for b in batches])
    assert (effort[:100] == 0.5).all()
    assert (effort[100:] == 0.25).all()
    stamps = np.concatenate([b.stamps_ns for b in batches])
    assert stamps.tolist() == [stream.origin_ns + i * STEP_NS for i in range(200)]
    assert (reader.messages, reader.lost, reader.out_of_order, reader.invalid) == (200, 0, 0, 0)
    assert reader.muscles == MUSCLES


def test_a_jump_of_the_index_is_counted_as_loss(stream, reader):
    stream.send(0, 10)
    stream.send(17, 3)
    take(reader, 13)
    assert reader.lost == 7


def test_a_loss_between_two_takes_is_counted_too(stream, reader):
    stream.send(0, 10)
    take(reader, 10)
    stream.send(15, 1)
    take(reader, 1)
    assert reader.lost == 5


def test_samples_out_of_order_are_counted(stream, reader):
    stream.send(5, 5)
    stream.send(3, 1)
    take(reader, 6)
    assert reader.out_of_order == 1


def test_invalid_samples_are_marked_and_status_says_why(stream, reader):
    stream.send(0, 4)
    stream.send(4, 6, flags=int(Flag.POSE_LOST | Flag.INVALID))
    batches = take(reader, 10)
    assert np.concatenate([b.valid for b in batches]).tolist() == [True] * 4 + [False] * 6
    assert reader.invalid == 6
    assert not reader.status().ready
    assert "pose lost" in reader.status().reason


def test_of_two_hands_each_is_valid_by_itself(stream, reader):
    stream.send(0, 4, flags=int(Flag.LEFT_INVALID | Flag.POSE_LOST))
    batch = take(reader, 4)[0]
    assert batch.valid.all()
    assert batch.valid_of("right").all()
    assert not batch.valid_of("left").any()
    assert reader.status(stream.origin_ns).reason == (
        "effort is fresh and valid, but for the left hand's"
    )


def test_effort_is_ready_when_fresh_and_stale_when_it_stops(stream, reader, steady):
    assert not reader.status().ready
    assert "no effort has come" in reader.status().reason
    stream.send(0, 10)
    take(reader, 10)
    assert reader.status(stream.origin_ns).ready
    steady.advance(50)
    assert reader.status(stream.origin_ns).ready
    steady.advance(1)
    assert reader.status(stream.origin_ns).reason == "no effort for 51 ms"


def test_effort_about_an_instant_long_ago_is_not_ready(stream, reader):
    stream.send(0, 10)
    take(reader, 10)
    status = reader.status(stream.origin_ns + 1_000_000_000)
    assert not status.ready
    assert "ago" in status.reason


def begin_anew(stream, reader):
    """Start the estimator again: it draws another number, and counts from zero."""
    stream.origin_ns += 5 * S
    stream.announce()
    wait_until_known(reader, stream)


SILENT_MS = SILENT_NS // 1_000_000


def test_a_stream_that_begins_anew_is_counted_and_is_no_loss(stream, reader, steady):
    stream.send(1000, 10)
    take(reader, 10)
    begin_anew(stream, reader)
    steady.advance(SILENT_MS)
    stream.send(0, 10)
    take(reader, 10)
    assert reader.restarts == 1
    assert reader.info == stream.info
    assert (reader.lost, reader.out_of_order, reader.refused) == (0, 0, 0)


def test_effort_of_another_info_is_not_given_while_the_first_goes_on(stream, reader):
    stream.send(0, 10)
    take(reader, 10)
    first = stream.encoder
    begin_anew(stream, reader)
    stream.send(0, 5)
    wait_for(lambda: len(reader.take()) == 0 and reader.refused == 5, "the refusal")
    assert not reader.status().ready
    assert "two descriptions" in reader.status().reason
    stream.encoder = first
    stream.send(10, 5)
    take(reader, 5)
    assert reader.restarts == 0


@pytest.fixture
def rival(node, stream, reader):
    made = Stream(node)
    wait_for(lambda: made.effort.get_subscription_count() == 1, "the reader to be found")
    wait_until_known(reader, made)
    return made


def test_a_second_publisher_is_never_given_and_makes_effort_unfit(stream, reader, rival):
    """Their stamps interleave, and both say that they are valid."""
    stream.send(0, 10)
    take(reader, 10)
    for first in range(10, 50, 10):
        rival.send(first, 10, value=9.0)
        stream.send(first, 10)
        [*_, batch] = take(reader, 10)
        assert (batch.effort == 0.5).all()
        wait_for(lambda: len(reader.take()) == 0 and reader.trouble == "", "all to be taken")
    assert reader.refusals == {"another sender": 40}
    assert not reader.status(stream.origin_ns).ready
    assert "second publisher" in reader.status(stream.origin_ns).reason
    assert [each.publishers for each in reader.subscriptions] == [2, 2]


def test_a_second_publisher_that_copies_the_digest_is_a_second_publisher(stream, reader, rival):
    stream.send(0, 10)
    take(reader, 10)
    rival.encoder = stream.encoder
    rival.send(10, 10, value=9.0)
    wait_for(lambda: reader.take() is not None and reader.refused == 10, "the refusal")
    assert reader.messages == 10


def test_who_goes_on_alone_is_followed_after_a_silence(stream, reader, rival, steady):
    stream.send(0, 10)
    take(reader, 10)
    steady.advance(SILENT_MS)
    rival.send(0, 10, value=0.25)
    [*_, batch] = take(reader, 10)
    assert (batch.effort == 0.25).all()
    assert reader.restarts == 1


def test_effort_that_nobody_has_described_is_not_given(stream, reader):
    stream.encoder = effort_encoder(len(MUSCLES), 12345)
    stream.send(0, 10)
    wait_for(lambda: reader.take() is not None and reader.refused == 10, "the refusal")
    assert reader.messages == 0
    assert "unknown description (0000000000003039)" in reader.status().reason


def test_messages_with_other_muscles_are_refused_and_counted(stream, reader):
    stream.send(0, 1)
    take(reader, 1)
    wrong = MuscleEffort(index=1, info_digest=stream.info.digest, effort=[0.1] * 5)
    stream.effort.publish(wrong)
    wait_for(lambda: reader.take() is not None and reader.refused == 1, "the refusal")
    stream.send(2, 1)
    take(reader, 1)
    assert reader.refusals == {"misshapen": 1}
    assert reader.messages == 2


def test_bytes_that_are_no_message_are_refused_and_counted(stream, reader):
    stream.send(0, 1)
    take(reader, 1)
    for data in (b"", b"\0", b"\0\1\0\0" + b"\xff" * 80, bytes(1 << 15)):
        stream.effort.publish(data)
        stream.infos.publish(data)
    wait_for(lambda: reader.take() is not None and reader.refused == 8, "the refusals")
    stream.send(1, 1)
    take(reader, 1)
    assert reader.refusals == {"unreadable": 4}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"muscles": ["1DI", "ADM"]}, "its contents have"),
        ({"muscles": []}, "names 0 muscles"),
        ({"muscles": ["ADM", "ADM"]}, "'ADM' more than once"),
        ({"muscles": ["ADM", ""]}, "a muscle's name of 0 letters"),
        ({"muscles": ["ADM", "x" * 101]}, "a muscle's name of 101 letters"),
        ({"muscles": [str(number) for number in range(1001)]}, "names 1001 muscles"),
        ({"muscles": ["ADM", "1DI", "PB"]}, "but its publisher named 2 before"),
    ],
)
def test_an_info_that_cannot_be_used_is_refused_in_words(stream, reader, changes, words):
    said = []
    stream.node.refuse = said.append
    known = reader.info
    changed = described(published_card(), "", new_stream()) | changes
    if "before" in words:
        changed["digest"] = digest_of(SimpleNamespace(**changed))
    stream.infos.publish(EffortInfo(**changed))
    wait_for(lambda: reader.take() is not None and reader.refused == 1, "the refusal")
    assert words in said[0]
    assert reader.info == known


def test_sixty_thousand_names_are_refused_unread(stream, reader):
    said = []
    stream.node.refuse = said.append
    names = [f"muscle number {number}" for number in range(60_000)]
    stream.infos.publish(EffortInfo(muscles=names))
    wait_for(lambda: reader.take() is not None and reader.refused == 1, "the refusal")
    assert "bytes that are no message: no more than 262144 are read" in said[0]


def test_no_more_infos_are_kept_than_a_few_and_never_without_the_one_in_use(stream, reader, rival):
    stream.send(0, 1)
    take(reader, 1)
    for number in range(3 * MOST_KEPT):
        rival.announce()
        wait_until_known(reader, rival)
        stream.send(number + 1, 1)
        take(reader, 1)
    assert len(reader._infos._kept) == MOST_KEPT


def test_infos_are_forgotten_when_their_publisher_is_gone(node, stream, reader, steady):
    stream.send(0, 1)
    take(reader, 1)
    for publisher in (stream.infos, stream.effort):
        node.destroy_publisher(publisher)

    def forgotten():
        steady.advance(1000)
        reader.take()
        return reader.info is None

    wait_for(forgotten, "the info to be forgotten")
    assert reader.muscles == ()
