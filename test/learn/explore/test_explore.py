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

"""Muscles that are changed and exchanged, the movement that goes with them, and clips alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kpm_ros.core.streams import Channels, Streams
from kpm_ros.learn.explore.alike import Distances
from kpm_ros.learn.explore.edits import moved, places_of, scaled, transplanted
from kpm_ros.learn.explore.pose_models import PoseModel
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.turned import turned
from kpm_ros.learn.scores.body_windows import windows_of
from kpm_ros.learn.scores.scored_models import find_scored_model
from support.body_set import MUSCLES, UNIT, VIEW, make_body, write_bodies

SQUAT = make_body(1, "Squat", 1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return open_dataset(write_bodies(tmp_path_factory.mktemp("set")))


@pytest.fixture(scope="module")
def pose(dataset):
    fitted = find_scored_model("ridge", turned(dataset)).model
    return PoseModel.of("ridge", fitted, dataset)


def test_chosen_muscles_are_multiplied_and_others_are_not():
    effort = SQUAT.truth.values
    more = scaled(effort, MUSCLES, ["LQuad", "RQuad"], 3)
    np.testing.assert_allclose(more[:, [0, 4]], 3 * effort[:, [0, 4]])
    np.testing.assert_array_equal(more[:, 1:4], effort[:, 1:4])
    for wanted, times, says in (
        (["Heart"], 2, "there is no muscle 'Heart': there are LQuad"),
        ([], 2, "name one or more of the muscles"),
        (["LQuad"], -1, "multiplied by 0 to 100, not by -1"),
        (["LQuad"], float("nan"), "not by nan"),
    ):
        with pytest.raises(ValueError, match=says):
            scaled(effort, MUSCLES, wanted, times)


def test_muscles_of_another_clip_replace_ones_own():
    effort, other = SQUAT.truth.values, make_body(2, "FrontKick", 1).truth.values[:50]
    mixed = transplanted(effort, other, MUSCLES, ["LHam"])
    np.testing.assert_array_equal(mixed[:50, 1], other[:, 1])
    np.testing.assert_array_equal(mixed[50:, 1], np.full(len(effort) - 50, other[-1, 1]))
    rest = [k for k in range(8) if k not in places_of(["LHam"], MUSCLES)]
    np.testing.assert_array_equal(mixed[:, rest], effort[:, rest])


def test_more_effort_makes_more_of_the_movement_that_goes_with_it(pose):
    """In these made-up people knees rise by 0.6 m for each unit of the quadriceps' effort."""
    effort = np.asarray(SQUAT.truth.values)
    before = pose.movement(SQUAT, effort)
    after = pose.movement(SQUAT, scaled(effort, MUSCLES, ["LQuad", "RQuad"], 1.5))
    assert before.points.shape == after.points.shape == (65, 33, 2)
    seen = np.array([before.at(t) for t in (0.5, 3.1, 6.0)])
    np.testing.assert_allclose(seen, [_points(SQUAT, t) for t in (0.5, 3.1, 6.0)], atol=0.05)
    farthest = dict(moved(before, after)[:4])
    assert {"left_knee", "right_knee"} <= set(farthest)
    lifted = (before.points - after.points)[:, VIEW.skeleton.points.index("left_knee"), 1]
    np.testing.assert_allclose(lifted, 0.6 * 0.5 * effort[::2, 0], atol=0.06)


def _points(recording, at_s):
    return recording.series[0].values[round(at_s * 10)].reshape(33, 3)[:, :2]


def test_the_error_of_a_pose_is_the_mean_distance_of_joints(pose, dataset):
    windows = windows_of(dataset.recording("p1_Squat_2"))
    exact = pose.error(windows).seen
    assert exact < 0.03
    still = find_scored_model("mean", turned(dataset)).model
    mean = still.tensors["mean"].reshape(33, 3)
    seen = np.concatenate([one.alone.series[0].values for one in windows]).reshape(-1, 33, 3)
    by_hand = np.linalg.norm(seen - mean, axis=2).mean()
    card = replace(still.card, streams=Streams((Channels("muscles", MUSCLES, UNIT, 20.0),)))
    model = PoseModel.of("mean", replace(still, card=card), dataset)
    assert model.error(windows).seen == pytest.approx(by_hand, rel=1e-4)


