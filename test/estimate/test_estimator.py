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

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kpm_ros.core.chunks import AlignedChunk, EffortChunk, Trace
from kpm_ros.core.flags import Flag, FlagBits
from kpm_ros.core.grid import Grid
from kpm_ros.estimate.estimator import EffortEstimator
from kpm_ros.models.card import ModelCard
from kpm_ros.models.pianokpm.published import published_card
from kpm_ros.models.registry import architecture_of
from support.models import small
from support.senses import S, streams

RATE = 1024
START = 1_700_000_000 * RATE
AHEAD = 31
CARD = published_card(streams=streams(("top",)), muscles=("a", "b"), lookahead=AHEAD)
POSE, KEYS = CARD.streams.senses["pose"], CARD.streams.senses["keys"]
WARM_UP = 102


class DelayedMean:
    """Answers each sample with the mean of its pose and of its keys, so many samples later."""

    def __init__(
        self, lookahead: int = AHEAD, none_from: float = np.inf, settling: int = 0
    ) -> None:
        self.settling = settling
        self._lookahead = lookahead
        self._none_from = none_from
        self.begins: list[int] = []

    def push(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        fresh = np.stack([values[:, POSE].mean(axis=1), values[:, KEYS].mean(axis=1)], axis=1)
        self._owed = np.concatenate([self._owed, fresh])
        ready = max(0, len(self._owed) - self._lookahead)
        out, self._owed = self._owed[:ready], self._owed[ready:]
        # Like a decoder that is fed its own output, it never recovers from a value that is none.
        bad = np.flatnonzero(out[:, 0] >= self._none_from)
        self._broken |= len(bad) > 0
        out[bad[0] if len(bad) else (0 if self._broken else len(out)) :] = np.nan
        return out.astype(np.float32)

    def reset(self, first_index: int) -> None:
        self._owed = np.zeros((0, 2), np.float32)
        self._broken = False
        self.begins.append(first_index - START)


def estimator(network: DelayedMean | None = None, card: ModelCard = CARD) -> EffortEstimator:
    return EffortEstimator(card, network or DelayedMean(card.lookahead))


def missing_of(flags: int) -> int:
    """Which streams are missing where a sample is flagged so."""
    return bool(flags & Flag.POSE_LOST) | bool(flags & Flag.CHANNELS_MISSING) << 1


def chunk(index: int, count: int, flags: int = 0, pose: float | None = None) -> AlignedChunk:
    """Samples `index` onwards of a pose that rises and keys that stand at 0.5."""
    rises = ((np.arange(index, index + count) - START) / 10_000).astype(np.float32)
    rows = np.full((count, CARD.streams.width), 0.5, np.float32)
    rows[:, POSE] = (rises if pose is None else np.full(count, pose, np.float32))[:, None]
    return AlignedChunk(
        stamp_ns=Grid(RATE).stamp_ns(index),
        first_index=0,
        grid_index=index,
        rate_hz=float(RATE),
        values=rows,
        missing=np.full(count, missing_of(flags), np.uint32),
        flags=np.full(count, flags, FlagBits),
        trace=Trace(input_ns=7, aligned_ns=8),
    )


def push_all(driven: EffortEstimator, chunks: list[AlignedChunk]) -> list[EffortChunk]:
    return [out for one in chunks if (out := driven.push(one)) is not None]


def hops(first: int, last: int, size: int = 10, flags: int = 0) -> list[AlignedChunk]:
    """Consecutive chunks of samples, counted from the start."""
    return [chunk(START + at, min(size, last - at), flags) for at in range(first, last, size)]


class Output:
    """Everything that came out, one row an instant."""

    def __init__(self, chunks: list[EffortChunk]) -> None:
        self.effort = np.concatenate([c.effort for c in chunks])
        self.flags = np.concatenate([c.flags for c in chunks])
        self.index = np.concatenate([c.first_index + np.arange(len(c)) for c in chunks])
        self.stamps_ns = np.concatenate([c.stamp_ns + np.arange(len(c)) * 500_000 for c in chunks])

    def flags_at(self, sample: int) -> int:
        """Flags of the first instant at or after a grid sample, counted from the start."""
        place = np.searchsorted(self.stamps_ns, Grid(RATE).stamp_ns(START + sample))
        return int(self.flags[place])


def test_effort_comes_on_the_exact_grid_as_late_as_the_network_looks_ahead() -> None:
    driven = estimator()
    assert push_all(driven, hops(0, AHEAD, AHEAD)) == []
    out = Output(push_all(driven, hops(AHEAD, 1024)))
    assert out.index.tolist() == list(range(len(out.index)))
    assert (out.stamps_ns == 1_700_000_000 * 10**9 + out.index * 500_000).all()
    assert len(out.index) == (1024 - AHEAD - 1) * 2000 // 1024 + 1


def test_effort_is_what_the_network_says_once_it_is_warm() -> None:
    out = Output(push_all(estimator(), hops(0, 1000)))
    warm = np.searchsorted(out.stamps_ns, Grid(RATE).stamp_ns(START + WARM_UP + 60))
    seconds = (out.stamps_ns - out.stamps_ns[0])[warm:] / 1e9
    assert np.abs(out.effort[warm:, 0] - seconds * RATE / 10_000).max() < 1e-6
    assert (out.effort[warm:, 1] == 0.5).all()
    assert not out.flags[warm:].any()


def test_at_first_the_network_warms_up() -> None:
    out = Output(push_all(estimator(), hops(0, 300)))
    warming = Flag.WARMING_UP | Flag.INVALID
    assert out.flags_at(0) == out.flags_at(WARM_UP - 1) == warming
    assert out.flags_at(WARM_UP) == 0
    assert not out.effort[: WARM_UP * 2000 // 1024].any()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 70), max_size=30), st.sampled_from([0, 1, 31]))
def test_splitting_changes_nothing(sizes: list[int], lookahead: int) -> None:
    card = replace(CARD, lookahead=lookahead)
    flags = np.zeros(600, FlagBits)
    flags[200:260], flags[300:305] = Flag.POSE_LOST, Flag.HELD
    whole = replace(chunk(START, 600), flags=flags)
    edges = np.unique(np.clip(np.cumsum([0, *sizes, 600]), 0, 600)).tolist()
    parts = [replace(chunk(START + a, b - a), flags=flags[a:b]) for a, b in pairwise(edges)]
    once = Output(push_all(estimator(card=card), [whole]))
    often = Output(push_all(estimator(card=card), parts))
    for name in ("effort", "flags", "index", "stamps_ns"):
        assert getattr(once, name).tobytes() == getattr(often, name).tobytes()


def test_a_flag_shows_from_when_the_network_sees_it_until_its_own_instant() -> None:
    parts = [*hops(0, 400), *hops(400, 405, flags=Flag.HELD), *hops(405, 600)]
    out = Output(push_all(estimator(), parts))
    marked = [k for k in range(300, 500) if out.flags_at(k) & Flag.HELD]
    assert marked[0] in (400 - AHEAD - 1, 400 - AHEAD)
    assert marked[-1] in (404, 405)
    assert len(marked) == marked[-1] - marked[0] + 1


def test_effort_is_never_below_zero() -> None:
    down = [chunk(START + at, 10, pose=value) for at, value in ((0, -0.2), (10, 0.3), (20, -0.1))]
    driven = EffortEstimator(CARD, DelayedMean(), warm_up_s=0.0)
    for at in range(30, 800, 10):
        down.append(chunk(START + at, 10, pose=0.3 * np.sin(at / 50)))
    out = Output(push_all(driven, down))
    assert (out.effort >= 0).all()
    assert (out.effort[:, 0] == 0).any()
    assert out.effort[:, 0].max() > 0.25


def test_while_it_depends_on_where_it_began_the_network_warms_up() -> None:
    driven = estimator(DelayedMean(settling=300))
    out = Output(push_all(driven, [*hops(0, 600), *hops(700, 1200)]))
    for warming in (0, WARM_UP, 298, 700, 998):
        assert out.flags_at(warming) == Flag.WARMING_UP | Flag.INVALID
    assert out.flags_at(300) == out.flags_at(1001) == 0


def test_a_network_is_told_where_on_the_grid_it_begins() -> None:
    network = DelayedMean()
    push_all(estimator(network), [*hops(3, 400), *hops(421, 600), *hops(733, 900)])
    assert network.begins == [3, 733]


def test_a_lost_hand_makes_effort_invalid_and_lets_it_decay() -> None:
    parts = [*hops(0, 400), *hops(400, 800, flags=Flag.POSE_LOST), *hops(800, 1200)]
    out = Output(push_all(estimator(), parts))
    assert out.flags_at(600) == Flag.POSE_LOST | Flag.INVALID
    lost = np.searchsorted(out.stamps_ns, Grid(RATE).stamp_ns(START + 400 - AHEAD))
    assert not out.effort[lost + 501 : lost + 700].any()
    assert out.effort[-1, 1] == 0.5
    assert np.abs(np.diff(out.effort[:, 1])).max() < 0.02


def test_a_sense_the_model_does_not_use_makes_nothing_invalid() -> None:
    card = replace(CARD, streams=streams(("top",), keys=False))
    out = Output(push_all(estimator(card=card), hops(0, 400, flags=Flag.CHANNELS_MISSING)))
    assert out.flags_at(300) == Flag.CHANNELS_MISSING


def test_a_short_gap_is_bridged_without_a_jump_in_the_index() -> None:
    driven = estimator()
    out = Output(push_all(driven, [*hops(0, 400), *hops(420, 800)]))
    assert driven.counts.bridged == 20
    assert driven.counts.resets == 0
    assert (np.diff(out.index) == 1).all()
    assert (np.diff(out.stamps_ns) == 500_000).all()
    assert out.flags_at(410) == Flag.HELD | Flag.BRIDGED
    assert out.flags_at(421) == 0


def test_a_bridge_carries_the_flags_of_the_sample_it_repeats() -> None:
    parts = [*hops(0, 400), *hops(400, 410, flags=Flag.POSE_LOST), *hops(430, 600)]
    out = Output(push_all(estimator(), parts))
    assert out.flags_at(425) == Flag.POSE_LOST | Flag.HELD | Flag.BRIDGED | Flag.INVALID


def test_after_a_long_gap_the_index_counts_what_was_skipped() -> None:
    driven = estimator()
    chunks = push_all(driven, [*hops(0, 400), *hops(1424, 1800)])
    out = Output(chunks)
    assert driven.counts.resets == 1
    assert (out.stamps_ns == out.stamps_ns[0] + (out.index - out.index[0]) * 500_000).all()
    assert np.diff(out.index).max() > 1900
    after = int(np.argmax(np.diff(out.index))) + 1
    assert out.stamps_ns[after] - Grid(RATE).stamp_ns(START + 1424) in range(500_000)
    assert out.flags[after] == Flag.WARMING_UP | Flag.INVALID
    assert not out.effort[after : after + 150].any()


def test_after_a_step_back_the_index_goes_on() -> None:
    driven = estimator()
    out = Output(push_all(driven, [*hops(0, 1100), *hops(76, 600)]))
    assert driven.counts.resets == 1
    assert (np.diff(out.index) == 1).all()
    assert (np.diff(out.stamps_ns) < 0).sum() == 1
    assert out.flags[-1] == 0


def test_samples_that_come_again_are_left_out() -> None:
    driven = estimator()
    parts = [*hops(0, 300), *hops(290, 310, 20), *hops(250, 260), *hops(310, 600)]
    out = Output(push_all(driven, parts))
    clean = Output(push_all(estimator(), hops(0, 600)))
    assert driven.counts.repeated == 20
    assert driven.counts.resets == 0
    assert out.effort.tobytes() == clean.effort.tobytes()
    assert out.index.tobytes() == clean.index.tobytes()


def test_output_that_is_no_number_is_invalid_and_the_network_begins_afresh() -> None:
    network = DelayedMean(none_from=5.0)
    driven = estimator(network)
    bad = chunk(START + 400, 5, pose=9.0)
    out = Output(push_all(driven, [*hops(0, 400), bad, *hops(405, 1200)]))
    assert driven.counts.not_finite > 0
    # It is fed chunk by chunk, and begins again behind all that it was fed.
    assert network.begins == [0, 435]
    assert np.isfinite(out.effort).all()
    assert (np.diff(out.index) == 1).all()
    assert (np.diff(out.stamps_ns) == 500_000).all()
    for sample in range(400, 436):
        assert out.flags_at(sample) & Flag.INVALID
    assert out.flags_at(500) == Flag.WARMING_UP | Flag.INVALID
    assert out.flags_at(700) == 0
    since_s = (out.stamps_ns[-1] - out.stamps_ns[0]) / 1e9
    assert out.effort[-1, 0] == pytest.approx(since_s * RATE / 10_000, abs=1e-6)


@pytest.mark.parametrize("lookahead", [0, 1, 31])
def test_a_network_that_only_gives_nonsense_never_gets_through(lookahead: int) -> None:
    card = replace(CARD, lookahead=lookahead)
    driven = estimator(DelayedMean(lookahead, none_from=-1.0), card)
    out = Output(push_all(driven, hops(0, 600)))
    assert not out.effort.any()
    assert (out.flags & Flag.INVALID).all()
    assert (np.diff(out.index) == 1).all()


def test_the_trace_is_handed_on() -> None:
    assert push_all(estimator(), hops(0, 100))[0].trace == Trace(input_ns=7, aligned_ns=8)


def test_a_long_run_neither_drifts_nor_grows() -> None:
    driven = estimator()
    out = None
    for at in range(0, 1024 * 60, 64):
        out = driven.push(chunk(START + at, 64, pose=0.25)) or out
    assert out is not None
    assert out.stamp_ns + (len(out) - 1) * 500_000 == Grid(2000).stamp_ns(
        Grid(2000).last_at(Grid(RATE).stamp_ns(START + 1024 * 60 - 1 - AHEAD))
    )
    assert len(driven._flags) == AHEAD


def anew() -> tuple[EffortEstimator, DelayedMean]:
    network = DelayedMean(CARD.lookahead)
    return EffortEstimator(CARD, network, begins_anew=True), network


@pytest.mark.parametrize("size", [1, 7, 10, 400])
def test_a_network_that_is_to_begin_anew_knows_nothing_of_before(size: int) -> None:
    driven, network = anew()
    out = push_all(driven, hops(0, 500, size))
    out += push_all(driven, hops(500, 700, size, Flag.POSE_LOST | Flag.POSE_STALE))
    out += push_all(driven, hops(700, 1200, size))
    assert network.begins == [0, 700]
    whole = Output(out)
    assert (np.diff(whole.index) == 1).all(), "no instant is skipped"
    assert (np.diff(whole.stamps_ns) == 500_000).all()
    for sample in (500, 600, 700 - AHEAD, 699, 700, 700 + WARM_UP - 1):
        assert whole.flags_at(sample) & Flag.INVALID, sample
    assert whole.flags_at(701) == Flag.WARMING_UP | Flag.INVALID
    assert whole.flags_at(700 + WARM_UP + 1) == 0


def test_the_same_comes_whatever_the_size_of_chunks() -> None:
    outs = []
    for size in (3, 250):
        driven, _ = anew()
        parts = [(0, 100, Flag.POSE_LOST), (100, 300, 0), (300, 310, Flag.POSE_LOST), (310, 900, 0)]
        outs.append(Output([c for a, b, f in parts for c in push_all(driven, hops(a, b, size, f))]))
    assert np.array_equal(outs[0].effort, outs[1].effort)
    assert np.array_equal(outs[0].flags, outs[1].flags)


@pytest.mark.parametrize("bad", [Flag.HIDDEN, Flag.UNFAMILIAR | Flag.CAMERA_MOVED])
def test_hidden_points_and_unfamiliar_rooms_make_effort_invalid_and_it_decays(bad: Flag) -> None:
    driven = estimator()
    out = Output(
        [
            c
            for first, last, flags in ((0, 500, 0), (500, 900, bad), (900, 1400, 0))
            for c in push_all(driven, hops(first, last, flags=flags))
        ]
    )
    assert out.flags_at(450) == 0
    assert out.flags_at(700) == bad | Flag.INVALID
    assert out.flags_at(950) == 0, "the network goes on meanwhile"
    hidden = np.searchsorted(out.stamps_ns, Grid(RATE).stamp_ns(START + 880))
    assert (out.effort[hidden] == 0).all()


@pytest.mark.parametrize("hop", [1, 7, 8, 100])
@pytest.mark.parametrize(("lookahead", "reaches"), [(12, 1192), (4, 1200), (0, 1203)])
def test_a_flag_reaches_the_effort_of_the_frames_that_used_its_sample_and_no_other(
    hop, lookahead, reaches
) -> None:
    """Effort of a frame is known at once, with what its first sample waits for."""
    card, tensors = small(lookahead=lookahead)
    driven = EffortEstimator(card, architecture_of(card).stream(card, tensors))
    count, held = 1600, 1203
    flags = np.zeros(count, FlagBits)
    flags[held] = Flag.HELD
    made = []
    for at in range(0, count, hop):
        part = slice(at, min(at + hop, count))
        rows = np.full((part.stop - at, card.streams.width), 0.5, np.float32)
        missing = np.zeros(len(rows), np.uint32)
        stamp_ns = Grid(RATE).stamp_ns(START + at)
        told = (RATE, rows, missing, flags[part])
        made += push_all(driven, [AlignedChunk(stamp_ns, at, START + at, *told)])
    stamps_s = np.concatenate(
        [(c.stamp_ns - START * S // RATE) / S + np.arange(len(c)) / 2000 for c in made]
    )
    touched = stamps_s[(np.concatenate([c.flags for c in made]) & Flag.HELD) != 0] * RATE
    # After 12 samples the frame of samples 1192 to 1199 is known with sample 1204, that before it
    # with 1196; after 4 that of 1200 to 1207 with 1204; at once, with 1200, before the flag.
    assert reaches - 1 < touched.min() < reaches
    assert 1203 < touched.max() < 1204
    known = (START + count - 1 - lookahead) // 8 * 8 + 8 - START
    assert stamps_s[-1] * RATE > min(known, count) - 2
