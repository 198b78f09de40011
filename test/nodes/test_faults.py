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

"""Devices fail, one after another, in front of the real graph: what each failure must end in.

How long effort takes to be well again is measured and listed, not asserted; `bench/faults.py` makes
figures of it.
"""

from __future__ import annotations

import random
import time
from copy import copy
from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.flags import Flag
from kpm_ros.sense.samples import (
    ChannelChunk,
    KeyEvent,
    KeyEventKind,
    KeyMotionChunk,
    LandmarkFrame,
)
from support.background import Background
from support.waiting import wait_for
from support.witness import recovery_ms, time_to_zero_ms

S = 1_000_000_000
LOST = Flag.POSE_LOST | Flag.INVALID


def only(kind, change, view=None):
    """Change samples of one kind, and of one camera view if it is given."""

    def alter(sample):
        concerned = isinstance(sample, kind) and view in (None, getattr(sample, "view", None))
        return change(sample) if concerned else sample

    return alter


def nothing(sample):
    return None


class Frozen:
    """A camera whose picture stands still, with the stamp of then or with new ones."""

    def __init__(self, *, stamp_too):
        self.stamp_too = stamp_too
        self.first = None
        self.began_ns = 0
        """When the last frame that was true was let through."""

    def __call__(self, frame):
        if self.first is None:
            self.first = frame if frame.points is not None else None
            self.began_ns = time.time_ns()
            return frame
        if self.stamp_too:
            return replace(self.first, index=frame.index)
        return replace(frame, points=self.first.points)


def points_of(value):
    def change(frame):
        if frame.points is None:
            return frame
        points = frame.points.copy()
        points[7, :2] = value
        return replace(frame, points=points)

    return change


def later_by(seconds):
    return lambda sample: replace(sample, stamp_ns=sample.stamp_ns + round(seconds * S))


def no_longer_the_right_size(frame):
    return replace(frame, points=np.zeros((20, 3), np.float32))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(nothing, "", id="dead"),
        pytest.param(Frozen(stamp_too=True), "impossible or repeats", id="frozen with its stamp"),
        pytest.param(Frozen(stamp_too=False), "", id="frozen with new stamps"),
        pytest.param(points_of(np.nan), "impossible", id="landmarks that are no numbers"),
        pytest.param(points_of(np.inf), "impossible", id="infinite landmarks"),
        pytest.param(points_of(-30.0), "impossible", id="landmarks far outside the picture"),
        pytest.param(no_longer_the_right_size, "messages were refused", id="a landmark too few"),
        pytest.param(later_by(1.0), "ahead of the clock", id="stamps a second ahead"),
        pytest.param(later_by(-1.0), "", id="stamps a second behind"),
    ],
)
def test_a_camera_that_tells_nothing_true_ends_in_zero_effort(stage, record_property, change, said):
    witness = stage.witness
    stage.wait_for_torque()
    began_ns, change = time.time_ns(), copy(change)
    with stage.altered(only(LandmarkFrame, change, "top")):
        witness.wait_for_flags(LOST)
        witness.wait_for_zero()
        stage.wait_for_no_torque()
        time_to_zero_ms(record_property, witness, getattr(change, "began_ns", began_ns))
        witness.wait_for_report("inference", "pose lost")
        if said:
            witness.wait_for_report("synchronizer", said)
    recovery_ms(record_property, witness, time.time_ns())
    stage.wait_for_torque()
    stage.assert_no_gap()


def test_thirty_percent_of_frames_lost_are_bridged_and_flagged(stage, record_property):
    witness, draw = stage.witness, random.Random(1)
    with stage.altered(only(LandmarkFrame, lambda frame: frame if draw.random() > 0.3 else None)):
        witness.wait_for_effort(4000)
    recovery_ms(record_property, witness, time.time_ns())
    seen = witness.since(stage.place)
    stage.assert_valid()
    assert 0.02 < ((seen.flags & Flag.HELD) != 0).mean() < 0.9
    stage.assert_no_gap()


def test_a_camera_that_stalls_for_200_ms_leaves_no_gap(stage, record_property):
    witness, held_back, began = stage.witness, [], []

    def stall(frame):
        began.append(frame.stamp_ns)
        held_back.append(frame)

    place = witness.taken
    with stage.altered(only(LandmarkFrame, stall)):
        wait_for(lambda: began and began[-1] - began[0] >= 0.2 * S, "the stall to be over")
    ended_ns = time.time_ns()
    for frame in held_back:
        stage.player.send(frame)
    recovery_ms(record_property, witness, ended_ns)
    assert witness.flags_since(place) & Flag.POSE_STALE
    stage.assert_no_gap()


