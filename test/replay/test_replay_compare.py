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

"""Two runs agree where they had the same inputs; where they had not, nothing is claimed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.chunks import AlignedChunk
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from kpm_ros.replay.compare import FORGET_S, RULES, Fingerprints, compare
from kpm_ros.replay.effort import Effort
from support.bags import MS, T0

CARD = published_card()
FRAMES = published_card(architecture="touchnet")
STEP_NS = 500_000
COUNT = 4000
BACK, ZERO = round(RULES.return_s * 2000), round(RULES.zero_after_s * 2000)
SETTLED = {
    CARD.architecture: round(FORGET_S * 2000),
    FRAMES.architecture: math.floor(architecture_of(FRAMES).span(FRAMES).settling / 1024 * 2000),
}
"""Instants for which a grid sample is remembered."""


UNSEEN = SETTLED[CARD.architecture] + BACK
"""Instants after a run's first one that may depend on what was before it."""


def run(first=0, count=COUNT):
    """Effort that depends on nothing but its instant."""
    index = np.arange(first, first + count)
    effort = np.sin(index[:, None] * 0.01 * np.arange(1, 7)).astype(np.float32)
    return Effort(T0 + index * STEP_NS, index, effort, np.zeros(count, FlagBits))


def changed(effort, where, by=1e-3, flags=0):
    values, bits = effort.effort.copy(), effort.flags.copy()
    values[where] += np.float32(by)
    bits[where] |= flags
    return replace(effort, effort=values, flags=bits)


def at(sample):
    return np.array([T0 + sample * STEP_NS])


def test_the_same_effort_agrees():
    found = compare(run(), run(), CARD, 1e-5)
    assert found.agrees
    assert found.enough
    assert (found.both, found.only_first, found.only_second) == (COUNT, 0, 0)
    assert (found.max_difference, found.flags_differ) == (0.0, 0)


def test_samples_that_only_one_has_are_counted():
    found = compare(run(0, 3000), run(500, 3500), CARD, 1e-5)
    assert (found.both, found.only_first, found.only_second) == (2500, 500, 1000)


@pytest.mark.parametrize(("by", "agrees"), [(5e-6, True), (5e-5, False)])
def test_one_sample_beyond_the_tolerance_is_enough(by, agrees):
    found = compare(run(), changed(run(), 2000, by), CARD, 1e-5)
    assert found.agrees is agrees
    assert found.max_difference == pytest.approx(by, rel=0.1)


def test_a_flag_that_differs_is_enough():
    found = compare(run(), changed(run(), 2000, 0, Flag.HELD), CARD, 1e-5)
    assert not found.agrees
    assert found.flags_differ == 1


def test_the_beginning_of_a_stream_is_set_apart():
    late = changed(run(1000, 3000), slice(0, 400), 0, Flag.WARMING_UP | Flag.INVALID)
    found = compare(run(), changed(late, slice(0, 400 + BACK)), CARD, 1e-5)
    assert found.agrees
    assert found.warming == 400 + BACK
    assert found.compared == 3000 - 400 - BACK
    assert not compare(run(), changed(late, slice(0, 401 + BACK)), CARD, 1e-5).agrees


def test_effort_that_is_believed_by_fits_and_starts_remembers_its_beginning_longer():
    """Each return to valid effort begins where the decay before it had come to."""
    other = changed(run(), slice(0, 400), 0, Flag.WARMING_UP | Flag.INVALID)
    one = run()
    for start in range(400 + BACK - 20, 2000, BACK):
        one, other = (changed(of, slice(start, start + 20), 0, Flag.INVALID) for of in (one, other))
    # The last short stretch ends before 2000; what came before it shows until it has passed.
    ends = start + 20
    assert compare(one, changed(other, slice(0, ends + BACK)), CARD, 1e-5).agrees
    assert not compare(one, changed(other, slice(0, ends + BACK + 2)), CARD, 1e-5).agrees
    long = slice(1000, 1000 + ZERO + 2)
    one, other = (changed(of, long, 0, Flag.INVALID) for of in (one, other))
    assert not compare(one, changed(other, slice(0, long.stop + 1)), CARD, 1e-5).agrees


def test_what_was_before_a_run_that_was_recorded_too_late_is_not_known():
    found = compare(run(), changed(run(1000, 3000), slice(0, UNSEEN)), CARD, 1e-5)
    assert found.agrees
    assert found.unseen == UNSEEN + 1
    late = changed(run(1000, 3000), slice(0, UNSEEN + 2))
    assert not compare(run(), late, CARD, 1e-5).agrees
    assert not compare(run(), changed(run(0, 3000), slice(2999, 3000)), CARD, 1e-5).agrees


