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

"""`kpm explore`, and muscles to pose in `kpm evaluate --report mia`."""

from __future__ import annotations

import numpy as np
import pytest

from kpm_ros.cli import main
from kpm_ros.learn.pictures import body_picture
from kpm_ros.learn.recordings.dataset_readers import open_dataset
from kpm_ros.learn.recordings.turned import turned
from kpm_ros.learn.scores.mia_report import read_mia_report
from kpm_ros.learn.scores.scored_models import find_scored_model
from kpm_ros.models.weight_files import save_model
from support.body_set import write_bodies


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_bodies(tmp_path_factory.mktemp("set"))


@pytest.fixture(scope="module")
def to_pose(data, tmp_path_factory):
    model = find_scored_model("ridge", turned(open_dataset(data))).model
    path = tmp_path_factory.mktemp("model") / "to_pose.safetensors"
    save_model(path, model.card, model.tensors)
    return str(path)


@pytest.fixture
def drawn(monkeypatch):
    clips = []
    monkeypatch.setattr(body_picture, "draw_picture", lambda path, clip, at: clips.append(clip))
    return clips


def test_muscles_that_work_more_are_shown_with_their_movement(data, to_pose, tmp_path, capsys):
    out = tmp_path / "more.png"
    words = ["--excerpt", "p1_Squat_1:1-4", "--muscles", "LQuad", "RQuad", "--times", "2"]
    words += ["--to-pose", to_pose, "--out", str(out), "--instants", "1"]
    assert main(["explore", "scale", str(data), *words]) == 0
    text = capsys.readouterr().out
    assert "p1_Squat_1: LQuad RQuad x 2; mean change of each point" in text
    assert "_knee" in text.splitlines()[1]
    assert "without a change, to_pose is 0.0" in text
    assert out.read_bytes().startswith(b"\x89PNG")


def test_estimated_effort_can_be_changed_as_well(data, to_pose, drawn):
    words = ["--excerpt", "p1_Squat_1:1-4", "--muscles", "LQuad", "--times", "2", "--out", "x.png"]
    for more in ([], ["--to-muscles", "ridge"]):
        assert main(["explore", "scale", str(data), *words, *more, "--to-pose", to_pose]) == 0
    measured, estimated = (clip.tracks["as it is"] for clip in drawn)
    np.testing.assert_allclose(estimated.at(1.0), measured.at(1.0), atol=0.1)
    assert not np.array_equal(estimated.effort, measured.effort)
    changed = drawn[1].tracks["LQuad x 2"]
    np.testing.assert_allclose(changed.at(1.0)[0], 2 * estimated.at(1.0)[0], rtol=1e-5)
    assert [scene.lit for scene in drawn[0].scenes] == ["as it is", "as it is", "LQuad x 2"]
    assert drawn[0].kind == "SIMULATED"


def test_muscles_of_another_clip_are_taken_over(data, to_pose, drawn):
    words = ["--excerpt", "p1_Squat_1:0-3", "--from", "p2_FrontKick_1:1-4", "--muscles", "LHam"]
    words += ["--to-pose", to_pose, "--out", "x.png"]
    assert main(["explore", "transplant", str(data), *words]) == 0
    (clip,) = drawn
    kick = open_dataset(data).recording("p2_FrontKick_1").truth.values[20:80]
    np.testing.assert_array_equal(clip.tracks["LHam of p2_FrontKick_1"].effort[:, 1], kick[:, 1])


@pytest.mark.parametrize("by", ["pose", "muscles"])
def test_clips_that_are_alike_in_one_way_only_are_found(data, tmp_path, by, drawn, capsys):
    matrix = tmp_path / "matrix.svg"
    words = ["--by", by, "--pairs", "2", "--matrix", str(matrix), "--out", "x.png"]
    assert main(["explore", "alike", str(data), *words]) == 0
    text = capsys.readouterr().out
    assert "of 36 windows of 3 s, those that" in text
    assert len(drawn) == 2
    assert len(drawn[0].tracks) == 2
    assert "<!-- mean distance of clips, SIMULATED" in matrix.read_text()
    words = ["--by", by, "--clip", "p1_Squat_1:2-5", "--out", "x.png", "--split", "test"]
    assert main(["explore", "alike", str(data), *words]) == 0
    assert "p1_Squat_1:2" in drawn[-1].tracks


def test_the_error_of_poses_stands_in_the_report(data, to_pose, tmp_path, capsys):
    table = tmp_path / "r.json"
    words = ["--models", "mean", "--split", "test", "--to-pose", to_pose, "--json", str(table)]
    assert main(["evaluate", str(data), "--report", "mia", *words]) == 0
    pose = read_mia_report(table).pose
    assert (pose.unit, pose.windows) == ("m", 8)
    assert 0 < pose.error["to_pose"] < 0.05
    text = capsys.readouterr().out
    assert "Muscles to pose, mean error of a joint in m" in text
    assert "Transformer [P]" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["scale", "--muscles", "Heart", "--times", "2", "--to-pose", "ridge"], "'Heart'"),
        (["scale", "--muscles", "LQuad", "--times", "2", "--to-pose", "ridge"], "makes no pose"),
        (["scale", "--muscles", "LQuad", "--times", "-2", "--to-pose", "ok"], "not by -2"),
        (["alike", "--pairs", "0"], "--pairs must be 1 or more, not 0"),
        (["alike", "--windows", "90000"], "--windows must be 5000 or less, not 90000"),
        (["alike", "--split", "none"], "no recordings in 'none'"),
        (["alike", "--clip", "p1_Squat_1:5-7"], "begins less than 3 s before the end"),
    ],
)
def test_what_cannot_be_explored_is_said_in_a_sentence(data, to_pose, words, says, capsys):
    words = [to_pose if word == "ok" else word for word in words]
    assert main(["explore", words[0], str(data), *words[1:], "--out", "x.png"]) == 2
    captured = capsys.readouterr()
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert not captured.out
