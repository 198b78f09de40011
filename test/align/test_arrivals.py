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

from __future__ import annotations

import numpy as np

from kpm_ros.align.arrivals import NEVER_NS, Arrivals, Outcome
from support.senses import MS

WAIT = 60 * MS


def stream(most: int = 100) -> Arrivals[str]:
    return Arrivals(WAIT, 1000 * MS, most)


def add(arrivals: Arrivals[str], at_ms: int, index: int, received_ms: int) -> Outcome:
    return arrivals.add(f"{at_ms}", at_ms * MS, at_ms * MS, index, 1, received_ms * MS)


def usable(arrivals: Arrivals[str], *at_ms: int) -> list[tuple[list[int], list[str]]]:
    stamps = np.array(at_ms, np.int64) * MS
    return [
        ((stamps[part] // MS).tolist(), [piece.item for piece in pieces])
        for part, pieces in arrivals.usable(stamps)
    ]


def test_without_data_only_the_wait_settles_anything() -> None:
    arrivals = stream()
    assert arrivals.settled_until(1000 * MS) == 940 * MS - 1
    assert arrivals.known_ns == NEVER_NS


def test_the_piece_after_settles_what_lies_before_it() -> None:
    arrivals = stream()
    add(arrivals, 900, 0, 915)
    add(arrivals, 916, 1, 931)
    add(arrivals, 932, 2, 947)
    assert arrivals.settled_until(947 * MS) < 900 * MS  # what came before 900 may still come
    assert arrivals.settled_until(961 * MS) == 932 * MS


def test_a_missing_index_is_waited_for() -> None:
    arrivals = stream()
    for at_ms, index in ((900, 0), (916, 1), (948, 3)):
        add(arrivals, at_ms, index, at_ms + 15)
    assert arrivals.settled_until(970 * MS) == 916 * MS
    assert arrivals.settled_until(976 * MS) == 916 * MS
    assert arrivals.settled_until(976 * MS + 2) == 916 * MS + 1
    assert arrivals.settled_until(1009 * MS) == 949 * MS - 1


def test_a_missing_piece_that_comes_in_time_settles_at_once() -> None:
    arrivals = stream()
    for at_ms, index, received_ms in ((900, 0, 915), (916, 1, 931), (948, 3, 963), (932, 2, 970)):
        assert add(arrivals, at_ms, index, received_ms) is Outcome.TAKEN
    assert arrivals.settled_until(970 * MS) == 948 * MS


def test_pieces_without_an_index_are_taken_to_be_in_order() -> None:
    arrivals = stream()
    for at_ms in (900, 916, 932):
        add(arrivals, at_ms, 0, at_ms + 15)
    assert arrivals.settled_until(962 * MS) == 932 * MS


def test_a_piece_that_comes_late_is_used_only_for_what_still_waits() -> None:
    arrivals = stream()
    add(arrivals, 900, 0, 915)
    assert add(arrivals, 916, 1, 1000) is Outcome.LATE
    assert usable(arrivals, 930, 939, 940, 950) == [
        ([930, 939], ["900"]),
        ([940, 950], ["900", "916"]),
    ]


def test_an_intruder_between_consecutive_pieces_changes_nothing_that_was_settled() -> None:
    arrivals = stream()
    for at_ms, index in ((900, 0), (916, 1), (932, 2)):
        add(arrivals, at_ms, index, at_ms + 15)
    assert arrivals.settled_until(961 * MS) == 932 * MS
    assert add(arrivals, 920, 77, 961) is Outcome.LATE
    assert usable(arrivals, 918, 925) == [([918, 925], ["900", "916", "932"])]
    assert arrivals.settled_until(962 * MS) == 932 * MS


def test_two_pieces_with_one_stamp_are_a_repeat() -> None:
    arrivals = stream()
    add(arrivals, 900, 0, 915)
    assert add(arrivals, 900, 1, 916) is Outcome.REFUSED
    assert len(arrivals) == 1


def test_no_more_is_kept_than_allowed() -> None:
    arrivals = stream(most=5)
    for i in range(100):
        add(arrivals, i, i, i + 1)
    assert len(arrivals) == 5


def test_a_piece_is_spent_once_newer_ones_are_in_use() -> None:
    arrivals = stream()
    add(arrivals, 900, 0, 915)
    add(arrivals, 916, 1, 931)
    assert not arrivals.spent(910 * MS, keep=1)
    assert arrivals.spent(916 * MS, keep=1)
    assert not arrivals.spent(10**6 * MS, keep=2)


def test_a_wait_that_changes_takes_back_nothing_that_was_settled() -> None:
    arrivals = stream()
    arrivals.wait_from(1000 * MS, 200 * MS)
    assert arrivals.settled_until(1000 * MS) == 940 * MS - 1
    assert arrivals.settled_until(1100 * MS) == 940 * MS - 1
    assert arrivals.settled_until(1150 * MS) == 950 * MS - 1
    arrivals.wait_from(1150 * MS, 50 * MS)
    assert arrivals.settled_until(1150 * MS) == 1100 * MS - 1