def test_a_model_that_makes_no_pose_of_these_muscles_is_refused(pose, dataset):
    with pytest.raises(ValueError, match="ridge makes no pose of the muscles LQuad"):
        PoseModel.of("ridge", find_scored_model("ridge", dataset).model, dataset)
    with pytest.raises(ValueError, match="takes effort in fraction of maximum, and the data set"):
        PoseModel.of("ridge", pose.model, replace(dataset, unit="counts"))


def test_clips_are_alike_whoever_they_are_of_and_wherever_they_stand(dataset):
    """Size and heading do not count: the same movement of a larger body, seen from elsewhere."""
    recording = make_body(1, "Squat", 1)
    series = recording.series[0]
    points = series.values.reshape(-1, 33, 3)
    angle = 0.6
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    elsewhere = 1.2 * points @ turn.T + (0.4, -0.2, 0.7)
    other = replace(series, values=elsewhere.reshape(-1, 99).astype(np.float32))
    effort = replace(recording.truth, values=np.ascontiguousarray(recording.truth.values[:, ::-1]))
    twin = replace(recording, name="twin", series=(other,), truth=effort)
    kick = make_body(1, "FrontKick", 1)
    windows = [windows_of(one)[0] for one in (recording, twin, kick)]
    found = Distances.of(windows, VIEW, {"p1": np.ones(8)})
    assert found.pose[0, 1] < 0.01
    assert found.pose[0, 2] > 5 * found.pose[0, 1]
    reverse = np.sqrt(np.mean((windows[0].truth - windows[0].truth[:, ::-1]) ** 2))
    assert found.muscles[0, 1] == pytest.approx(reverse, rel=1e-5)
    (pair,) = found.pairs("pose", 1)
    assert {pair.first, pair.second} == {0, 1}
    (pair,) = found.pairs("pose", 1, clip=2)
    assert 2 in (pair.first, pair.second)
    names, pose, muscles = found.by_exercise()
    assert names == ["FrontKick", "Squat"]
    assert pose[1, 1] == found.pose[0, 1]
    assert np.isnan(pose[0, 0])
    assert muscles[0, 1] == muscles[1, 0]


def test_windows_in_which_nobody_was_seen_are_not_compared():
    values = SQUAT.series[0].values.copy()
    values[5:25] = np.nan
    gone = replace(SQUAT, name="gone", series=(replace(SQUAT.series[0], values=values),))
    windows = [windows_of(one)[0] for one in (SQUAT, gone)]
    with pytest.raises(ValueError, match="1 windows show somebody throughout"):
        Distances.of(windows, VIEW, {"p1": np.ones(8)})


def test_a_pose_that_began_late_is_still_what_is_to_be_estimated(dataset, monkeypatch):
    """A recording seldom begins with a frame, and a body may be lost for a moment."""
    late = replace(SQUAT.series[0], stamps_s=np.arange(65) / 10 + 0.04)
    values = late.values.copy()
    values[30:33] = np.nan
    late = replace(late, values=values)
    store = type(dataset.store)
    monkeypatch.setattr(store, "recording", lambda self, name: replace(SQUAT, series=(late,)))
    pose = turned(dataset).recording("p1_Squat_1").truth
    assert len(pose.values) == 65
    np.testing.assert_allclose(pose.values[0], values[0], atol=0.1)
    assert np.isfinite(pose.values).all()
    assert np.abs(pose.values).max() < 2
    values[10:40] = np.nan
    with pytest.raises(ValueError, match=r"saw nobody for \d+% of its time"):
        turned(dataset).recording("p1_Squat_1")
