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

"""What is said before the pipeline starts: refusals, and which node will have no work."""

from __future__ import annotations

import pytest

from kpm_ros.core.resources import config_dir
from kpm_ros.operate import preflight
from kpm_ros.operate.errors import UserError
from kpm_ros.pipeline_options import PipelineOptions
from support.bags import small_model


def test_a_model_of_other_muscles_runs_and_idle_nodes_are_named(tmp_path, capsys):
    path, _ = small_model(tmp_path, muscles=("biceps", "triceps"))
    preflight.check(PipelineOptions(model=str(path), source="topics"))
    said = capsys.readouterr().err
    assert "exo will do nothing: gains names the muscle 'PB'" in said
    assert "gesture will do nothing: gestures names the muscle 'PB'" in said
    assert said.count("but the model light gives biceps, triceps") == 2


def test_nodes_whose_muscles_the_model_has_are_not_spoken_of(capsys):
    preflight.check(PipelineOptions(source="topics"))
    assert not capsys.readouterr().err


def test_cameras_that_stand_nobody_knows_where_are_spoken_of(capsys):
    preflight.check(PipelineOptions(source="devices"))
    assert "`kpm calibrate room` finds them, for registration:=FILE" in capsys.readouterr().err
    room = config_dir() / "rooms" / "simulated.yaml"
    preflight.check(PipelineOptions(source="devices", registration=str(room)))
    assert not capsys.readouterr().err


def test_muscles_that_the_user_names_must_be_the_models(tmp_path):
    path, _ = small_model(tmp_path, muscles=("biceps", "triceps"))
    file = tmp_path / "mine.yaml"
    file.write_text('/**/exo:\n  ros__parameters:\n    gains: ["elbow deltoid 0.1"]\n')
    options = PipelineOptions(model=str(path), source="topics", params_file=str(file))
    with pytest.raises(UserError, match="exo: gains names the muscle 'deltoid'"):
        preflight.check(options)
