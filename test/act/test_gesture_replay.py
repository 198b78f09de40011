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

"""A replay recognises the gestures that the live run did."""

from __future__ import annotations

import numpy as np
from hypothesis import event, given, settings
from hypothesis import strategies as st

from kpm_ros.act.gestures.rules import GestureChange, GestureConfig, GestureRecogniser
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.models.pianokpm.published import MUSCLES
from support.clocks import both

MS = 1_000_000
NOW = 1_700_000_000_000 * MS
STEP = 500_000

levels = st.sampled_from([0.0, 0.19, 0.21, 0.34, 0.36, 0.6, 0.9])
stretch = st.tuples(st.integers(1, 400), st.lists(levels, min_size=6, max_size=6))
fault = st.tuples(
    st.sampled_from(["nan", "inf", "huge", "invalid", "gap", "short gap", "back", "repeat"]),
    st.floats(0, 1),
)


def stream(
    stretches: list[tuple[int, list[float]]], faults: list[tuple[str, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Samples with every kind of fault somewhere among them."""
    effort = np.concatenate([np.tile(row, (count, 1)) for count, row in stretches])
    effort += np.random.default_rng(len(effort)).normal(0, 0.02, effort.shape)
    stamps = NOW + STEP * np.arange(len(effort))
    flags = np.zeros(len(effort), FlagBits)
    for kind, place in faults:
        index = min(int(place * len(effort)), len(effort) - 1)
        if kind in ("nan", "inf", "huge"):
            effort[index, index % 6] = {"nan": np.nan, "inf": np.inf, "huge": 1e200}[kind]
        elif kind == "invalid":
            flags[index] = Flag.INVALID
        else:
            shift = {"gap": 150 * MS, "short gap": 20 * MS, "back": -5 * MS, "repeat": -STEP}[kind]
            stamps[index:] += shift
    return stamps, effort, flags


@settings(max_examples=80, deadline=None)
@given(
    stretches=st.lists(stretch, min_size=1, max_size=8),
    faults=st.lists(fault, max_size=4),
    cuts=st.lists(st.integers(1, 40), min_size=1, max_size=20),
)
def test_a_stream_is_recognised_alike_however_it_is_cut(
    stretches: list, faults: list, cuts: list[int]
) -> None:
    stamps, effort, flags = stream(stretches, faults)
    end = int(stamps.max()) + 10 * MS
    whole = GestureRecogniser(GestureConfig(), MUSCLES)
    expected = whole.push_effort(stamps, effort, flags, both(end))
    event(f"gestures: {min(len(expected), 3)}")
    cut, live = (GestureRecogniser(GestureConfig(), MUSCLES) for _ in range(2))
    got: list[GestureChange] = []
    got_live: list[GestureChange] = []
    first, turn, now = 0, 0, NOW
    while first < len(stamps):
        part = slice(first, first + cuts[turn % len(cuts)])
        now = max(now, int(stamps[part].max()) + 10 * MS)
        got += cut.push_effort(stamps[part], effort[part], flags[part], both(end))
        got_live += live.push_effort(stamps[part], effort[part], flags[part], both(now))
        first, turn = part.stop, turn + 1
    assert got == expected
    assert got_live == expected
    assert cut.current(both(end)) == whole.current(both(end))
    assert cut.guard.counts == whole.guard.counts
