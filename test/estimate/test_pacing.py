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

from kpm_ros.estimate.pacing import Pacer

MS = 1_000_000
S = 1_000 * MS
T0 = 1_700_000_000 * S
STEP = 500_000


class Stream:
    """Groups of samples waiting for a pacer, looked at every millisecond."""

    def __init__(self, pacer: Pacer | None = None) -> None:
        self.pacer = pacer or Pacer()
        self.waiting: list[int] = []
        self.left: list[tuple[int, int]] = []

    def made(self, stamp_ns: int, count: int, now_ns: int) -> None:
        self.pacer.made(stamp_ns, now_ns)
        self.waiting += range(stamp_ns, stamp_ns + count * STEP, STEP)

    def look(self, now_ns: int) -> int:
        due = self.pacer.due(self.waiting[0], len(self.waiting), now_ns) if self.waiting else 0
        self.left += [(stamp_ns, now_ns) for stamp_ns in self.waiting[:due]]
        self.waiting = self.waiting[due:]
        return due

    def run(self, start_ms: int, stop_ms: int, *, delay_ms: int, group_ms: int = 10) -> None:
        """Groups of 10 ms, each made so long after its last sample."""
        for at_ms in range(start_ms, stop_ms):
            now_ns = T0 + at_ms * MS
            if at_ms % group_ms == 0:
                first_ns = now_ns - (delay_ms + group_ms) * MS
                self.made(first_ns, 2 * group_ms, now_ns)
            self.look(now_ns)

    @property
    def ages_ms(self) -> list[float]:
        return [(now_ns - stamp_ns) / MS for stamp_ns, now_ns in self.left]


def test_samples_leave_evenly_although_they_are_made_in_groups() -> None:
    stream = Stream()
    stream.run(0, 1000, delay_ms=50)
    per_look = np.bincount([(now_ns - T0) // MS for _, now_ns in stream.left])
    assert set(per_look[20:].tolist()) == {2}
    assert {int(age) for age in stream.ages_ms[50:]} == {60}


def test_nothing_is_skipped_or_repeated_when_a_group_is_late() -> None:
    stream = Stream()
    stream.run(0, 1000, delay_ms=50)
    # 60 ms in which nothing is made, then all of it at once.
    for at_ms in range(1000, 1060):
        stream.look(T0 + at_ms * MS)
    stream.made(T0 + 940 * MS, 120, T0 + 1059 * MS)
    assert stream.look(T0 + 1060 * MS) > 0
    stream.run(1060, 1500, delay_ms=50)
    stamps = [stamp_ns for stamp_ns, _ in stream.left]
    assert set(np.diff(stamps).tolist()) == {STEP}
    # One slow moment is no reason to be late ever after.
    assert stream.pacer.delay_s == 0.06
    assert max(stream.ages_ms) > 100


def test_groups_that_are_late_again_and_again_are_waited_for() -> None:
    stream = Stream()
    stream.run(0, 1000, delay_ms=50)
    for at_ms in range(1000, 1100, 20):
        stream.run(at_ms, at_ms + 10, delay_ms=50)
        stream.run(at_ms + 10, at_ms + 20, delay_ms=70)
    assert stream.pacer.delay_s == 0.08


def test_the_delay_shrinks_gently_once_groups_come_sooner_again() -> None:
    stream = Stream()
    stream.run(0, 200, delay_ms=130)
    before = stream.pacer.delay_s
    stream.run(200, 1100, delay_ms=50)
    assert stream.pacer.delay_s == before
    stream.run(1100, 4000, delay_ms=50)
    per_look = np.bincount([(now_ns - T0) // MS for _, now_ns in stream.left])[1200:]
    assert per_look.max() <= 4
    assert per_look.mean() < 2.1
    assert abs(stream.pacer.delay_s - 0.06) < 0.001


def test_a_delay_longer_than_is_of_use_is_not_kept() -> None:
    stream = Stream()
    stream.run(0, 100, delay_ms=50)
    stream.made(T0 + 40 * MS, 1300, T0 + 700 * MS)
    assert stream.pacer.delay_s == 0.2
    assert stream.look(T0 + 700 * MS) > 900
    assert stream.left[-1][0] == T0 + 500 * MS


def test_bursts_leave_at_once() -> None:
    stream = Stream(Pacer(even=False))
    stream.made(T0, 20, T0 + 60 * MS)
    assert stream.look(T0 + 60 * MS) == 20


def test_after_a_step_back_nothing_waits_for_the_old_time() -> None:
    stream = Stream()
    stream.run(0, 1000, delay_ms=50)
    assert stream.waiting
    stepped_ns = T0 + 1000 * MS - S
    assert stream.look(stepped_ns) > 0
    assert not stream.waiting
    stream.made(stepped_ns - 55 * MS, 20, stepped_ns)
    assert stream.pacer.delay_s == 0.055


def test_the_pacer_forgets() -> None:
    pacer = Pacer()
    for i in range(100_000):
        pacer.made(T0 + i * MS - (50 + i % 2) * MS, T0 + i * MS)
    assert len(pacer._needed) == len(pacer._in_order) <= 1001
