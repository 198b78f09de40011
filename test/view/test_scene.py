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

"""What is drawn of a run: read back from the file that Rerun's viewer opens."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.core.chunks import EffortChunk, Trace
from kpm_ros.core.flags import Flag
from kpm_ros.core.registration import Registration
from kpm_ros.core.subjects import find_subject, subject_names
from kpm_ros.models.pianokpm.published import MUSCLES, published_card
from kpm_ros.pipeline_options import simulated_room
from kpm_ros.sense.samples import HAND, KeyEvent, KeyEventKind, LandmarkFrame
from kpm_ros.view.bag_view import BagView
from kpm_ros.view.messages import MessageView
from kpm_ros.view.scene import PICTURE_WIDTH, Paces, Scene
from support import bags
from support.bags import MS, T0, S

rr = pytest.importorskip("rerun")


def written(path, draw):
    """Draw into a file, and read it back: a table with a row for each instant."""
    from rerun import dataframe

    recording = rr.RecordingStream("test")
    recording.save(path)
    draw(recording)
    recording.disconnect()
    read = dataframe.load_recording(path).view(index="time", contents="/**")
    return read.select().read_all()


def column(table, part):
    """Give all values of the column whose name begins so, without what is not there."""
    (name,) = (name for name in table.column_names if name.startswith(part))
    return [value for value in table.column(name).to_pylist() if value is not None]


def chunk(part, effort=0.3, flags=0):
    at_ns = T0 + part * 10 * MS
    trace = Trace(
        at_ns - 60 * MS, at_ns - 40 * MS, at_ns - 30 * MS, at_ns - 12 * MS, at_ns - MS, at_ns
    )
    values = np.full((20, len(MUSCLES)), effort, np.float32)
    return EffortChunk(at_ns, part * 20, values, np.full(20, flags, np.uint16), trace)


def frame(at_ns, points=True, side="right"):
    shape = np.random.default_rng(1).uniform(0.2, 0.8, (21, 3)).astype(np.float32)
    return LandmarkFrame(
        at_ns, "top", 0, shape if points else None, 0.9, HAND, side, (640, 480), at_ns
    )


def test_effort_becomes_a_trace_of_each_muscle_and_delays_of_each_stage(tmp_path):
    def draw(recording):
        scene = Scene(recording)
        scene.muscles(MUSCLES, "fraction", "test", T0)
        for part in range(50):
            scene.effort(chunk(part, effort=part / 100))

    table = written(tmp_path / "a.rrd", draw)
    traces = np.array(column(table, "/muscles:Scalar"))
    assert traces.shape == (50, len(MUSCLES))
    np.testing.assert_allclose(traces[:, 0], np.arange(50) / 100, atol=1e-6)
    delays = {
        stage: column(table, f"/delay/{stage}:Scalar")[0][0]
        for stage in ("tracking", "transport", "alignment", "network", "output")
    }
    assert delays == pytest.approx(
        {"tracking": 20, "transport": 10, "alignment": 18, "network": 11, "output": 1}
    )


def test_effort_of_muscles_that_nobody_named_is_not_drawn(tmp_path):
    def draw(recording):
        scene = Scene(recording)
        scene.effort(chunk(0))
        scene.key(KeyEvent(T0, 0, KeyEventKind.NOTE_ON, note=60, velocity=50))

    table = written(tmp_path / "a.rrd", draw)
    assert not any(name.startswith("/muscles") for name in table.column_names)


def test_a_muscle_lights_up_with_its_effort_and_is_dark_when_effort_is_not_valid(tmp_path):
    def draw(recording):
        scene = Scene(recording)
        scene.muscles(MUSCLES, "fraction", "test", T0)
        for second, (effort, flags) in enumerate(((0.0, 0), (0.6, 0), (0.6, int(Flag.INVALID)))):
            scene.effort(chunk(second * 100, effort, flags))
            scene.landmarks(frame(T0 + second * S + MS))

    table = written(tmp_path / "a.rrd", draw)
    colours = column(table, "/camera/top/landmarks/right/lines:Color")
    rest, working, invalid = (row[-1] for row in colours)
    assert working != rest
    assert invalid == rest


def test_no_muscle_hides_another_that_lies_between_the_same_points(tmp_path):
    drawn = find_subject("hand").drawn
    assert drawn["PB"] == drawn["4DI"]

    def draw(recording):
        scene = Scene(recording)
        scene.muscles(MUSCLES, "fraction", "test", T0)
        scene.effort(chunk(0))
        scene.landmarks(frame(T0))

    strips = column(written(tmp_path / "a.rrd", draw), "/camera/top/landmarks/right/lines:Line")
    muscles = dict(zip(MUSCLES, np.array(strips[-1][-len(MUSCLES) :]), strict=True))
    assert np.allclose(muscles["PB"][1], muscles["4DI"][0], atol=1e-3)
    assert not np.allclose(muscles["PB"], muscles["4DI"])


def test_a_hand_that_is_lost_is_not_shown_any_longer(tmp_path):
    def draw(recording):
        scene = Scene(recording)
        scene.landmarks(frame(T0))
        scene.landmarks(frame(T0 + S, points=False))

    table = written(tmp_path / "a.rrd", draw)
    shown = column(table, "/camera/top/landmarks/right/points:Position2D")
    assert [len(points) for points in shown] == [21, 0]


def test_keys_that_are_down_lie_lower_and_come_up_again(tmp_path):
    def draw(recording):
        scene = Scene(recording)
        scene.key(KeyEvent(T0, 0, KeyEventKind.NOTE_ON, note=60, velocity=50))
        scene.key(KeyEvent(T0 + S, 1, KeyEventKind.NOTE_OFF, note=60))
        scene.key(KeyEvent(T0 + S, 2, KeyEventKind.HEARTBEAT))

    table = written(tmp_path / "a.rrd", draw)
    boxes = np.array(column(table, "/space/keyboard:PoseTranslation3D"))
    assert boxes.shape == (2, 88, 3)
    moved = boxes[1, :, 2] - boxes[0, :, 2]
    assert np.flatnonzero(moved).tolist() == [60 - 21]
    assert moved.max() == pytest.approx(0.01)


def test_pictures_are_made_smaller_and_landmarks_stay_on_them(tmp_path):
    wide = 2 * PICTURE_WIDTH

    def draw(recording):
        scene = Scene(recording)
        scene.picture(T0, "top", np.zeros((wide // 2, wide, 3), np.uint8))
        seen = frame(T0)
        object.__setattr__(seen, "image_size", (wide, wide // 2))
        scene.landmarks(seen)

    table = written(tmp_path / "a.rrd", draw)
    points = np.array(column(table, "/camera/top/landmarks/right/points:Position2D")[0])
    np.testing.assert_allclose(
        points, frame(T0).points[:, :2] * (PICTURE_WIDTH, PICTURE_WIDTH // 2), rtol=1e-5
    )


def test_each_thing_is_drawn_at_most_so_often_and_begins_anew_with_the_clock():
    paces = Paces()
    drawn = [paces.allow("a", T0 + k * 5 * MS, 30.0) for k in range(200)]
    assert 29 <= sum(drawn) <= 31
    assert paces.skipped["a"] == 200 - sum(drawn)
    assert paces.allow("a", T0 - 10 * S, 30.0)
    assert paces.allow("b", T0, 30.0)


def test_messages_that_cannot_be_drawn_are_counted_and_the_rest_is_drawn(tmp_path):
    counted = []

    def draw(recording):
        shown = MessageView(Scene(recording))
        wrong = bags.entry(frame(T0), T0)[2]
        wrong.points = np.zeros(7, np.float32)
        shown.show("/kpm/camera/top/landmarks", "kpm_ros/msg/Landmarks", wrong)
        right = bags.entry(frame(T0 + S), T0 + S)
        shown.show(right[0], right[3], right[2])
        counted.append(shown.refused)

    table = written(tmp_path / "a.rrd", draw)
    assert counted == [1]
    assert any(name.startswith("/camera/top/landmarks") for name in table.column_names)


def test_every_muscle_of_every_subject_is_drawn_between_points_of_its_skeletons():
    from kpm_ros.core.skeletons import find_skeleton

    for name in subject_names():
        subject = find_subject(name)
        for skeleton in subject.skeletons:
            points = find_skeleton(skeleton).points
            assert all(point in points for ends in subject.drawn.values() for point in ends), name
    assert set(find_subject("hand").drawn) == set(MUSCLES)
    assert set(find_subject("body").drawn) == set(find_subject("body").muscles)


def test_a_bag_becomes_a_recording_with_all_that_it_holds(tmp_path):
    entries = bags.entries(bags.played(3.0))
    entries.append(bags.info(published_card(), "f" * 64))
    entries += [bags.entry(chunk(part), T0 + part * 10 * MS) for part in range(300)]
    folder = bags.write(tmp_path / "bag", entries)
    with BagView(folder, registration=Registration.read(simulated_room())) as bag:
        assert sorted(bag.views) == ["right", "top"]
        assert bag.missing() == ["pictures of cameras"]
        steps = []
        table = written(
            tmp_path / "a.rrd", lambda recording: bag.draw(recording, lambda: steps.append(1))
        )
    assert len(column(table, "/muscles:Scalar")) > 250
    assert len(column(table, "/space/keyboard:PoseTranslation3D")) > 2
    for view in ("top", "right"):
        assert column(table, f"/camera/{view}/landmarks/right/points:Position2D")
    assert len(column(table, "/space/right/points:Position3D")) > 50, "30 a second, in space"
    assert len(steps) >= 100


def test_without_a_registration_a_bag_shows_no_hand_in_space(tmp_path):
    folder = bags.write(tmp_path / "bag", bags.entries(bags.played(1.0)))
    with BagView(folder) as bag:
        table = written(tmp_path / "a.rrd", bag.draw)
    assert not any(name.startswith("/space/right") for name in table.column_names)