def test_what_was_said_in_a_gap_is_not_known():
    whole = run()
    kept = np.r_[0:1500, 1600:COUNT]
    broken = Effort(*(getattr(whole, n)[kept] for n in ("stamps_ns", "index", "effort", "flags")))
    after = slice(1500, 1500 + UNSEEN)
    assert compare(whole, changed(broken, after), CARD, 1e-5).agrees
    assert not compare(whole, changed(broken, slice(1490, 1500)), CARD, 1e-5).agrees


@pytest.mark.parametrize("card", [CARD, FRAMES])
def test_a_sample_that_reached_one_network_only_is_set_apart_for_as_long_as_it_is_remembered(card):
    bridged = slice(2000, 2010)
    other = changed(run(), bridged, 0, Flag.BRIDGED | Flag.HELD)
    last = 2010 + SETTLED[card.architecture] + BACK
    found = compare(run(), changed(other, slice(2000, last)), card, 1e-5)
    assert found.agrees
    assert abs(found.lost - (last - 2000)) <= 1
    assert not compare(run(), changed(other, slice(2000, last + 2)), card, 1e-5).agrees
    both = changed(run(), bridged, 0, Flag.BRIDGED | Flag.HELD)
    assert compare(both, other, card, 1e-5).lost == 0
    assert not compare(run(), changed(run(), bridged, 0, Flag.HELD), card, 1e-5).agrees


@pytest.mark.parametrize("card", [CARD, FRAMES])
def test_what_was_made_from_other_inputs_is_set_apart_and_the_rest_is_not(card):
    last = 2000 + SETTLED[card.architecture]
    near, far = changed(run(), slice(1940, last)), changed(run(), slice(last + 2, last + 9))
    found = compare(run(), near, card, 1e-5, at(2000))
    assert found.agrees
    assert found.unlike >= last - 1940
    assert not compare(run(), far, card, 1e-5, at(2000)).agrees
    assert not compare(run(), near, card, 1e-5, at(3500)).agrees
    assert found.max_difference == 0.0
    assert found.max_difference_anywhere == pytest.approx(1e-3, rel=0.01)


def test_effort_that_was_valid_in_one_run_only_needs_longer_to_come_back():
    decaying = changed(run(), slice(2000, 2100), 0, Flag.INVALID)
    back = slice(2000, 2100 + BACK)
    assert compare(run(), changed(decaying, back), CARD, 1e-5, at(2000)).agrees
    longer = changed(decaying, slice(2000, 2100 + SETTLED[CARD.architecture] + BACK + 2))
    assert not compare(run(), longer, CARD, 1e-5, at(2000)).agrees


def test_nothing_is_proven_by_runs_that_had_other_inputs_throughout():
    other = np.array([T0 + i * 50 * MS for i in range(100)])
    found = compare(run(), run(), CARD, 1e-5, other)
    assert not found.enough
    assert found.compared < COUNT / 2


def test_less_than_half_of_what_both_have_proves_nothing():
    few, most = (
        compare(run(), run(), CARD, 1e-5, T0 + STEP_NS * np.arange(count)) for count in (2000, 1000)
    )
    assert 0 < few.compared < COUNT / 2 < most.compared
    assert (few.enough, most.enough) == (False, True)


def test_runs_that_do_not_overlap_do_not_agree():
    found = compare(run(), run(COUNT + 10), CARD, 1e-5)
    assert not found.enough
    assert found.both == 0
    assert math.isnan(found.max_difference)


def grid(*, first=100, count=50, missing=0, flags=0, pose=0.5):
    return AlignedChunk(
        stamp_ns=first * 10**9 // 1024,
        first_index=0,
        grid_index=first,
        rate_hz=1024.0,
        values=np.full((count, 7), pose, np.float32),
        missing=np.full(count, missing, np.uint32),
        flags=np.full(count, flags, FlagBits),
    )


def prints(*chunks):
    made = Fingerprints(1024)
    assert list(made.watch(chunks)) == list(chunks)
    return made


@pytest.mark.parametrize("change", [{"missing": 1}, {"flags": 16}, {"pose": 0.5000001}])
def test_any_change_of_a_grid_sample_is_seen(change):
    parts = grid(count=20), grid(first=120, count=10), grid(first=130, count=20)
    altered = parts[0], grid(first=120, count=10, **change), parts[2]
    assert prints(grid()).compare(prints(*parts)).share == 1.0
    found = prints(grid()).compare(prints(*altered))
    assert found.other_inputs.tolist() == [i * 10**9 // 1024 for i in range(120, 130)]
    assert (found.same, found.unlike) == (40, 10)
    assert found.share == 0.8


def test_grid_samples_that_only_one_has_are_differences():
    parts = grid(count=30), grid(first=135, count=17)
    found = prints(grid(count=50)).compare(prints(*parts))
    assert found.other_inputs.tolist() == [i * 10**9 // 1024 for i in (*range(130, 135), 150, 151)]
    # Before the first and after the last that both have, one merely has more.
    assert (found.same, found.only_first, found.only_second) == (45, 5, 0)
    assert found.share == 0.9
