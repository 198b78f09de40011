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

"""When a device that is gone is tried again."""

from __future__ import annotations

import pytest

from kpm_ros.sense.connection import NS_PER_S, Backoff


def tries(backoff: Backoff, seconds: float) -> list[float]:
    made = []
    for now_ns in range(0, round(seconds * NS_PER_S), NS_PER_S // 10):
        if backoff.due(now_ns):
            made.append(now_ns / NS_PER_S)
            backoff.failed(now_ns)
    return made


def test_pauses_double_up_to_the_longest() -> None:
    assert tries(Backoff(0.5, 4.0), 16) == [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5]


def test_after_a_success_the_next_failure_is_followed_by_the_first_pause() -> None:
    backoff = Backoff(0.5, 4.0)
    tries(backoff, 10)
    backoff.succeeded()
    assert backoff.due(0)
    backoff.failed(0)
    assert not backoff.due(NS_PER_S // 4)
    assert backoff.due(NS_PER_S // 2)


def test_a_clock_that_was_set_back_does_not_delay_the_next_try() -> None:
    backoff = Backoff()
    backoff.failed(3600 * NS_PER_S)
    assert backoff.due(0)


def test_pauses_that_cannot_grow_are_refused() -> None:
    with pytest.raises(ValueError, match="pauses"):
        Backoff(2.0, 1.0)