class Piano(Background):
    """A piano that is unplugged while a key is down.

    It tells of itself by key motion, or else by heartbeats every 10 ms, as `kpm`'s driver does.
    """

    def __init__(self, player, *, motion):
        super().__init__()
        self._player, self._motion = player, motion
        self.unplug, self.gone_ns = False, 0

    def __call__(self, sample):
        beats = not isinstance(sample, KeyMotionChunk) and sample.kind is KeyEventKind.HEARTBEAT
        if self.gone_ns or (not self._motion and (beats or isinstance(sample, KeyMotionChunk))):
            return None
        struck = isinstance(sample, KeyEvent) and sample.kind is KeyEventKind.NOTE_ON
        self.gone_ns = time.time_ns() if self.unplug and struck else 0
        return sample

    def work(self):
        while not self._motion and not self.stopping.wait(0.01):
            if not self.gone_ns:
                self._player.send(KeyEvent(time.time_ns(), 0, KeyEventKind.HEARTBEAT))


@pytest.mark.parametrize("motion", [True, False], ids=["motion", "heartbeats"])
def test_a_note_that_was_down_when_the_piano_went_is_not_held_for_ever(
    stage, record_property, motion
):
    witness = stage.witness
    with Piano(stage.player, motion=motion) as piano:
        with stage.altered(only((KeyEvent, KeyMotionChunk), piano)):
            witness.wait_for_effort(2000)
            witness.wait_until_well()
            stage.wait_for_torque()
            place, piano.unplug = witness.taken, True
            wait_for(lambda: piano.gone_ns, "a note")
            stage.wait_for_no_torque()
            witness.wait_for_flags(Flag.CHANNELS_MISSING | Flag.INVALID)
            assert witness.flags_since(place) & Flag.HELD
            witness.wait_for_zero()
            time_to_zero_ms(record_property, witness, piano.gone_ns)
        recovery_ms(record_property, witness, time.time_ns())
    stage.assert_no_gap()


def test_a_note_storm_is_survived_without_a_gap(stage, record_property):
    """A loop in the MIDI wiring: 2000 events a second that nobody played."""
    witness = stage.witness
    for burst in range(50):
        now_ns = time.time_ns()
        for number in range(40):
            kind = KeyEventKind.NOTE_OFF if number % 2 else KeyEventKind.NOTE_ON
            note = 21 + (burst * 20 + number // 2) % 88
            stage.player.send(KeyEvent(now_ns + number, burst * 40 + number, kind, note, 90))
        time.sleep(0.02)  # the storm's rate is the fault
    stage.player.send(KeyEvent(time.time_ns(), 2000, KeyEventKind.ALL_NOTES_OFF))
    recovery_ms(record_property, witness, time.time_ns())
    stage.assert_valid()
    stage.assert_no_gap()


def test_effort_does_not_need_emg(stage):
    witness = stage.witness
    with stage.altered(only(ChannelChunk, nothing)):
        witness.wait_for_effort(1000)
    stage.assert_valid()
    stage.assert_no_gap()


@pytest.mark.parametrize("node", ["synchronizer", "inference"])
def test_a_moment_without_the_processor_is_caught_up_without_a_gap(stage, record_property, node):
    witness = stage.witness
    with stage.stopped(node):
        time.sleep(0.1)  # how long it stands still is the fault
    recovery_ms(record_property, witness, time.time_ns())
    stage.assert_no_gap()


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_what_an_estimator_cannot_catch_up_with_is_given_up(stage, record_property, seconds):
    """One gap, said in diagnostics; then the stream is as fresh as it was before."""
    witness, usual_ms = stage.witness, stage.witness.delay_ms()
    lost, began, began_ns = witness.reader.lost, time.monotonic(), time.time_ns()
    with stage.stopped("inference"):
        stage.wait_for_no_torque()
        time_to_zero_ms(record_property, witness, began_ns)
        rest_s = seconds - (time.monotonic() - began)
        time.sleep(max(0.0, rest_s))  # how long it stands still is the fault
    ended_ns = time.time_ns()
    witness.wait_for_report("inference", "overloaded", "lost on the way")
    recovery_ms(record_property, witness, ended_ns)
    wait_for(lambda: witness.delay_ms() < 1.5 * usual_ms + 10, "the usual delay")
    stage.wait_for_torque()
    assert witness.reader.lost - lost > 0.2 * seconds * 2000
    assert witness.reader.out_of_order == 0


def test_lasting_overload_ends_in_coarser_hops_and_never_in_a_growing_lag(stage, record_property):
    witness, usual_ms = stage.witness, stage.witness.delay_ms()
    joined = int(witness.values("inference").get("joined_chunks", 0))
    stage.starve("inference", share=0.1, seconds=3.0)
    ended_ns = time.time_ns()
    assert witness.delay_ms() < 1000
    recovery_ms(record_property, witness, ended_ns)
    wait_for(lambda: int(witness.values("inference")["joined_chunks"]) > joined, "coarser hops")
    wait_for(lambda: witness.delay_ms() < 1.5 * usual_ms + 10, "the usual delay")
    stage.wait_for_torque()
    assert witness.reader.out_of_order == 0
