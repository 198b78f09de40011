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

"""Simulated rooms as training data: what a model is told there is what it will be told live."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kpm_ros.align.aligner import Aligner
from kpm_ros.align.aligner_config import AlignerConfig, AlignRules
from kpm_ros.core.keyboard import KEY_X_M
from kpm_ros.core.piano import FIRST_NOTE
from kpm_ros.core.settings import make_settings
from kpm_ros.core.subjects import find_subject
from kpm_ros.core.worker_pool import produce
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.on_grid import GridRecording
from kpm_ros.learn.recordings.simulated_rooms import HAND_IN_SPACE, STREAMS, RoomRelease
from kpm_ros.models.pianokpm.published import MUSCLES
from kpm_ros.sense.samples import KeyMotionChunk, LandmarkFrame
from kpm_ros.simulate.bodies import make_pianist
from kpm_ros.simulate.person import Person
from kpm_ros.simulate.release.performance import score_of
from kpm_ros.simulate.release.release_layout import SAMPLE_RATE_HZ
from kpm_ros.simulate.release.request import Request
from kpm_ros.simulate.session import SimulatedSession

REQUEST = Request(2, 2, 1, 3, 5, "plain", held_out_pianists=(2,), held_out_tasks=(2,))
RELEASE = RoomRelease(REQUEST, rooms=2)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set of rooms."""
    root = tmp_path_factory.mktemp("rooms") / "set"
    produce(root, RELEASE, workers=1)
    return root


def test_a_recording_is_what_the_live_pipeline_hands_on(folder: Path) -> None:
    """Sample by sample, by the rules that suit hands, however often the aligner is asked there."""
    rules = make_settings("live", AlignRules, find_subject("hand").parameters["synchronizer"])
    part = RELEASE.parts()[0]
    seed, room = RELEASE.room(part, 1)
    person = Person.from_seed(REQUEST.person_seed(part.name.pianist))
    pianist = make_pianist(score_of(REQUEST, part), part.seed, person, "plain")
    session = SimulatedSession(pianist, room.cameras, 0, seed, emg=False, errors=room.errors)
    placed = {"registration": room.registration(), **vars(rules)}
    aligner = Aligner(AlignerConfig(streams=STREAMS, rate_hz=SAMPLE_RATE_HZ, **placed))
    chunks = []
    for now_ns in range(5_000_000, 3_500_000_000, 5_000_000):
        for deliver_ns, sample in session.advance(now_ns):
            if isinstance(sample, LandmarkFrame):
                aligner.push_frame(sample, deliver_ns)
            elif isinstance(sample, KeyMotionChunk):
                aligner.push_key_motion(sample, deliver_ns)
            else:
                aligner.push_key_event(sample, deliver_ns)
        chunks += aligner.advance(now_ns)
    live = np.concatenate([chunk.values for chunk in chunks])
    missing = np.concatenate([chunk.missing for chunk in chunks])
    recording = open_dataset(folder).recording(f"{part.stem}_r2")
    told = GridRecording(recording, STREAMS, SAMPLE_RATE_HZ).window()
    first = chunks[0].grid_index
    rows = slice(first, len(told.values))
    length = rows.stop - first
    np.testing.assert_array_equal(told.missing[rows], missing[:length])
    there = missing[:length] == 0
    np.testing.assert_array_equal(told.values[rows][there], live[:length][there])
    assert there.mean() > 0.9


def test_each_performance_is_seen_in_several_rooms_and_muscles_are_the_same(folder: Path) -> None:
    """Splits hold all rooms of a performance together; it says that it is SIMULATED."""
    dataset = open_dataset(folder)
    assert dataset.simulated
    assert "SIMULATED" in dataset.description
    assert sorted(dataset.splits["test_cross_user"]) == ["t1_p2_1_r1", "t1_p2_1_r2"]
    one, other = (dataset.recording(f"t1_p1_1_r{room}") for room in (1, 2))
    np.testing.assert_array_equal(one.truth.values, other.truth.values)
    hands = [series.values for recording in (one, other) for series in recording.series[:1]]
    assert not np.array_equal(*hands)
    assert one.streams == STREAMS


def test_a_finished_set_is_left_alone_and_another_request_is_refused(folder: Path) -> None:
    """The same command goes on; other arguments need another folder."""
    steps = []
    produce(folder, RELEASE, 1, steps.append)
    assert [step.was_made for step in steps] == [False] * 4
    with pytest.raises(ValueError, match="holds something else"):
        produce(folder, replace(RELEASE, kind="published"), 1)


def test_what_was_begun_goes_on_with_the_same_arguments_only(tmp_path: Path) -> None:
    """Takes that are there are not made again."""
    root = tmp_path / "set"
    RELEASE.open(root)
    assert RELEASE.make(RELEASE.parts()[0], root)
    RELEASE.open(root)
    assert not RELEASE.make(RELEASE.parts()[0], root)
    with pytest.raises(ValueError, match="begun with other arguments"):
        replace(RELEASE, rooms=3).open(root)


def test_a_model_of_lines_between_frames_cannot_be_given_the_newest_points(folder: Path) -> None:
    """Nor one of pictures."""
    recording = open_dataset(folder).recording("t1_p1_1_r1")
    for change in ({"timing": "joined"}, {"coordinates": "image"}):
        streams = (replace(HAND_IN_SPACE, **change), STREAMS["keys"])
        with pytest.raises(
            ValueError, match=r"cannot be joined|keyboard coordinates, not in image"
        ):
            GridRecording(recording, type(STREAMS)(streams), SAMPLE_RATE_HZ).window(0, 4)


def test_both_hands_of_a_performance_are_recorded_each_as_a_right_one(tmp_path: Path) -> None:
    """A hand's points are over the keys that go down, the left one's in the mirror."""
    request = Request(1, 1, 1, 6, 5, "plain")
    produce(tmp_path / "set", RoomRelease(request, "published", hand="both"), workers=1)
    dataset = open_dataset(tmp_path / "set")
    assert sorted(dataset.names) == ["t1_p1_1_r1_left", "t1_p1_1_r1_right"]
    left, right = (dataset.recording(name) for name in sorted(dataset.names))
    assert "mirror image" in left.notes
    assert left.truth.muscles == right.truth.muscles == MUSCLES
    for recording in (left, right):
        rows = GridRecording(recording, STREAMS, SAMPLE_RATE_HZ).window()
        hand, keys = (rows.values[:, STREAMS.columns[name]] for name in ("hand", "keys"))
        down = (keys[:, 60 - FIRST_NOTE :] > 0.9) & (rows.missing == 0)[:, None]
        at, key = np.nonzero(down)
        tips = hand[at][:, :63].reshape(-1, 21, 3)[:, [4, 8, 12, 16, 20], 0]
        off = np.abs(tips - KEY_X_M[key + 60 - FIRST_NOTE][:, None]).min(axis=1)
        assert len(off) > 100
        assert np.median(off) < 0.012
