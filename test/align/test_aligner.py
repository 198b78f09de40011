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

"""What the aligner promises about which samples come out, and when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpm_ros.align.aligner import Aligner
from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import KeyEvent, KeyMotionChunk, LandmarkFrame
from support.senses import (
    FIRST_NOTE,
    FRAME,
    MS,
    T0,
    Delivery,
    S,
    aligned,
    camera,
    config,
    every,
    everything,
    frame,
    joined,
    midi,
    note,
    piano,
    play,
    pose_at,
    push,
)

END = T0 + S
STEADY = every(2 * MS, END)


def in_order(deliveries: list[Delivery]) -> list[Delivery]:
    return sorted(deliveries, key=lambda delivery: delivery.received_ns)


def test_all_senses_come_out_on_one_grid() -> None:
    out = aligned(everything(), STEADY)
    settled = out.stamps_ns >= T0 + 60 * MS
    expected = np.array([pose_at(t) for t in out.stamps_ns], np.float32)[settled]
    assert out.pose.shape[1] == 8
    assert np.abs(out.pose[settled] - expected[:, None]).max() < 1e-6
    depth = ((out.stamps_ns - T0) / S)[settled]
    assert np.abs(out.keys[settled] - depth[:, None]).max() < 1e-6
    assert set(out.flags[settled].tolist()) == {0}


def test_samples_lie_on_the_grid_of_the_epoch_one_after_the_other() -> None:
    aligner = Aligner(config())
    chunks = play(aligner, everything(), STEADY)
    index = joined(aligner, chunks).index
    assert (np.diff(index) == 1).all()
    assert index[0] == aligner.grid.first_at(T0)
    emitted = 0
    for chunk in chunks:
        assert chunk.first_index == emitted
        assert chunk.stamp_ns == aligner.grid.stamp_ns(chunk.grid_index)
        assert 1 <= len(chunk) <= 10
        emitted += len(chunk)
    assert aligner.counts.emitted == emitted


def test_a_sample_is_emitted_as_soon_as_the_data_after_it_has_come() -> None:
    aligner = Aligner(config())
    deliveries = in_order(everything())
    for done, delivery in enumerate(deliveries):
        push(aligner, delivery)
        chunks = aligner.advance(delivery.received_ns)
        frames = [d.sent for d in deliveries[: done + 1] if isinstance(d.sent, LandmarkFrame)]
        newest = {frame.view: frame.stamp_ns for frame in frames}
        if delivery.received_ns > T0 + 200 * MS and chunks:
            last = chunks[-1].grid_index + len(chunks[-1])
            assert last - 1 == aligner.grid.last_at(min(newest.values()))
    assert aligner.counts.late == aligner.counts.refused == 0


def test_a_sample_waits_no_longer_than_the_longest_wait() -> None:
    aligner = Aligner(config())
    only_top = camera("top") + piano()
    chunks = play(aligner, only_top, STEADY)
    newest_ns = joined(aligner, chunks).stamps_ns[-1]
    assert END - newest_ns < (60 + 2 + 10) * MS


def test_nothing_comes_before_the_first_input_has_been_waited_out() -> None:
    aligner = Aligner(config())
    chunks = play(aligner, everything(), every(2 * MS, T0 + 60 * MS))
    assert chunks == []
    assert aligner.advance(T0 + 66 * MS)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 400), min_size=2, max_size=40))
def test_when_and_how_often_somebody_looks_changes_nothing(seed: int, steps_ms: list[int]) -> None:
    deliveries = disturbed(everything(0.5), seed)
    end_ns = T0 + 700 * MS
    looks = [T0, *(T0 + np.cumsum(steps_ms) * MS).tolist(), T0 + 300 * MS, end_ns]
    seldom = aligned(deliveries, sorted(look for look in looks if look <= end_ns))
    often = aligned(deliveries, every(MS, end_ns))
    common = min(len(seldom), len(often))
    assert max(len(seldom), len(often)) < common + 10  # of a hop that is not whole yet
    assert seldom.first(common).same_as(often.first(common))


def test_notes_read_while_motion_was_ahead_of_them_still_act_in_their_own_time() -> None:
    slow = replace(note(T0 + 485 * MS, 0), velocity=1)
    quick = note(T0 + 488 * MS, 1, key=FIRST_NOTE + 1)
    notes = [Delivery(T0 + 489 * MS, quick), Delivery(T0 + 503 * MS, slow)]
    deliveries = [*piano(0.5, delay_ns=10 * MS), *notes]
    seldom = aligned(deliveries, [T0, T0 + 400 * MS, T0 + 750 * MS], views=())
    often = aligned(deliveries, every(MS, T0 + 750 * MS), views=())
    assert seldom.first(700).same_as(often.first(700))
    assert 0 < often.keys[620, 0] < 1


def test_the_grid_begins_where_it_begins_however_late_everything_is() -> None:
    old = [(T0 + S, T0 + 700 * MS), (T0 + 1005 * MS, T0 + 600 * MS)]
    late = [Delivery(received_ns, frame(at_ns, 0)) for received_ns, at_ns in old]
    ends = [T0 + S + more * MS for more in range(0, 400, 10)]
    first = [aligned(late, looks).index[0] for looks in (ends, ends[2:], ends[:1] + ends[9:])]
    assert len(set(first)) == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_any_order_of_arrival_within_the_waits_gives_the_same_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spans_ms = {LandmarkFrame: (0, 43), KeyEvent: (0, 20), KeyMotionChunk: (9, 19)}
    shuffled = []
    for delivery in everything(0.5):
        low_ms, high_ms = spans_ms[type(delivery.sent)]
        delay_ns = int(rng.integers(low_ms * MS, high_ms * MS, endpoint=True))
        shuffled.append(Delivery(delivery.sent.stamp_ns + delay_ns, delivery.sent))
    looks = every(2 * MS, T0 + 700 * MS)
    # While nothing but the wait settles samples, their number depends on where hops began.
    assert aligned(shuffled, looks).first(500).same_as(aligned(everything(0.5), looks).first(500))


def disturbed(deliveries: list[Delivery], seed: int) -> list[Delivery]:
    """Some lost, some late, some twice, in any order."""
    rng = np.random.default_rng(seed)
    result = []
    for delivery in deliveries:
        fate = rng.choice(["fine", "lost", "late", "twice"], p=[0.7, 0.1, 0.1, 0.1])
        later_ns = int(rng.integers(0, 150 * MS))
        if fate != "lost":
            extra_ns = later_ns if fate == "late" else 0
            result.append(Delivery(delivery.received_ns + extra_ns, delivery.sent))
        if fate == "twice":
            result.append(Delivery(delivery.received_ns + later_ns, delivery.sent))
    return in_order(result)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happens_samples_follow_each_other(seed: int) -> None:
    out = aligned(disturbed(everything(0.5), seed), every(2 * MS, T0 + 600 * MS))
    assert (np.diff(out.index) == 1).all()
    assert np.isfinite(out.pose).all()
    assert np.isfinite(out.keys).all()


def test_a_frame_received_exactly_at_the_end_of_its_wait_is_in_time() -> None:
    def flags(received_ns: int) -> set[int]:
        deliveries = [Delivery(T0 + MS, frame(T0, 0)), Delivery(received_ns, frame(T0 + FRAME, 1))]
        looks = every(MS, T0 + 100 * MS)
        out = aligned(deliveries, looks, views=("top",), keys=False)
        return out.flags_between(T0 + 10 * MS, T0 + 10 * MS + MS)

    first_ns = T0 + -(-10 * 1024 // 1000) * S // 1024
    assert flags(first_ns + 60 * MS) == {0}
    assert flags(first_ns + 62 * MS) == {Flag.HELD | Flag.POSE_STALE}


def test_a_late_note_acts_at_the_next_sample_that_is_emitted() -> None:
    event = note(T0 + 100 * MS, 0)
    received_ns = T0 + 300 * MS
    aligner = Aligner(config(views=()))
    heartbeats = [one for one in midi() if one.sent.kind == 4]  # type: ignore[union-attr]
    looks = every(2 * MS, T0 + 400 * MS)
    out = joined(aligner, play(aligner, [*heartbeats, Delivery(received_ns, event)], looks))
    moving = out.stamps_ns[out.keys[:, 0] > 0]
    assert 0 <= moving[0] - (received_ns - 20 * MS) < 2 * MS
    assert aligner.counts.late == 1


def test_key_events_without_a_heartbeat_are_complete_after_the_wait() -> None:
    aligner = Aligner(config(views=()))
    chunks = play(aligner, [Delivery(T0 + MS, note(T0, 0))], every(MS, T0 + 100 * MS))
    newest_ns = joined(aligner, chunks).stamps_ns[-1]
    assert 20 * MS <= T0 + 100 * MS - newest_ns <= 32 * MS


def test_samples_that_time_alone_settles_come_in_whole_hops_once_the_first_have_left() -> None:
    aligner = Aligner(config(views=()))
    first, *others = play(aligner, midi(), STEADY)
    assert len(first) < 10
    assert {len(chunk) for chunk in others} == {10}


def test_a_model_without_pose_waits_for_no_camera() -> None:
    aligner = Aligner(config(views=()))
    chunks = play(aligner, camera("top") + piano(), STEADY)
    out = joined(aligner, chunks)
    assert END - out.stamps_ns[-1] < 25 * MS
    assert not out.pose.any()
    assert set(out.flags.tolist()) == {0}
    assert chunks[-1].trace.input_ns == 0


def test_a_model_without_keys_waits_for_no_piano() -> None:
    out = aligned(camera("top") + camera("right"), STEADY, keys=False)
    assert (out.keys == -1).all()
    assert out.flags_between(T0 + 100 * MS, END) == {0}


def test_one_view_is_enough_where_the_model_has_one() -> None:
    out = aligned(camera("top") + piano(), STEADY, views=("top",))
    assert out.pose.shape[1] == 4
    assert out.flags_between(T0 + 100 * MS, END) == {0}


def test_the_trace_is_of_the_newest_frame_behind_a_chunk() -> None:
    aligner = Aligner(config())
    deliveries = [
        Delivery(d.received_ns, frame(d.sent.stamp_ns, d.sent.index, d.sent.view))  # type: ignore[union-attr]
        for d in camera("top") + camera("right", start_ns=T0 + 5 * MS)
    ]
    for chunk in play(aligner, deliveries + piano(), STEADY):
        last_ns = aligner.grid.stamp_ns(chunk.grid_index + len(chunk) - 1)
        trace = chunk.trace
        assert last_ns <= trace.input_ns < last_ns + 2 * FRAME or trace.input_ns == 0
        if trace.input_ns:
            assert trace.received_ns == trace.input_ns + 15 * MS
            assert trace.aligned_ns >= trace.received_ns


def test_streams_that_are_always_late_are_used_as_old_as_they_are() -> None:
    late = [Delivery(d.received_ns + 200 * MS, d.sent) for d in camera("top") + camera("right")]
    out = aligned(late + piano(), every(2 * MS, T0 + S))
    flags = out.flags_between(T0 + 400 * MS, T0 + 900 * MS)
    assert flags == {Flag.HELD | Flag.POSE_STALE}


def test_an_aligner_with_nothing_to_align_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one stream"):
        Aligner(config(views=(), keys=False))
