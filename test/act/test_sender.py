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

"""Whose effort is acted on."""

from __future__ import annotations

from kpm_ros.act.sender import SILENT_NS, Sender, SenderWatch

FIRST, SECOND = Sender(b"one", 1), Sender(b"two", 2)
MS = 1_000_000


def following(sender: Sender = FIRST) -> SenderWatch:
    watch = SenderWatch()
    assert watch.receive(sender, understood=True, steady_ns=0) == ""
    return watch


def test_who_speaks_first_and_is_understood_is_followed() -> None:
    watch = SenderWatch()
    assert "unknown description (0000000000000001)" in watch.receive(FIRST, False, 0)
    assert watch.followed is None
    assert watch.receive(SECOND, True, MS) == ""
    assert (watch.followed, watch.changes) == (SECOND, 0)


def test_nobody_else_is_followed_while_the_first_goes_on() -> None:
    watch = following()
    for tick in range(1, 2000):
        assert watch.receive(FIRST, True, tick * MS) == ""
        assert watch.receive(SECOND, True, tick * MS) == "a second publisher sends effort"
    assert (watch.followed, watch.changes) == (FIRST, 0)


def test_a_second_publisher_is_one_even_with_the_digest_of_the_first() -> None:
    copied = Sender(SECOND.publisher, FIRST.info_digest)
    assert "second publisher" in following().receive(copied, True, MS)


def test_one_publisher_of_two_descriptions_is_not_believed() -> None:
    assert "two descriptions" in following().receive(Sender(b"one", 2), True, MS)


def test_another_is_followed_once_the_first_has_been_silent() -> None:
    watch = following()
    assert watch.receive(SECOND, True, SILENT_NS - 1)
    assert watch.receive(SECOND, True, SILENT_NS) == ""
    assert (watch.followed, watch.changes) == (SECOND, 1)
    assert watch.receive(FIRST, True, SILENT_NS + 1)


def test_after_a_loss_the_next_is_a_change() -> None:
    watch = following()
    watch.lose()
    assert (watch.followed, watch.changes) == (None, 0)
    assert watch.receive(SECOND, True, MS) == ""
    assert watch.changes == 1
