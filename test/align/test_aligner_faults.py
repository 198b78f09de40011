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

"""What comes out of the aligner when devices, networks and clocks misbehave."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.core.flags import KEYS_LATE, Flag
from kpm_ros.sense.samples import KeyMotionChunk, LandmarkFrame
from support.senses import (
    MS,
    SKELETON,
    T0,
    Delivery,
    S,
    aligned,
    camera,
    config,
    every,
    everything,
    frame,
    heartbeat,
    joined,
    midi,
    motion_chunk,
    piano,
    play,
    pose_at,
    push,
)

END = T0 + 2 * S
STEADY = every(2 * MS, END)
GONE = Flag.HELD | Flag.POSE_STALE | Flag.POSE_LOST


def without(deliveries: list[Delivery], start_ms: int, stop_ms: int, kind: type) -> list[Delivery]:
    """All but what one kind of device sent in a span."""
    start_ns, stop_ns = T0 + start_ms * MS, T0 + stop_ms * MS
    return [
        d
        for d in deliveries
        if not (isinstance(d.sent, kind) and start_ns <= d.sent.stamp_ns < stop_ns)
    ]


def test_a_third_of_the_frames_may_be_lost() -> None:
    rng = np.random.default_rng(3)
    deliveries = everything(2.0)
    kept = [d for d in deliveries if not isinstance(d.sent, LandmarkFrame) or rng.random() > 0.3]
    assert len(kept) < len(deliveries) - 50
    out = aligned(kept, STEADY)
    assert (np.diff(out.index) == 1).all()
    assert END - out.stamps_ns[-1] < 120 * MS
    settled = out.stamps_ns > T0 + 100 * MS
    truth = np.array([pose_at(t) for t in out.stamps_ns], np.float32)[:, None]
    plain = settled & (out.flags == 0)
    assert plain.sum() > 0.7 * settled.sum()
    assert np.abs(out.pose - truth)[plain].max() < 1e-6
    assert not (out.flags[settled] & Flag.POSE_LOST).any()


def test_a_stall_of_200_ms_is_flagged_and_over_with_the_first_frame() -> None:
    out = aligned(without(everything(2.0), 1000, 1200, LandmarkFrame), STEADY)
    assert (np.diff(out.index) == 1).all()
    assert out.flags_between(T0 + 500 * MS, T0 + 980 * MS) == {0}
    stale = Flag.HELD | Flag.POSE_STALE
    assert out.flags_between(T0 + 1060 * MS, T0 + 1195 * MS) == {stale}
    assert out.flags_between(T0 + 1225 * MS, T0 + 1900 * MS) == {0}


def test_frames_that_come_in_a_burst_after_a_stall_are_used_as_far_as_they_are_in_time() -> None:
    def stalled(d: Delivery) -> Delivery:
        held_back = isinstance(d.sent, LandmarkFrame) and T0 + S <= d.received_ns < T0 + 1200 * MS
        return replace(d, received_ns=T0 + 1200 * MS) if held_back else d

    aligner = Aligner(config())
    out = joined(aligner, play(aligner, map(stalled, everything(2.0)), STEADY))
    assert (np.diff(out.index) == 1).all()
    assert out.flags_between(T0 + 1060 * MS, T0 + 1135 * MS) == {Flag.HELD | Flag.POSE_STALE}
    assert out.flags_between(T0 + 1145 * MS, T0 + 1900 * MS) == {0}
    assert aligner.counts.late > 5


def test_a_hand_that_leaves_is_lost_and_found_again() -> None:
    def hidden(d: Delivery) -> Delivery:
        out_of_sight = T0 + 800 * MS <= d.sent.stamp_ns < T0 + 1400 * MS
        if isinstance(d.sent, LandmarkFrame) and out_of_sight:
            return replace(d, sent=replace(d.sent, points=None))
        return d

    out = aligned(map(hidden, everything(2.0)), STEADY)
    assert out.flags_between(T0 + 805 * MS, T0 + 815 * MS) == {Flag.HELD}
    assert out.flags_between(T0 + 1100 * MS, T0 + 1395 * MS) == {GONE}
    assert out.flags_between(T0 + 1425 * MS, T0 + 1900 * MS) == {0}
    lost = (out.stamps_ns > T0 + 1000 * MS) & (out.stamps_ns < T0 + 1390 * MS)
    held = out.pose[lost]
    assert (held == held[0]).all()


def test_one_dead_camera_of_two_is_enough_to_flag_pose_lost() -> None:
    out = aligned(camera("top", 2.0) + camera("right", 0.5) + piano(2.0), STEADY)
    assert out.flags_between(T0 + 800 * MS, END - 100 * MS) == {GONE}
    truth = pose_at(int(out.stamps_ns[1500]))
    assert out.pose[1500, 0] == pytest.approx(truth, abs=1e-6)


def test_a_piano_that_only_sends_notes_is_enough() -> None:
    out = aligned(camera("top", 2.0) + camera("right", 2.0) + midi(2.0), STEADY)
    assert out.flags_between(T0 + 100 * MS, END - 100 * MS) == {0}
    assert out.keys[100:].min() == 0
    assert out.keys.max() == 1


def test_motion_that_stops_gives_way_to_notes() -> None:
    out = aligned(without(everything(2.0), 1000, 3000, KeyMotionChunk), STEADY)
    assert out.flags_between(T0 + 1005 * MS, T0 + 1025 * MS) == {Flag.HELD}
    assert out.flags_between(T0 + 1035 * MS, T0 + 1095 * MS) == {KEYS_LATE}
    assert out.flags_between(T0 + 1105 * MS, END - 100 * MS) == {0}
    by_notes = aligned(without(everything(2.0), 0, 3000, KeyMotionChunk), STEADY)
    place = int(np.searchsorted(out.stamps_ns, T0 + 1105 * MS))
    assert (out.keys[place : place + 500] == by_notes.keys[place : place + 500]).all()


def test_a_piano_that_falls_silent_is_missing() -> None:
    cameras = camera("top", 2.0) + camera("right", 2.0)
    out = aligned([*cameras, *piano(0.5)], STEADY)
    assert out.flags_between(T0 + 535 * MS, T0 + 1490 * MS) == {KEYS_LATE}
    assert out.flags_between(T0 + 1500 * MS, END - 100 * MS) == {Flag.CHANNELS_MISSING}
    assert (out.keys[-1] == -1).all()


def stepped(deliveries: list[Delivery], at_ns: int, by_ns: int) -> list[Delivery]:
    """What the same devices send when the clock jumps at an instant."""
    moved = []
    for d in deliveries:
        stamp_ns = d.sent.stamp_ns + (by_ns if d.sent.stamp_ns >= at_ns else 0)
        received_ns = d.received_ns + (by_ns if d.received_ns >= at_ns else 0)
        moved.append(Delivery(received_ns, replace(d.sent, stamp_ns=stamp_ns)))
    return moved


@pytest.mark.parametrize("by_ns", [S, -S])
def test_a_clock_that_steps_breaks_the_stream_once_and_it_recovers(by_ns: int) -> None:
    at_ns = T0 + 1000 * MS
    aligner = Aligner(config())
    before = [d for d in everything(2.0) if d.received_ns < at_ns]
    after = stepped([d for d in everything(2.0) if d.received_ns >= at_ns], at_ns, by_ns)
    chunks = play(aligner, before, every(2 * MS, at_ns))
    restarted = play(aligner, after, every(2 * MS, END + by_ns, at_ns + by_ns))
    assert aligner.counts.clock_steps == 1
    assert [c.first_index for c in restarted[:1]] == [chunks[-1].first_index + len(chunks[-1])]
    out = joined(aligner, restarted)
    assert (np.diff(out.index) == 1).all()
    assert abs(int(out.stamps_ns[0]) - (at_ns + by_ns)) < 100 * MS
    assert out.flags_between(at_ns + by_ns + 150 * MS, END + by_ns - 100 * MS) == {0}


def test_a_caller_that_was_away_goes_on_with_the_present() -> None:
    aligner = Aligner(config())
    deliveries = everything(2.0)
    play(aligner, deliveries, every(2 * MS, T0 + 400 * MS))
    late = play(aligner, [d for d in deliveries if d.received_ns > T0 + 400 * MS], [T0 + 1500 * MS])
    out = joined(aligner, late)
    assert T0 + 1430 * MS < out.stamps_ns[0] < T0 + 1450 * MS
    assert aligner.counts.clock_steps == 1


def test_a_clock_that_is_set_back_a_little_is_waited_out() -> None:
    aligner = Aligner(config(views=()))
    deliveries = midi(2.0)
    chunks = play(aligner, deliveries, every(2 * MS, T0 + 1000 * MS))
    assert play(aligner, [], every(2 * MS, T0 + 995 * MS, T0 + 900 * MS)) == []
    chunks += play(aligner, [], every(2 * MS, T0 + 1100 * MS, T0 + 996 * MS))
    assert (np.diff(joined(aligner, chunks).index) == 1).all()
    assert aligner.counts.clock_steps == 0


def test_numbers_that_are_none_are_counted_and_harmless() -> None:
    aligner = Aligner(config())
    bad = []
    for d in everything(2.0):
        if isinstance(d.sent, LandmarkFrame) and d.sent.index % 10 == 5:
            bad.append(replace(d, sent=replace(d.sent, points=np.full((2, 3), np.nan, np.float32))))
        elif isinstance(d.sent, KeyMotionChunk) and d.sent.first_index % 100 == 50:
            bad.append(replace(d, sent=replace(d.sent, depth=np.full((10, 3), np.inf))))
        else:
            bad.append(d)
    out = joined(aligner, play(aligner, bad, STEADY))
    assert aligner.counts.refused == 24 + 20
    assert np.isfinite(out.pose).all()
    assert np.isfinite(out.keys).all()
    assert (np.diff(out.index) == 1).all()


def test_what_claims_to_be_from_the_future_is_refused() -> None:
    aligner = Aligner(config())
    ahead_ns = T0 + 101 * MS
    push(aligner, Delivery(T0, frame(ahead_ns, 0)))
    push(aligner, Delivery(T0, heartbeat(ahead_ns, 0)))
    push(aligner, Delivery(T0, motion_chunk(ahead_ns, 0)))
    assert aligner.counts.future == 3
    assert aligner.advance(T0 + S) == []


def test_nothing_is_emitted_ahead_of_the_clock() -> None:
    aligner = Aligner(config())
    early = [replace(d, received_ns=d.sent.stamp_ns - 50 * MS) for d in everything(1.0)]
    for chunk in play(aligner, early, STEADY[:450]):
        last_ns = aligner.grid.stamp_ns(chunk.grid_index + len(chunk) - 1)
        assert last_ns <= chunk.trace.aligned_ns


def test_an_unknown_view_is_refused() -> None:
    aligner = Aligner(config())
    push(aligner, Delivery(T0, frame(T0, 0, "ceiling")))
    assert aligner.counts.refused == 1


def test_repeats_are_refused_and_change_nothing() -> None:
    aligner = Aligner(config())
    twice = [
        replace(d, received_ns=d.received_ns + extra) for d in everything(1.0) for extra in (0, MS)
    ]
    out = joined(aligner, play(aligner, twice, STEADY[:500]))
    assert out.same_as(aligned(everything(1.0), STEADY[:500]))
    assert aligner.counts.refused > 100


def test_a_flood_takes_no_more_memory_than_allowed() -> None:
    aligner = Aligner(config())
    for i in range(30_000):
        push(aligner, Delivery(T0 + i, frame(T0 + i, i)))
        push(aligner, Delivery(T0 + i, heartbeat(T0 + i, i)))
    assert len(aligner._inputs._poses["top"]._frames) == 512
    assert len(aligner._inputs._keys["keys"]._notes._waiting) == 10_000
    assert aligner.counts.refused == 20_000


def test_an_hour_takes_no_more_memory_than_a_second() -> None:
    aligner = Aligner(config())
    sizes = []
    for second in range(6):
        start_ns = T0 + second * S
        right = camera("right", start_ns=start_ns)
        part = camera("top", start_ns=start_ns) + right + piano(start_ns=start_ns)
        part += midi(start_ns=start_ns)
        play(aligner, part, every(5 * MS, start_ns + S, start_ns))
        kept = [len(stream._frames) for stream in aligner._inputs._poses.values()]
        sizes.append(
            (
                *kept,
                len(aligner._inputs._keys["keys"]._motion._chunks),
                len(aligner._inputs._keys["keys"]._notes._waiting),
            )
        )
    assert max(max(size) for size in sizes) < 15


def test_a_restarted_camera_counts_from_zero_again() -> None:
    again = camera("top", 1.0, start_ns=T0 + S)
    steady = camera("right", 2.0) + piano(2.0)
    out = aligned(camera("top", 1.0) + again + steady, STEADY)
    assert (np.diff(out.index) == 1).all()
    assert out.flags_between(T0 + 100 * MS, END - 100 * MS) == {0}


def test_a_frame_stamped_long_ago_is_late_and_harmless() -> None:
    aligner = Aligner(config())
    anything = np.full((2, 3), 0.5, np.float32)
    ages = ((T0, 0, "right"), (T0 + 500 * MS, T0 - 3600 * S, "top"))
    seen = LandmarkFrame(T0, "top", 5, anything, 1.0, skeleton=SKELETON.name)
    old = [Delivery(at, replace(seen, stamp_ns=then, view=view)) for at, then, view in ages]
    looks = STEADY[:400]
    out = joined(aligner, play(aligner, everything(1.0) + old, looks))
    assert aligner.counts.late == 2
    begun = T0 + 5 * MS  # the first frame of the other view
    clean = aligned(everything(1.0), looks)
    assert out.after(begun).same_as(clean.after(begun))


def test_a_day_old_backlog_is_not_played_out() -> None:
    aligner = Aligner(config())
    push(aligner, Delivery(T0, frame(T0, 0)))
    assert len(joined(aligner, aligner.advance(T0 + 86_400 * S))) < 600
