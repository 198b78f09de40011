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

"""Cameras of few frames a second, and slow trackers: what is waited for, and joined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.cadence import FEWEST_GAPS, REMEMBERED, Cadence
from kpm_ros.align.pose import PoseStream
from kpm_ros.align.pose_rules import PoseRules
from kpm_ros.core.flags import Flag
from support.senses import (
    MS,
    T0,
    Delivery,
    S,
    Samples,
    aligned,
    config,
    every,
    frame,
    joined,
    play,
    pose_at,
    view,
)

LOST = Flag.HELD | Flag.POSE_STALE | Flag.POSE_LOST


def camera(
    fps: float, tracking_ms: int, seconds: float = 2.2, stride: int = 1, view: str = "top"
) -> list[Delivery]:
    """A camera whose tracker takes so long, and looks at every so-manieth picture."""
    sent = []
    for i in range(0, round(seconds * fps), stride):
        stamp_ns = T0 + round(i * S / fps)
        done_ns = stamp_ns + tracking_ms * MS
        seen = replace(frame(stamp_ns, i, view), processed_ns=done_ns)
        sent.append(Delivery(done_ns + MS, seen))
    return sent


def one_view(
    deliveries: list[Delivery], until_ns: int = T0 + 2200 * MS, **changes: object
) -> Samples:
    looks = every(2 * MS, until_ns)
    return aligned(deliveries, looks, views=("top",), keys=False, **changes)


def settled(out: Samples, until_ns: int) -> Samples:
    later = out.after(T0 + S)
    return later.first(int((later.stamps_ns < until_ns).sum()))


def waits_s(deliveries: list[Delivery], rules: PoseRules | None = None) -> float:
    pose = PoseStream(view(), rules or PoseRules())
    for delivery in deliveries:
        pose.push(delivery.sent, delivery.received_ns)  # type: ignore[arg-type]
    return pose.timing.wait_s


@pytest.mark.parametrize(
    ("fps", "tracking_ms", "stride"), [(30, 20, 1), (30, 80, 1), (30, 60, 2), (15, 30, 1)]
)
def test_a_slow_camera_whose_frames_all_come_is_flagged_nothing(
    fps: float, tracking_ms: int, stride: int
) -> None:
    out = settled(one_view(camera(fps, tracking_ms, stride=stride)), T0 + 1700 * MS)
    assert set(out.flags.tolist()) == {0}
    truth = np.array([pose_at(t) for t in out.stamps_ns], np.float32)[:, None]
    assert np.abs(out.pose - truth).max() < 1e-6


def test_a_lost_frame_of_a_slow_camera_is_bridged_and_two_are_held() -> None:
    def flags(*missing: int) -> set[int]:
        kept = [d for d in camera(30, 20) if d.sent.index not in missing]
        return set(settled(one_view(kept), T0 + 1700 * MS).flags.tolist())

    assert flags(40) == {0}
    assert flags(40, 41) == {0, Flag.HELD, Flag.HELD | Flag.POSE_STALE}


def test_at_60_frames_a_second_the_rules_are_what_they_say() -> None:
    assert waits_s(camera(60, 18)) == 0.06
    kept = [d for d in camera(60, 15) if d.sent.index % 20 not in (7, 8, 9)]
    out = settled(one_view(kept), T0 + 1700 * MS)
    assert set(out.flags.tolist()) == {0, Flag.HELD, Flag.HELD | Flag.POSE_STALE}
    stale_ns = out.stamps_ns[(out.flags & Flag.POSE_STALE) != 0]
    past_ms = (stale_ns - T0 - 6 * 16_666_667) % (20 * 16_666_667) / MS
    # The next frame came after 66.7 + 15 ms, when some 22 ms had been waited for in vain.
    assert 20 < past_ms[past_ms < 50].max() < 23
    assert past_ms.max() > 60


def test_a_frame_is_waited_for_as_long_as_it_would_still_be_joined() -> None:
    assert waits_s(camera(30, 20)) == pytest.approx(2.5 / 30 + 0.02, abs=1e-6)
    assert waits_s(camera(30, 60, stride=2)) == 0.2
    assert waits_s(camera(30, 60, stride=2), PoseRules(longest_wait_s=0.15)) == 0.15
    assert waits_s(camera(30, 20), PoseRules(wait_s=0.3)) == 0.3
    assert waits_s(camera(30, 20)[:FEWEST_GAPS]) == 0.06


@pytest.mark.parametrize("fps", [60, 30, 8])
def test_a_pose_is_lost_after_the_same_time_however_seldom_frames_come(fps: float) -> None:
    frames = camera(fps, 20, seconds=1.8)
    out = one_view(frames, T0 + 2700 * MS)
    last_ns = max(d.sent.stamp_ns for d in frames)
    assert out.flags_between(last_ns + 251 * MS, T0 + 2400 * MS) == {LOST}
    assert LOST not in out.flags_between(last_ns, last_ns + 249 * MS)


@example(346, [1, 1, 335, 400, 400, 400])
@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 400), min_size=2, max_size=20))
def test_when_somebody_looks_changes_nothing_while_waits_follow_the_camera(
    seed: int, steps_ms: list[int]
) -> None:
    rng = np.random.default_rng(seed)
    sent = []
    at_ns = T0
    for index in range(40):
        # Now quick, now slow, with losses: waits and limits change all the time.
        at_ns += int(rng.choice([16, 33, 66, 90])) * MS
        tracking_ns = int(rng.integers(5, 150)) * MS
        if rng.random() > 0.2:
            seen = replace(frame(at_ns, index), processed_ns=at_ns + tracking_ns)
            sent.append(Delivery(at_ns + tracking_ns + int(rng.integers(0, 20 * MS)), seen))
    end_ns = T0 + 2500 * MS
    looks = [T0, *(T0 + np.cumsum(steps_ms) * MS).tolist(), end_ns]
    looks = sorted(look for look in looks if look <= end_ns)
    often = [*every(3 * MS, end_ns - MS), end_ns]

    def out(looks_ns: list[int]) -> Samples:
        # A caller that is away for long breaks the stream; that is not what this is about.
        changes = {"views": ("top",), "keys": False, "step_s": 10.0}
        aligner = Aligner(config(**changes))
        return joined(aligner, play(aligner, sent, looks_ns))

    seldom, always = out(looks), out(often)
    common = min(len(seldom), len(always))
    assert max(len(seldom), len(always)) < common + 10  # of a hop that is not whole yet
    assert seldom.first(common).same_as(always.first(common))


def test_frames_out_of_order_tell_of_the_same_camera() -> None:
    sent = [d.sent for d in camera(30, 20)]
    cadence = Cadence()
    for place in np.random.default_rng(1).permutation(len(sent)):
        cadence.add(sent[place].stamp_ns, sent[place].processed_ns)  # type: ignore[union-attr]
    assert cadence.gap_ns == pytest.approx(S / 30, abs=2)
    assert cadence.delay_ns == 20 * MS


def test_what_a_camera_was_before_it_changed_is_forgotten() -> None:
    cadence = Cadence()
    for i in range(200):
        cadence.add(T0 + i * 33 * MS, T0 + i * 33 * MS + 50 * MS)
    for i in range(REMEMBERED):
        stamp_ns = T0 + 200 * 33 * MS + i * 16 * MS
        cadence.add(stamp_ns, stamp_ns + 9 * MS)
    assert (cadence.gap_ns, cadence.delay_ns) == (16 * MS, 9 * MS)
    assert len(cadence._stamps_ns) == len(cadence._delays_ns) == REMEMBERED


def test_trackers_that_do_not_say_when_they_were_done_add_nothing_to_the_wait() -> None:
    silent = [replace(d, sent=replace(d.sent, processed_ns=0)) for d in camera(30, 20)]
    assert waits_s(silent) == pytest.approx(2.5 / 30, abs=1e-6)


def test_a_view_that_begins_anew_has_no_past() -> None:
    pose = PoseStream(view(), PoseRules())
    for delivery in camera(30, 80):
        pose.push(delivery.sent, delivery.received_ns)  # type: ignore[arg-type]
    pose.reset()
    assert pose.timing[1:] == (0.0, 0.0, 0.06)
    assert pose.settled_until(T0) == T0 - 60 * MS - 1
